// Skipping a test case in Catch2 v2, which has no word for it: print the reason and return.
#pragma once

#include <cstdio>
#include <cstdlib>
#include <string>

namespace tenfold::testing {

// scripts/test counts these lines.
inline void print_skip(const std::string& reason) { std::printf("SKIPPED: %s\n", reason.c_str()); }

// The folder of one tool's parity fixtures: TENFOLD_FIXTURES, else `fallback`, or "" where it is
// absent.
inline std::string fixtures_or(const char* fallback) {
  const char* given = std::getenv("TENFOLD_FIXTURES");
  return given != nullptr && *given != '\0' ? given : fallback;
}

}  // namespace tenfold::testing

#define TENFOLD_SKIP(reason)                \
  do {                                      \
    ::tenfold::testing::print_skip(reason); \
    return;                                 \
  } while (false)
