// Unit dropout: a window sees a random subset of its units (specification, section 4).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/core/philox.h"

namespace tenfold::poyo_decode {

struct UnitDropout {
  bool on = false;
  bool uniform = false;  // the number of units is uniform on the integers min..max; else below
  double min = 30, mode = 100, max = 300, peak = 4;
};

// "min,mode,max,peak", "min,max" (uniform) or "off". Throws UsageError naming the option.
UnitDropout parse_unit_dropout(const std::string& text);

// The units of 0..units-1 that stay, sorted. With fewer units than `min` all stay. The number that
// stays is drawn by the reference's rejection sampling (density proportional to c (1 - ln c) for
// the triangle f, c = f / 10), cut to a whole number; after 101 rejections all stay. `number` says
// which window of the stream.
std::vector<int64_t> units_kept(const UnitDropout& dropout, int64_t units, uint64_t seed,
                                uint64_t number);

}  // namespace tenfold::poyo_decode
