#include "tools/samba-align/parts.h"

#include <fmt/format.h>

#include <cmath>

#include "common/core/error.h"

namespace tenfold::samba_align {

std::vector<int64_t> frame_numbers(const Part& part) {
  std::vector<int64_t> numbers;
  for (const Frames& f : part)
    for (int64_t k = 0; k < f.count(); ++k) numbers.push_back(f.first + k * f.stride);
  return numbers;
}

Frames frames_of(const Window& w, int64_t length) {
  return {w.first, w.first + length * w.stride, w.stride};
}

const Part& Parts::named(const std::string& name) const {
  return name == "train" ? train : (name == "valid" ? valid : test);
}

Parts blocked_parts(int64_t frames, int64_t gap) {
  const auto first = int64_t(std::llround(0.7 * double(frames))),
             second = int64_t(std::llround(0.8 * double(frames)));
  Parts p;
  p.train = {{0, first - gap}};
  p.valid = {{first, second - gap}};
  p.test = {{second, frames}};
  for (const Part& part : {p.train, p.valid, p.test}) {
    if (part[0].count() > 0) continue;
    throw DataError(fmt::format(
        "--split blocked: found {} frames, too few for three parts with gaps of {} frames", frames,
        gap));
  }
  return p;
}

std::vector<Window> windows_in(const Part& part, int64_t length, int64_t context, int64_t step) {
  std::vector<Window> windows;
  for (const Frames& f : part) {
    for (int64_t k = 0; k + length <= f.count(); k += step) {
      const int64_t first = f.first + k * f.stride;
      if (first >= context) windows.push_back({first, f.stride});
    }
  }
  return windows;
}

}  // namespace tenfold::samba_align
