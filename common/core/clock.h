// Wall-clock and processor time.
#pragma once

#include <string>

namespace tenfold {

double monotonic_seconds();  // since an arbitrary start
double cpu_seconds();        // user + system time of this process
double peak_rss_mib();       // its largest resident memory
std::string utc_now();       // "2026-01-31T12:34:56Z"

}  // namespace tenfold
