#include "tools/poyo-decode/trial_preparation.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/core/error.h"

namespace tenfold::poyo_decode {
namespace {

constexpr double kBeforeOnset = 0.05, kAfterOnset = 0.65;  // seconds
constexpr int64_t kBlocks = 10;

void add(Intervals& to, double start, double end) {
  if (start < end) to.push_back({start, end});
}

void check_column(const char* name, size_t found, size_t expected) {
  if (found == expected) return;
  throw DataError(fmt::format("trials/{}: found {} values, expected {}", name, found, expected));
}

// Sorted; those that overlap are joined, those that touch stay apart.
Intervals disjoint(Intervals intervals) {
  std::sort(intervals.begin(), intervals.end(),
            [](const Interval& a, const Interval& b) { return a.start < b.start; });
  Intervals out;
  for (const Interval& i : intervals) {
    if (!out.empty() && i.start < out.back().end) {
      out.back().end = std::max(out.back().end, i.end);
    } else {
      out.push_back(i);
    }
  }
  return out;
}

Intervals at(const Intervals& all, const std::vector<int64_t>& places) {
  Intervals out;
  for (const int64_t place : places) out.push_back(all[place]);
  return disjoint(std::move(out));
}

}  // namespace

PreparedTrials prepare_plain(const std::vector<double>& start, const std::vector<double>& stop) {
  check_column("stop_time", stop.size(), start.size());
  PreparedTrials out;
  for (size_t i = 0; i < start.size(); ++i) {
    if (!(start[i] < stop[i])) continue;
    out.trials.intervals.push_back({start[i], stop[i]});
    out.valid.push_back(1);
  }
  return out;
}

PreparedTrials prepare_churchland(const ChurchlandTrials& t) {
  const size_t n = t.start.size();
  check_column("stop_time", t.stop.size(), n);
  check_column("target_presentation_time", t.target_on.size(), n);
  check_column("go_cue_time", t.go_cue.size(), n);
  check_column("move_begins_time", t.move_begins.size(), n);
  check_column("move_ends_time", t.move_ends.size(), n);
  check_column("discard_trial", t.discard.size(), n);
  check_column("task_success", t.success.size(), n);
  PreparedTrials out;
  Intervals hold, reach, back;
  for (size_t i = 0; i < n; ++i) {
    if (!(t.start[i] < t.stop[i])) continue;
    const bool apart =
        (i == 0 || !(t.start[i] < t.stop[i - 1])) && (i + 1 == n || !(t.start[i + 1] < t.stop[i]));
    const bool valid = t.discard[i] == 0 && t.success[i] == 1 && apart;
    out.trials.intervals.push_back({t.start[i], t.stop[i]});
    out.trials.go_cue_time.push_back(t.go_cue[i]);
    out.valid.push_back(valid);
    if (!valid) continue;
    add(hold, t.target_on[i], t.go_cue[i]);
    add(reach, t.move_begins[i], t.move_ends[i]);
    add(back, t.move_ends[i], t.stop[i]);
  }
  out.phases = {{"hold_period", merged(hold)},
                {"reach_period", merged(reach)},
                {"return_period", merged(back)}};
  return out;
}

PreparedTrials prepare_nlb(const std::vector<double>& start, const std::vector<double>& stop,
                           const std::vector<double>& onset) {
  PreparedTrials out = prepare_plain(start, stop);
  if (onset.empty()) return out;
  check_column("move_onset_time", onset.size(), start.size());
  Intervals scored;
  for (const double t : onset) add(scored, t - kBeforeOnset, t + kAfterOnset);
  out.phases[kNlbIntervals] = merged(scored);
  return out;
}

void split_trials(const PreparedTrials& prepared, Recording& recording) {
  Intervals valid, others;
  for (size_t i = 0; i < prepared.valid.size(); ++i) {
    (prepared.valid[i] != 0 ? valid : others).push_back(prepared.trials.intervals[i]);
  }
  const TrialSplit split = perich_split(static_cast<int64_t>(valid.size()));
  recording.valid_domain = at(valid, split.valid);
  recording.test_domain = at(valid, split.test);
  recording.train_domain = at(valid, split.train);
  if (others.empty()) return;
  others.insert(others.end(), recording.train_domain.begin(), recording.train_domain.end());
  // An unsuccessful trial that runs into a held-out one must not bring it into the training.
  recording.train_domain =
      difference(difference(others, recording.valid_domain), recording.test_domain);
}

void split_blocks(const Intervals& left_out, Recording& recording) {
  const double start = recording.domain.front().start, end = recording.domain.back().end;
  std::vector<Interval> blocks;
  for (int64_t i = 0; i < kBlocks; ++i) {
    const auto edge = [&](int64_t k) {
      return start + (end - start) * static_cast<double>(k) / static_cast<double>(kBlocks);
    };
    blocks.push_back({edge(i), edge(i + 1)});
  }
  const std::vector<int64_t> order = permutation_42(kBlocks);
  const auto part = [&](int64_t first, int64_t last) {
    const std::vector<int64_t> places(order.begin() + first, order.begin() + last);
    return difference(intersection(at(blocks, places), recording.domain), left_out);
  };
  recording.valid_domain = part(0, 1);
  recording.test_domain = part(1, 2);
  recording.train_domain = part(2, kBlocks);
}

void split_nlb(const std::vector<double>& start, const std::vector<double>& stop,
               const std::vector<std::string>& part, Recording& recording) {
  check_column("stop_time", stop.size(), start.size());
  check_column("split", part.size(), start.size());
  Intervals train, test;
  for (size_t i = 0; i < part.size(); ++i) {
    if (part[i] == "train") add(train, start[i], stop[i]);
    if (part[i] == "val") add(test, start[i], stop[i]);
  }
  if (train.empty() || test.empty()) {
    throw DataError(fmt::format("trials/split: found {} trials of 'train' and {} of 'val'",
                                train.size(), test.size()));
  }
  const auto n = static_cast<int64_t>(train.size());
  const int64_t valids = (n + 4) / 5;  // ceil(0.2 n)
  const std::vector<int64_t> order = permutation_42(n);
  recording.valid_domain = at(train, {order.begin(), order.begin() + valids});
  recording.train_domain = at(train, {order.begin() + valids, order.end()});
  recording.test_domain = disjoint(std::move(test));
}

}  // namespace tenfold::poyo_decode
