#include "common/io/gzip.h"

#include <zlib.h>

#include <catch2/catch.hpp>

#include "common/io/gzip_for_test.h"
#include "common/io/scratch_for_test.h"

namespace tenfold::io {
namespace {

// Text that deflate does not store as it is.
Bytes sample(size_t size) {
  Bytes out(size);
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<uint8_t>((i * i) >> 5 & 15);
  return out;
}

// Bits without contents: time, extra flags and system in the header (RFC 1952, 2.3.1), and what
// fills up the last byte of the deflate data, before the trailer.
bool carries_nothing(size_t at, int bit, size_t size) {
  constexpr size_t kFlags = 3, kTime = 4, kHeaderEnd = 10, kTrailer = 8;
  return (at >= kTime && at < kHeaderEnd) || (at == kFlags && bit == 0) ||
         at == size - kTrailer - 1;
}

}  // namespace

TEST_CASE("what gzip packs, gunzip unpacks, whatever the size") {
  for (const size_t size : {0, 1, 1000, 65536, 65537, 1000000}) {
    REQUIRE(gunzip(gzip_of(sample(size)), "x.gz") == sample(size));
  }
}

TEST_CASE("several members follow one another") {
  Bytes two = gzip_of(bytes_of("one "));
  const Bytes second = gzip_of(bytes_of("two"));
  two.insert(two.end(), second.begin(), second.end());
  REQUIRE(gunzip(two, "x.gz") == bytes_of("one two"));
}

TEST_CASE("a gzip file cut at any byte is called truncated") {
  const Bytes whole = gzip_of(sample(300));
  for (size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    const Bytes part(whole.begin(), whole.begin() + static_cast<long>(size));
    const Outcome outcome = outcome_of([&] { gunzip(part, "x.gz"); });
    REQUIRE(outcome.code == ExitCode::kBadData);
    REQUIRE(outcome.says("x.gz: truncated: the gzip data end after "));
  }
}

TEST_CASE("any flipped bit of a gzip file is found, or carried no contents") {
  const Bytes whole = gzip_of(sample(300));
  for (size_t at = 0; at < whole.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      CAPTURE(at, bit);
      Bytes damaged = whole;
      damaged[at] ^= static_cast<uint8_t>(1 << bit);
      Bytes out;
      const Outcome outcome = outcome_of([&] { out = gunzip(damaged, "x.gz"); });
      if (!outcome.ok()) {
        REQUIRE(outcome.code == ExitCode::kBadData);
        continue;
      }
      REQUIRE(carries_nothing(at, bit, whole.size()));
      REQUIRE(out == sample(300));
    }
  }
}

TEST_CASE("bytes after the end are refused") {
  Bytes file = gzip_of(sample(10));
  file.push_back(0);
  REQUIRE(outcome_of([&] { gunzip(file, "x.gz"); }).says("x.gz: 1 bytes follow the end"));
}

TEST_CASE("the limit is exact") {
  const Bytes file = gzip_of(sample(100000));
  REQUIRE(gunzip(file, "x.gz", 100000).size() == 100000);
  for (const uint64_t limit : {uint64_t{0}, uint64_t{1}, uint64_t{65536}, uint64_t{99999}}) {
    const Outcome outcome = outcome_of([&] { gunzip(file, "x.gz", limit); });
    REQUIRE(outcome.code == ExitCode::kBadData);
    REQUIRE(outcome.says("unpacks to more than"));
  }
  REQUIRE(gunzip(gzip_of({}), "x.gz", 0).empty());
}

TEST_CASE("a plain file is read as it is, a gzip file unpacked") {
  const Scratch scratch;
  const Bytes packed = gzip_of(sample(100));
  write_file_atomic(scratch / "a", packed.data(), packed.size());
  write_file_atomic(scratch / "b", "plain");
  write_file_atomic(scratch / "c", "\x1f");
  REQUIRE(read_maybe_gzip(scratch / "a") == sample(100));
  REQUIRE(read_maybe_gzip(scratch / "b") == bytes_of("plain"));
  REQUIRE(read_maybe_gzip(scratch / "c") == bytes_of("\x1f"));
}

}  // namespace tenfold::io
