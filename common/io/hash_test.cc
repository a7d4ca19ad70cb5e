#include "common/io/hash.h"

#include <catch2/catch.hpp>

#include "common/io/scratch_for_test.h"

namespace tenfold::io {

TEST_CASE("digests are those of xxh128sum") {
  REQUIRE(xxh3_hex("", 0) == "99aa06d3014798d86001c324468d497f");
  REQUIRE(xxh3_hex("abc", 3) == "06b05ab6733a618578af5f94892f3950");
}

TEST_CASE("a file's digest is that of its bytes, across blocks") {
  const Scratch scratch;
  for (const size_t size :
       {size_t{0}, size_t{1}, size_t{1} << 20, (size_t{1} << 20) + 1, (size_t{5} << 19) + 7}) {
    std::string text(size, 'a');
    for (size_t i = 0; i < size; i += 97) text[i] = static_cast<char>(i);
    write_file_atomic(scratch / "a", text);
    REQUIRE(xxh3_file(scratch / "a") == xxh3_hex(text.data(), text.size()));
  }
}

TEST_CASE("one flipped bit changes the digest") {
  std::string text(100, 'a');
  const std::string before = xxh3_hex(text.data(), text.size());
  text[50] ^= 1;
  REQUIRE(xxh3_hex(text.data(), text.size()) != before);
}

TEST_CASE("a missing file and a folder have no digest") {
  const Scratch scratch;
  for (const std::string& path : {scratch / "none", scratch.path()}) {
    REQUIRE(outcome_of([&] { xxh3_file(path); }).code == ExitCode::kInputMissing);
  }
}

}  // namespace tenfold::io
