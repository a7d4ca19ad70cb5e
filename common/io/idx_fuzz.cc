// libFuzzer: whatever the bytes, the IDX parsers give a result or a tenfold::Error.
#include "common/core/error.h"
#include "common/io/gzip.h"
#include "common/io/idx.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tenfold;
  constexpr uint64_t kLimit = uint64_t{1} << 24;
  const io::Bytes file(data, data + size);
  const auto parse = [](const io::Bytes& bytes) {
    try {
      const io::IdxImages images = io::parse_idx_images(bytes, "x");
      if (images.pixels.size() !=
          static_cast<size_t>(images.count * images.rows * images.columns)) {
        __builtin_trap();
      }
    } catch (const Error&) {
    }
    try {
      if (io::parse_idx_labels(bytes, "x").labels.size() + 8 != bytes.size()) __builtin_trap();
    } catch (const Error&) {
    }
  };
  parse(file);
  try {
    parse(io::gunzip(file, "x", kLimit));
  } catch (const Error&) {
  }
  return 0;
}
