#include "tools/poyo-decode/unit_dropout.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <numeric>

#include "common/core/error.h"

namespace tenfold::poyo_decode {
namespace {

constexpr int64_t kMostRejections = 101;

std::vector<double> numbers_in(const std::string& text) {
  std::vector<double> numbers;
  const char* at = text.c_str();
  while (true) {
    char* end = nullptr;
    numbers.push_back(std::strtod(at, &end));
    if (end == at || (*end != ',' && *end != '\0')) return {};
    if (*end == '\0') return numbers;
    at = end + 1;
  }
}

// How many units of `units` stay.
int64_t count_kept(const UnitDropout& d, int64_t units, const Stream& draws) {
  if (d.uniform) {
    const int64_t low = int64_t(d.min), high = std::min<int64_t>(int64_t(d.max), units);
    return low >= high ? units : low + int64_t(draws.below(0, uint64_t(high - low + 1)));
  }
  for (int64_t attempt = 0; attempt < kMostRejections; ++attempt) {
    const uint64_t first = uint64_t(3 * attempt);
    const double x = d.min + (d.max - d.min) * draws.uniform(first);
    const double f = x <= d.mode ? 1 + (d.peak - 1) * (x - d.min) / (d.mode - d.min)
                                 : d.peak - (d.peak - 1) * (x - d.mode) / (d.max - d.mode);
    if (draws.uniform(first + 1) <= f / (10 * draws.uniform(first + 2))) return int64_t(x);
  }
  return units;
}

}  // namespace

UnitDropout parse_unit_dropout(const std::string& text) {
  if (text == "off") return {};
  const std::vector<double> n = numbers_in(text);
  if (n.size() == 2 && n[0] >= 1 && n[0] <= n[1]) return {true, true, n[0], n[0], n[1], 1};
  if (n.size() == 4 && n[0] >= 1 && n[0] < n[1] && n[1] < n[2] && n[3] >= 1)
    return {true, false, n[0], n[1], n[2], n[3]};
  throw UsageError(
      fmt::format("--unit-dropout: found '{}', expected MIN,MODE,MAX,PEAK with MIN < MODE < MAX, "
                  "MIN,MAX or off",
                  text));
}

std::vector<int64_t> units_kept(const UnitDropout& dropout, int64_t units, uint64_t seed,
                                uint64_t number) {
  const auto all = [&] {
    std::vector<int64_t> kept(static_cast<size_t>(units));
    std::iota(kept.begin(), kept.end(), int64_t{0});
    return kept;
  };
  if (!dropout.on || double(units) < dropout.min) return all();
  const int64_t count = count_kept(dropout, units, Stream(seed, "unit-dropout", number));
  if (count >= units) return all();
  return Stream(seed, "units-kept", number).sample_sorted(units, count);
}

}  // namespace tenfold::poyo_decode
