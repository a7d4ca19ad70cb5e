#include "common/io/idx.h"

#include <fmt/format.h>

#include "common/core/error.h"
#include "common/io/gzip.h"

namespace tenfold::io {
namespace {

constexpr uint32_t kImageMagic = 0x00000803, kLabelMagic = 0x00000801;
constexpr uint64_t kLargest = uint64_t{1} << 31;

uint32_t big_endian(const Bytes& file, size_t at) {
  return uint32_t{file[at]} << 24 | uint32_t{file[at + 1]} << 16 | uint32_t{file[at + 2]} << 8 | file[at + 3];
}

// 12345 -> "12,345"
std::string grouped(uint64_t n) {
  std::string text = std::to_string(n);
  for (int at = static_cast<int>(text.size()) - 3; at > 0; at -= 3) text.insert(static_cast<size_t>(at), ",");
  return text;
}

void check_header(const Bytes& file, const std::string& name, uint32_t magic, size_t header, const char* what) {
  if (file.size() < header) {
    throw DataError(fmt::format("{}: truncated after {} of {} bytes (expected IDX {}); download it again", name,
                                grouped(file.size()), grouped(header), what));
  }
  if (big_endian(file, 0) != magic) {
    throw DataError(fmt::format("{}: found magic 0x{:08x}, expected 0x{:08x} (IDX {})", name, big_endian(file, 0), magic,
                                what));
  }
}

void check_length(const Bytes& file, const std::string& name, uint64_t expected, const char* what) {
  if (expected > kLargest) {
    throw DataError(fmt::format("{}: the counts ask for {} bytes, expected at most {}", name, grouped(expected),
                                grouped(kLargest)));
  }
  if (file.size() < expected) {
    throw DataError(fmt::format("{}: truncated after {} of {} bytes (expected IDX {}); download it again", name,
                                grouped(file.size()), grouped(expected), what));
  }
  if (file.size() > expected) {
    throw DataError(fmt::format("{}: found {} bytes, expected {} (IDX {})", name, grouped(file.size()),
                                grouped(expected), what));
  }
}

}  // namespace

IdxImages parse_idx_images(const Bytes& file, const std::string& name) {
  constexpr size_t kHeader = 16;
  check_header(file, name, kImageMagic, kHeader, "images");
  const uint64_t count = big_endian(file, 4), rows = big_endian(file, 8), columns = big_endian(file, 12);
  if (rows == 0 || columns == 0 || rows > 65535 || columns > 65535) {
    throw DataError(fmt::format("{}: found images of {}x{}, expected 1..65535 each way", name, rows, columns));
  }
  check_length(file, name, kHeader + count * rows * columns, "images");
  return {static_cast<int64_t>(count), static_cast<int64_t>(rows), static_cast<int64_t>(columns),
          Bytes(file.begin() + kHeader, file.end())};
}

IdxLabels parse_idx_labels(const Bytes& file, const std::string& name) {
  constexpr size_t kHeader = 8;
  check_header(file, name, kLabelMagic, kHeader, "labels");
  check_length(file, name, kHeader + uint64_t{big_endian(file, 4)}, "labels");
  return {Bytes(file.begin() + kHeader, file.end())};
}

IdxImages read_idx_images(const std::string& path) { return parse_idx_images(read_maybe_gzip(path), path); }

IdxLabels read_idx_labels(const std::string& path) { return parse_idx_labels(read_maybe_gzip(path), path); }

}  // namespace tenfold::io
