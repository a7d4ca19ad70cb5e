// Wall-clock and processor time.
#pragma once

#include <string>

namespace tenfold {

double monotonic_seconds();  // since an arbitrary start
double cpu_seconds();        // user + system time of this process
std::string utc_now();       // "2026-01-31T12:34:56Z"

}  // namespace tenfold
