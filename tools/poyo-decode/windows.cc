#include "tools/poyo-decode/windows.h"

#include <algorithm>
#include <cmath>

#include "common/core/error.h"
#include "common/core/philox.h"

namespace tenfold::poyo_decode {
namespace {

bool fits(double length, double window) { return length >= window - kFitTolerance; }

// Section 4, RandomFixedWindow: starts of floor((e - s) / W) windows.
void jittered_grid(const Interval& i, double window, double offset, std::vector<double>& starts) {
  double end = i.start + offset;
  bool any = false;
  for (double s = end; s + window <= i.end + kFitTolerance; s += window) {
    starts.push_back(s);
    end = s + window;
    any = true;
  }
  const double right = any ? i.end - end : i.length() - offset;
  if (right + offset >= window - kFitTolerance)
    starts.push_back(right > offset ? i.end - window : i.start);
}

// Section 8, small-gen: a grid from a random offset, and at least one window.
void trial_grid(const Interval& i, double window, double offset, double place,
                std::vector<double>& starts) {
  const size_t before = starts.size();
  for (double s = i.start + offset; s + window <= i.end + kFitTolerance; s += window)
    starts.push_back(s);
  if (starts.size() == before)
    starts.push_back(i.start + place * std::max(0.0, i.length() - window));
}

}  // namespace

EvaluationWindows evaluation_windows(const Intervals& intervals, double length) {
  EvaluationWindows out;
  for (const Interval& i : intervals) {
    if (!fits(i.length(), length)) {
      ++out.skipped;
      continue;
    }
    double last_end = i.start;
    for (int64_t k = 0;; ++k) {
      const double s = i.start + double(k) * length / 2;
      if (s + length > i.end + kFitTolerance) break;
      out.starts.push_back(s);
      last_end = s + length;
    }
    if (last_end < i.end - kFitTolerance) out.starts.push_back(i.end - length);
  }
  return out;
}

Sampling sampling_of(const std::string& name) {
  return name == "trials" ? Sampling::kTrials
                          : (name == "uniform" ? Sampling::kUniform : Sampling::kDomain);
}

WindowSampler::WindowSampler(std::vector<Intervals> intervals, double length, Sampling sampling,
                             int64_t batch_size, uint64_t seed)
    : intervals_(std::move(intervals)),
      length_(length),
      sampling_(sampling),
      batch_size_(batch_size),
      seed_(seed) {
  for (size_t r = 0; r < intervals_.size(); ++r) {
    for (const Interval& i : intervals_[r])
      if (fits(i.length(), length_)) all_.push_back({int64_t(r), i.start});
  }
  if (all_.empty()) throw DataError("found no training interval that a window fits");
  windows_per_epoch_ =
      sampling_ == Sampling::kUniform ? int64_t(all_.size()) : int64_t(pass(0).size());
  if (sampling_ == Sampling::kDomain && windows_per_epoch_ < batch_size_) {
    throw UsageError("--batch-size: found " + std::to_string(batch_size_) +
                     ", expected at most the " + std::to_string(windows_per_epoch_) +
                     " windows of an epoch");
  }
}

int64_t WindowSampler::steps_per_epoch() const {
  return std::max<int64_t>(1, windows_per_epoch_ / batch_size_);
}

double WindowSampler::seconds_lost(int64_t recording) const {
  double lost = 0;
  for (const Interval& i : intervals_[size_t(recording)])
    lost += fits(i.length(), length_) ? 0 : i.length();
  return lost;
}

std::vector<Window> WindowSampler::pass(uint64_t number) const {
  const Stream offsets(seed_, "windows", number);
  std::vector<Window> windows;
  std::vector<double> starts;
  uint64_t index = 0;
  for (size_t r = 0; r < intervals_.size(); ++r) {
    starts.clear();
    for (const Interval& i : intervals_[r]) {
      if (!fits(i.length(), length_)) continue;
      const double offset = length_ * offsets.uniform(2 * index),
                   place = offsets.uniform(2 * index + 1);
      ++index;
      if (sampling_ == Sampling::kDomain) {
        jittered_grid(i, length_, offset, starts);
      } else {
        trial_grid(i, length_, offset, place, starts);
      }
    }
    for (double s : starts) windows.push_back({int64_t(r), s});
  }
  std::vector<Window> shuffled;
  for (int64_t i : Stream(seed_, "window-order", number).permutation(int64_t(windows.size())))
    shuffled.push_back(windows[size_t(i)]);
  return shuffled;
}

Window WindowSampler::uniform_window(uint64_t index) const {
  const Stream choices(seed_, "windows");
  const Window& chosen = all_[choices.below(2 * index, all_.size())];
  for (const Interval& i : intervals_[size_t(chosen.recording)]) {
    if (i.start != chosen.start) continue;
    const double room = std::max(0.0, i.length() - length_);
    return {chosen.recording, i.start + room * choices.uniform(2 * index + 1)};
  }
  return chosen;
}

std::vector<Window> WindowSampler::batch(int64_t step) {
  std::vector<Window> out;
  if (sampling_ == Sampling::kUniform) {
    for (int64_t b = 0; b < batch_size_; ++b)
      out.push_back(uniform_window(uint64_t(step * batch_size_ + b)));
    return out;
  }
  if (step != next_step_) {  // a jump: read on from the beginning
    pass_ = -1;
    place_ = 0;
    next_step_ = 0;
    current_.clear();
    if (sampling_ == Sampling::kDomain) {
      pass_ = step / steps_per_epoch() - 1;
      next_step_ = (pass_ + 1) * steps_per_epoch();
    }
    while (next_step_ < step) batch(next_step_);
  }
  ++next_step_;
  const bool drop = sampling_ == Sampling::kDomain;
  while (int64_t(out.size()) < batch_size_) {
    const int64_t left = int64_t(current_.size()) - place_;
    if (left == 0 || (drop && out.empty() && left < batch_size_)) {
      current_ = pass(uint64_t(++pass_));
      place_ = 0;
    }
    out.push_back(current_[size_t(place_++)]);
  }
  return out;
}

}  // namespace tenfold::poyo_decode
