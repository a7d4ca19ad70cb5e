#include "tools/poyo-decode/time_scaling.h"

#include <fmt/format.h>

#include <sstream>

#include "common/core/error.h"
#include "common/core/philox.h"

namespace tenfold::poyo_decode {

TimeScaling parse_time_scaling(const std::string& text) {
  TimeScaling scaling;
  if (text == "off") return scaling;
  std::istringstream in(text);
  char comma = 0;
  const bool whole = (in >> scaling.min >> comma >> scaling.max) && comma == ',' && in.peek() == -1;
  if (!whole || !(scaling.min > 0) || !(scaling.max >= scaling.min)) {
    throw UsageError(fmt::format(
        "--time-scaling: found '{}', expected MIN,MAX with 0 < MIN <= MAX, or off", text));
  }
  return scaling;
}

double time_scale(const TimeScaling& scaling, uint64_t seed, uint64_t number) {
  return scaling.min + (scaling.max - scaling.min) * Stream(seed, "time-scaling").uniform(number);
}

}  // namespace tenfold::poyo_decode
