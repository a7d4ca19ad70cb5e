#include "tools/poyo-decode/spike_controls.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "tools/poyo-decode/generator.h"

namespace tenfold::poyo_decode {
namespace {

Recording session(const std::string& name = "g_1") {
  GeneratorOptions options;
  options.units = 30;
  options.duration = 40;
  return generate(options, 3, name);
}

SpikeControls shuffled(uint64_t seed = 0) { return {true, 0, 0, seed}; }

std::vector<int64_t> counts(const Recording& r) {
  std::vector<int64_t> n(r.units.size());
  for (int32_t unit : r.spike_units) ++n[size_t(unit)];
  return n;
}

}  // namespace

TEST_CASE("shuffled units keep their spikes under other names") {
  const Recording before = session();
  Recording after = before;
  apply(shuffled(), after);
  CHECK(after.spike_times == before.spike_times);
  CHECK(after.spike_units != before.spike_units);
  std::vector<int64_t> a = counts(before), b = counts(after);
  CHECK(a != b);
  std::sort(a.begin(), a.end());
  std::sort(b.begin(), b.end());
  CHECK(a == b);
  Recording again = before, other = before;
  apply(shuffled(), again);
  apply(shuffled(1), other);
  CHECK(again.spike_units == after.spike_units);
  CHECK(other.spike_units != after.spike_units);
}

TEST_CASE("jittered spikes move by at most the jitter, uniformly, and stay sorted") {
  const Recording before = session();
  Recording after = before;
  apply({false, 0.02, 0, 5}, after);
  check(after);
  CHECK(counts(after) == counts(before));
  double most = 0;
  for (size_t i = 0; i < before.spike_times.size(); ++i)
    most = std::max(most, std::abs(after.spike_times[i] - before.spike_times[i]));
  CHECK(most <= 0.02);  // between the i-th spikes of both: sorting brings them no farther apart
  CHECK(most > 0.005);
}

TEST_CASE("a lone spike's jitter has the moments of a uniform draw") {
  double sum = 0, squares = 0;
  for (uint64_t seed = 0; seed < 2000; ++seed) {
    Recording r;
    r.session = "g_1";
    r.units = {"g_1/u0"};
    r.spike_times = {1};
    r.spike_units = {0};
    apply({false, 0.03, 0, seed}, r);
    sum += r.spike_times[0] - 1;
    squares += (r.spike_times[0] - 1) * (r.spike_times[0] - 1);
  }
  CHECK(sum / 2000 == Approx(0).margin(0.0015));  // 4 standard errors
  CHECK(squares / 2000 == Approx(0.03 * 0.03 / 3).epsilon(0.08));
}

TEST_CASE("binned spikes lie in the middle of their bins") {
  Recording r;
  r.session = "g_1";
  r.units = {"g_1/u0"};
  r.spike_times = {0, 0.0199, 0.0201, 0.5};
  r.spike_units = {0, 0, 0, 0};
  apply({false, 0, 0.02, 0}, r);
  const std::vector<double> expected = {0.01, 0.01, 0.03, 0.51};
  for (size_t i = 0; i < expected.size(); ++i) CHECK(r.spike_times[i] == Approx(expected[i]));
}

}  // namespace tenfold::poyo_decode
