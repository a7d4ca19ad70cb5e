// Skipping a test case in Catch2 v2, which has no word for it: print the reason and return.
#pragma once

#include <cstdio>
#include <string>

namespace tenfold::testing {

// scripts/test counts these lines.
inline void print_skip(const std::string& reason) { std::printf("SKIPPED: %s\n", reason.c_str()); }

}  // namespace tenfold::testing

#define TENFOLD_SKIP(reason)                \
  do {                                      \
    ::tenfold::testing::print_skip(reason); \
    return;                                 \
  } while (false)
