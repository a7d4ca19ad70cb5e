#include "common/core/device.h"

#include <catch2/catch.hpp>

#include "common/core/build_info.h"
#include "common/core/error.h"
#include "common/core/gemm_backend.h"
#include "common/testing/skip.h"

namespace tenfold {

TEST_CASE("a device is named as it is asked for, and an absent one is refused with 69") {
  REQUIRE(open_device("cpu").name() == "cpu");
  REQUIRE_THROWS_AS(open_device("tpu"), UsageError);
  REQUIRE_THROWS_AS(open_device("cuda:x"), UsageError);
  std::string name;
  try {
    name = open_device("cuda:0").name();
  } catch (const Unavailable& e) {
    REQUIRE(e.code() == ExitCode::kUnavailable);
    testing::print_skip("no CUDA device: only the refusal is checked");
    return;
  }
  REQUIRE(name == "cuda:0");
}

TEST_CASE("matrix products agree with a plain loop") { REQUIRE_NOTHROW(gemm_self_test()); }

TEST_CASE("the version names a release and a commit") {
  REQUIRE(version().rfind("0.1.0+", 0) == 0);
}

}  // namespace tenfold
