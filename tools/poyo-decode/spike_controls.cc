#include "tools/poyo-decode/spike_controls.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "common/core/philox.h"

namespace tenfold::poyo_decode {
namespace {

void sort_spikes(Recording& r) {
  std::vector<size_t> order(r.spike_times.size());
  std::iota(order.begin(), order.end(), size_t(0));
  std::stable_sort(order.begin(), order.end(),
                   [&](size_t a, size_t b) { return r.spike_times[a] < r.spike_times[b]; });
  std::vector<double> times;
  std::vector<int32_t> units;
  for (size_t i : order) {
    times.push_back(r.spike_times[i]);
    units.push_back(r.spike_units[i]);
  }
  r.spike_times = std::move(times);
  r.spike_units = std::move(units);
}

}  // namespace

void apply(const SpikeControls& c, Recording& r) {
  if (c.shuffle_units) {
    const std::vector<int64_t> to =
        Stream(c.seed, "shuffle-units/" + r.session).permutation(int64_t(r.units.size()));
    for (int32_t& unit : r.spike_units) unit = int32_t(to[size_t(unit)]);
  }
  if (c.jitter > 0) {
    const Stream draws(c.seed, "spike-jitter/" + r.session);
    for (size_t i = 0; i < r.spike_times.size(); ++i)
      r.spike_times[i] = std::max(0.0, r.spike_times[i] + c.jitter * (2 * draws.uniform(i) - 1));
    sort_spikes(r);
  }
  if (c.bin > 0)
    for (double& t : r.spike_times) t = (std::floor(t / c.bin) + 0.5) * c.bin;
}

}  // namespace tenfold::poyo_decode
