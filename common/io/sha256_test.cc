#include "common/io/sha256.h"

#include <catch2/catch.hpp>

namespace tenfold::io {
namespace {

std::string digest(const std::string& text) { return Sha256().add(text.data(), text.size()).hex(); }

}  // namespace

TEST_CASE("SHA-256 gives the digests of FIPS 180-4's examples") {
  CHECK(digest("") == "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855");
  CHECK(digest("abc") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad");
  CHECK(digest("abcdbcdecdefdefgefghfghighijhijkijkljklmklmnlmnomnopnopq") ==
        "248d6a61d20638b8e5c026930c3e6039a33ce45964ff2167f6ecedd419db06c1");
  CHECK(digest(std::string(1000000, 'a')) ==
        "cdc76e5c9914fb9281a1c7e284d73e67f1809a48a497200e046d39ccc7112cd0");
}

TEST_CASE("SHA-256 does not depend on how the bytes are cut") {
  const std::string text(200, 'x');
  for (size_t cut = 0; cut <= text.size(); ++cut) {
    Sha256 sum;
    sum.add(text.data(), cut).add(text.data() + cut, text.size() - cut);
    REQUIRE(sum.hex() == digest(text));
  }
}

}  // namespace tenfold::io
