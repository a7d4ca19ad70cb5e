#include "tools/poyo-decode/recording.h"

#include <fmt/format.h>

#include <cmath>
#include <unordered_set>

#include "common/core/error.h"

namespace tenfold::poyo_decode {
namespace {

// Of messages: a recording that was read is known by its file.
std::string name_of(const Recording& r) { return r.path.empty() ? r.session : r.path; }

[[noreturn]] void refuse(const Recording& r, const std::string& field, const std::string& what) {
  throw DataError(fmt::format("{}: {}: {}", name_of(r), field, what));
}

void check_times(const Recording& r, const std::string& field, const std::vector<double>& times) {
  for (size_t i = 0; i < times.size(); ++i) {
    if (!std::isfinite(times[i])) {
      refuse(r, field, fmt::format("found {} at place {}, expected a time", times[i], i));
    }
    if (i > 0 && times[i] < times[i - 1]) {
      refuse(r, field,
             fmt::format("found {} s after {} s at place {}, expected sorted times", times[i],
                         times[i - 1], i));
    }
  }
}

void check_size(const Recording& r, const std::string& field, size_t found, size_t expected) {
  if (found == expected) return;
  refuse(r, field, fmt::format("found {} values, expected {}", found, expected));
}

void check_spikes(const Recording& r) {
  check_times(r, "spikes/timestamps", r.spike_times);
  if (!r.spike_times.empty() && r.spike_times[0] < 0) {
    refuse(r, "spikes/timestamps",
           fmt::format("found {} s, expected no time before 0", r.spike_times[0]));
  }
  check_size(r, "spikes/unit_index", r.spike_units.size(), r.spike_times.size());
  for (const int32_t unit : r.spike_units) {
    if (unit >= 0 && static_cast<size_t>(unit) < r.units.size()) continue;
    refuse(r, "spikes/unit_index",
           fmt::format("found unit {}, expected 0 to {}", unit,
                       static_cast<int64_t>(r.units.size()) - 1));
  }
}

void check_units(const Recording& r) {
  std::unordered_set<std::string> seen;
  for (const std::string& id : r.units) {
    if (!seen.insert(id).second) refuse(r, "units/id", "unit " + id + " stands twice");
  }
}

void check_samples(const Recording& r) {
  const size_t values = 2 * r.sample_times.size();
  check_times(r, r.readout, r.sample_times);
  check_size(r, r.readout, r.target.size(), values);
  if (!r.position.empty()) check_size(r, "position", r.position.size(), values);
  if (!r.acceleration.empty()) check_size(r, "acceleration", r.acceleration.size(), values);
  for (const float value : r.target) {
    if (!std::isfinite(value)) refuse(r, r.readout, "found NaN or inf, expected numbers");
  }
}

void check_intervals(const Recording& r, const std::string& field, const Intervals& intervals,
                     bool may_overlap) {
  for (size_t i = 0; i < intervals.size(); ++i) {
    const auto [start, end] = intervals[i];
    if (!std::isfinite(start) || !std::isfinite(end) || !(start < end)) {
      refuse(r, field,
             fmt::format("interval {} is {} s to {} s, expected its end after its start", i, start,
                         end));
    }
    const double least = i == 0        ? start
                         : may_overlap ? intervals[i - 1].start
                                       : intervals[i - 1].end;
    if (start < least) {
      refuse(r, field,
             fmt::format("interval {} starts at {} s, before {} s, expected sorted intervals{}", i,
                         start, least, may_overlap ? "" : " that do not overlap"));
    }
  }
}

}  // namespace

void check(const Recording& r) {
  check_units(r);
  check_spikes(r);
  check_samples(r);
  check_intervals(r, "domain", r.domain, false);
  check_intervals(r, "train_domain", r.train_domain, false);
  check_intervals(r, "valid_domain", r.valid_domain, false);
  check_intervals(r, "test_domain", r.test_domain, false);
  check_intervals(r, "trials", r.trials.intervals, true);
  const size_t trials = r.trials.intervals.size();
  if (!r.trials.target_id.empty()) {
    check_size(r, "trials/target_id", r.trials.target_id.size(), trials);
  }
  if (!r.trials.go_cue_time.empty()) {
    check_size(r, "trials/go_cue_time", r.trials.go_cue_time.size(), trials);
  }
  for (const auto& [name, intervals] : r.phases) check_intervals(r, name, intervals, true);
}

}  // namespace tenfold::poyo_decode
