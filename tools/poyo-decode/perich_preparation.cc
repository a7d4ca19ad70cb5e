#include "tools/poyo-decode/perich_preparation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cctype>
#include <cmath>
#include <filesystem>
#include <numeric>
#include <random>

#include "common/core/error.h"
#include "tools/poyo-decode/movement.h"

namespace tenfold::poyo_decode {
namespace {

constexpr double kLargestAcceleration = 1500;  // cm/s^2
constexpr double kLargestPosition = 10;        // cm
constexpr double kAfterStop = 1;               // seconds that a trial without a successor lasts

using Mask = std::vector<char>;

void check_column(const char* name, size_t found, size_t expected) {
  if (found == expected) return;
  throw DataError(fmt::format("trials/{}: found {} values, expected {}", name, found, expected));
}

void check_common(const PerichTrials& t) {
  check_column("stop_time", t.stop.size(), t.start.size());
  check_column("result", t.result.size(), t.start.size());
}

// Sample p is true where one of p + first .. p + last is.
Mask dilated(const Mask& mask, int64_t first, int64_t last) {
  const auto n = static_cast<int64_t>(mask.size());
  std::vector<int64_t> before(n + 1);  // true samples before each
  for (int64_t i = 0; i < n; ++i) before[i + 1] = before[i] + (mask[i] != 0);
  Mask out(n);
  for (int64_t i = 0; i < n; ++i) {
    const int64_t from = std::clamp<int64_t>(i + first, 0, n);
    const int64_t to = std::clamp<int64_t>(i + last + 1, 0, n);
    out[i] = before[to] > before[from];
  }
  return out;
}

// A run a..b becomes a + 50 .. b - 49: every sample of p - 50 .. p + 49 must be there and true.
Mask eroded(const Mask& mask, int64_t before, int64_t after) {
  Mask outside(mask.size());
  std::transform(mask.begin(), mask.end(), outside.begin(), [](char c) { return c == 0; });
  Mask out = dilated(outside, -before, after);
  const auto n = static_cast<int64_t>(mask.size());
  for (int64_t i = 0; i < n; ++i) out[i] = out[i] == 0 && i >= before && i + after < n;
  return out;
}

// Boundaries of CO trials: one more than there are trials.
std::vector<double> centre_out_boundaries(const PerichTrials& t, double domain_end) {
  const size_t n = t.start.size();
  std::vector<double> out(n + 1);
  for (size_t i = 0; i < n; ++i) {
    out[i] = t.target_on[i];
    if (!std::isnan(out[i])) continue;
    out[i] = i == 0 ? t.start[0] : std::min(t.stop[i - 1] + kAfterStop, t.stop[i]);
  }
  out[n] = std::min(t.stop[n - 1] + kAfterStop, domain_end);
  return out;
}

void add(Intervals& to, double start, double end) {
  if (start < end) to.push_back({start, end});
}

// What is left of the cursor's domain is the random period; outliers belong to no phase.
void finish_phases(std::map<std::string, Intervals>& phases, Interval domain,
                   const Intervals& outliers) {
  Intervals rest = {domain};
  for (const auto& entry : phases) rest = difference(rest, entry.second);
  phases["random_period"] = rest;
  for (auto& entry : phases) entry.second = difference(entry.second, outliers);
  phases["cursor_outlier_segments"] = outliers;
}

// Trials whose end is not after their start are listed by nobody.
bool add_trial(PreparedTrials& out, Interval trial, bool valid) {
  if (!(trial.start < trial.end)) return false;
  out.trials.intervals.push_back(trial);
  out.valid.push_back(valid);
  return true;
}

Intervals chosen(const Intervals& from, std::vector<int64_t> places) {
  std::sort(places.begin(), places.end());
  Intervals out;
  for (const int64_t place : places) out.push_back(from[place]);
  return out;
}

}  // namespace

PreparedTrials prepare_centre_out(const PerichTrials& t, Interval domain,
                                  const Intervals& outliers) {
  check_common(t);
  check_column("target_on_time", t.target_on.size(), t.start.size());
  check_column("go_cue_time", t.go_cue.size(), t.start.size());
  check_column("target_id", t.target_id.size(), t.start.size());
  PreparedTrials out;
  Intervals hold, reach, back, invalid;
  const std::vector<double> bounds =
      t.start.empty() ? std::vector<double>() : centre_out_boundaries(t, domain.end);
  for (size_t i = 0; i < t.start.size(); ++i) {
    const Interval trial = {bounds[i], bounds[i + 1]};
    const bool valid = t.result[i] == "R" && !std::isnan(t.target_id[i]) && trial.length() > 0.5 &&
                       trial.length() < 6;
    if (add_trial(out, trial, valid)) {
      out.trials.target_id.push_back(
          std::isnan(t.target_id[i]) ? -1 : static_cast<int64_t>(std::lround(t.target_id[i])));
      out.trials.go_cue_time.push_back(t.go_cue[i]);
    }
    if (!valid) {
      add(invalid, trial.start, trial.end);
      continue;
    }
    add(hold, trial.start, t.go_cue[i]);
    add(reach, t.go_cue[i], t.stop[i]);
    add(back, t.stop[i], trial.end);
  }
  out.phases = {{"hold_period", merged(hold)},
                {"reach_period", merged(reach)},
                {"return_period", merged(back)},
                {"invalid", merged(invalid)}};
  finish_phases(out.phases, domain, outliers);
  return out;
}

PreparedTrials prepare_random_target(const PerichTrials& t, Interval domain,
                                     const Intervals& outliers) {
  check_common(t);
  check_column("go_cue_time_array", t.first_go_cue.size(), t.start.size());
  check_column("num_attempted", t.num_attempted.size(), t.start.size());
  PreparedTrials out;
  Intervals hold;
  for (size_t i = 0; i < t.start.size(); ++i) {
    const Interval trial = {t.start[i], t.stop[i]};
    add_trial(
        out, trial,
        t.result[i] == "R" && t.num_attempted[i] == 4 && trial.length() > 2 && trial.length() < 10);
    add(hold, trial.start, t.first_go_cue[i]);
  }
  out.phases = {{"hold_period", merged(hold)}};
  finish_phases(out.phases, domain, outliers);
  return out;
}

Intervals cursor_outliers(const std::vector<double>& times, const std::vector<float>& position,
                          const std::vector<float>& acceleration) {
  Mask fast(times.size()), far(times.size());
  for (size_t i = 0; i < times.size(); ++i) {
    if (!acceleration.empty()) {
      fast[i] = std::hypot(acceleration[2 * i], acceleration[2 * i + 1]) > kLargestAcceleration;
    }
    if (!position.empty()) {
      far[i] = std::abs(position[2 * i]) > kLargestPosition ||
               std::abs(position[2 * i + 1]) > kLargestPosition;
    }
  }
  fast = dilated(fast, 0, 1);                     // a true sample also sets the one before it
  far = eroded(dilated(far, -199, 200), 50, 49);  // sets 200 before it to 199 after it
  for (size_t i = 0; i < fast.size(); ++i) fast[i] = fast[i] != 0 || far[i] != 0;
  return intervals_of(fast, times);
}

std::vector<int64_t> permutation_42(int64_t n) {
  std::mt19937 words(42);
  std::vector<int64_t> out(n);
  std::iota(out.begin(), out.end(), int64_t{0});
  for (int64_t i = n - 1; i > 0; --i) {
    uint32_t mask = 1;
    while (mask < i) mask = 2 * mask + 1;
    uint32_t draw = 0;
    do {
      draw = static_cast<uint32_t>(words()) & mask;
    } while (draw > i);
    std::swap(out[i], out[draw]);
  }
  return out;
}

TrialSplit perich_split(int64_t n) {
  TrialSplit out;
  const int64_t tests = (n + 4) / 5;  // ceil(0.2 n)
  const std::vector<int64_t> order = permutation_42(n);
  out.test.assign(order.begin(), order.begin() + tests);
  const std::vector<int64_t> rest(order.begin() + tests, order.end());
  const auto valids = (static_cast<int64_t>(rest.size()) + 7) / 8;  // ceil(0.125 of the rest)
  for (const int64_t place : permutation_42(static_cast<int64_t>(rest.size()))) {
    auto& part = static_cast<int64_t>(out.valid.size()) < valids ? out.valid : out.train;
    part.push_back(rest[place]);
  }
  for (auto* part : {&out.train, &out.valid, &out.test}) std::sort(part->begin(), part->end());
  return out;
}

std::string session_id(const std::string& subject, const std::string& start_time,
                       const std::string& task) {
  std::string id = subject;
  for (char& c : id) c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
  std::string date = start_time.substr(0, 10);
  date.erase(std::remove(date.begin(), date.end(), '-'), date.end());
  return fmt::format("{}_{}_{}", id, date, task);
}

std::string perich_task(const std::string& path) {
  const bool centre_out =
      std::filesystem::path(path).filename().string().find("CO") != std::string::npos;
  return centre_out ? "center_out_reaching" : "random_target_reaching";
}

void split_perich(const PreparedTrials& prepared, double dilation, Recording& recording) {
  Intervals valid;
  for (size_t i = 0; i < prepared.valid.size(); ++i) {
    if (prepared.valid[i] != 0) valid.push_back(prepared.trials.intervals[i]);
  }
  const TrialSplit split = perich_split(static_cast<int64_t>(valid.size()));
  recording.valid_domain = chosen(valid, split.valid);
  recording.test_domain = chosen(valid, split.test);
  Intervals held_out = recording.valid_domain;
  held_out.insert(held_out.end(), recording.test_domain.begin(), recording.test_domain.end());
  recording.train_domain = difference(recording.domain, dilated(held_out, dilation));
}

}  // namespace tenfold::poyo_decode
