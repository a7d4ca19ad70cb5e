#include "common/io/idx.h"

#include <fmt/format.h>

#include "common/core/error.h"
#include "common/io/gzip.h"
#include "common/io/text.h"

namespace tenfold::io {
namespace {

constexpr uint64_t kLargest = uint64_t{1} << 31;

struct Kind {
  uint32_t magic;
  uint64_t header;
  const char* name;
};
constexpr Kind kImages = {0x00000803, 16, "images"}, kLabels = {0x00000801, 8, "labels"};

uint32_t big_endian(const Bytes& file, size_t at) {
  return uint32_t{file[at]} << 24 | uint32_t{file[at + 1]} << 16 | uint32_t{file[at + 2]} << 8 |
         file[at + 3];
}

std::string magic_name(uint32_t magic) {
  for (const Kind& kind : {kImages, kLabels}) {
    if (magic == kind.magic) return fmt::format("0x{:08x} (IDX {})", magic, kind.name);
  }
  return fmt::format("0x{:08x}", magic);
}

[[noreturn]] void throw_truncated(const Bytes& file, const std::string& name, uint64_t expected,
                                  const Kind& kind) {
  throw DataError(
      fmt::format("{}: truncated after {} of {} bytes (expected IDX {}); download it "
                  "again",
                  name, grouped(file.size()), grouped(expected), kind.name));
}

void check_header(const Bytes& file, const std::string& name, const Kind& kind) {
  if (file.size() >= 4 && big_endian(file, 0) != kind.magic) {
    throw DataError(fmt::format("{}: found magic {}, expected {}", name,
                                magic_name(big_endian(file, 0)), magic_name(kind.magic)));
  }
  if (file.size() < kind.header) throw_truncated(file, name, kind.header, kind);
}

void check_length(const Bytes& file, const std::string& name, uint64_t expected, const Kind& kind) {
  if (expected > kLargest) {
    throw DataError(fmt::format("{}: the counts ask for {} bytes, expected at most {}", name,
                                grouped(expected), grouped(kLargest)));
  }
  if (file.size() < expected) throw_truncated(file, name, expected, kind);
  if (file.size() > expected) {
    throw DataError(fmt::format("{}: found {} bytes, expected {} (IDX {})", name,
                                grouped(file.size()), grouped(expected), kind.name));
  }
}

// A gzip file that ends early is described by the IDX header that it still begins with.
template <class Parse>
auto read_with(Parse parse, const std::string& path) {
  try {
    return parse(read_maybe_gzip(path, kLargest), path);
  } catch (const TruncatedGzip& truncated) {
    parse(truncated.unpacked, path);
    throw;  // all bytes came out, only the checksum is missing
  }
}

}  // namespace

IdxImages parse_idx_images(const Bytes& file, const std::string& name) {
  check_header(file, name, kImages);
  const uint64_t count = big_endian(file, 4), rows = big_endian(file, 8);
  const uint64_t columns = big_endian(file, 12);
  // Below 2^16 each way the product of all three stays below 2^64.
  if (rows == 0 || columns == 0 || rows > 65535 || columns > 65535) {
    throw DataError(
        fmt::format("{}: found images of {}x{}, expected 1..65535 each way", name, rows, columns));
  }
  check_length(file, name, kImages.header + count * rows * columns, kImages);
  return {static_cast<int64_t>(count), static_cast<int64_t>(rows), static_cast<int64_t>(columns),
          Bytes(file.begin() + kImages.header, file.end())};
}

IdxLabels parse_idx_labels(const Bytes& file, const std::string& name) {
  check_header(file, name, kLabels);
  check_length(file, name, kLabels.header + big_endian(file, 4), kLabels);
  return {Bytes(file.begin() + kLabels.header, file.end())};
}

IdxImages read_idx_images(const std::string& path) { return read_with(parse_idx_images, path); }

IdxLabels read_idx_labels(const std::string& path) { return read_with(parse_idx_labels, path); }

}  // namespace tenfold::io
