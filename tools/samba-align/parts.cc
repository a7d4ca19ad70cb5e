#include "tools/samba-align/parts.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/core/error.h"

namespace tenfold::samba_align {

Parts blocked_parts(int64_t frames, int64_t gap) {
  const auto first = int64_t(std::llround(0.7 * double(frames))),
             second = int64_t(std::llround(0.8 * double(frames)));
  Parts p;
  p.train = {0, first - gap};
  p.valid = {first, second - gap};
  p.test = {second, frames};
  for (const Frames& f : {p.train, p.valid, p.test}) {
    if (f.count() > 0) continue;
    throw DataError(fmt::format(
        "--split blocked: found {} frames, too few for three parts with gaps of {} frames", frames,
        gap));
  }
  return p;
}

std::vector<int64_t> grid_windows(const Frames& part, int64_t length, int64_t context) {
  std::vector<int64_t> starts;
  for (int64_t f = part.first; f + length <= part.end; f += length)
    if (f >= context) starts.push_back(f);
  return starts;
}

std::vector<int64_t> all_windows(const Frames& part, int64_t length, int64_t context) {
  std::vector<int64_t> starts;
  for (int64_t f = std::max(part.first, context); f + length <= part.end; ++f) starts.push_back(f);
  return starts;
}

}  // namespace tenfold::samba_align
