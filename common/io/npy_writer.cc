#include "common/io/npy_writer.h"

#include <fmt/format.h>

#include "common/io/npy_header.h"
#include "common/io/shape.h"

namespace tenfold::io {
namespace {

constexpr size_t kAlignment = 64, kPreamble = 10;

std::string tuple(const std::vector<int64_t>& shape) {
  std::string out = "(";
  for (size_t d = 0; d < shape.size(); ++d) {
    out += fmt::format(d == 0 ? "{}" : ", {}", shape[d]);
  }
  return out + (shape.size() == 1 ? ",)" : ")");
}

}  // namespace

std::string npy_head(DType dtype, const std::vector<int64_t>& shape) {
  // One byte has no order: NumPy writes '|'.
  std::string header =
      fmt::format("{{'descr': '{}{}', 'fortran_order': False, 'shape': {}, }}",
                  dtype_size(dtype) == 1 ? '|' : '<', npy_code(dtype), tuple(shape));
  const size_t bare = kPreamble + header.size() + 1;
  header.append((kAlignment - bare % kAlignment) % kAlignment, ' ');
  header += '\n';
  std::string out("\x93NUMPY\x01\x00", 8);
  out += static_cast<char>(header.size() & 0xff);
  out += static_cast<char>(header.size() >> 8);
  return out + header;
}

void write_npy(const std::string& path, DType dtype, const std::vector<int64_t>& shape,
               const void* data) {
  const std::string head = npy_head(dtype, shape);
  write_file_atomic(path, {head, std::string_view(static_cast<const char*>(data),
                                                  shape_bytes(dtype, shape, path))});
}

}  // namespace tenfold::io
