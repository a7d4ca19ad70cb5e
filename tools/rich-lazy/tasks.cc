#include "tools/rich-lazy/tasks.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <cctype>
#include <cmath>

#include "common/core/error.h"

namespace tenfold::rich_lazy {
namespace {

constexpr double kNoise = 0.1;
constexpr int64_t kDecision = kTrialSteps - 1;
// Numbers of a trial in its stream: the variables first, then the noise.
constexpr uint64_t kPerTrial = 32, kNoiseAt = 8;

// One trial while it is drawn.
class Trial {
 public:
  Trial(const Stream& stream, int64_t index, int64_t noises, Trials& out)
      : stream_(stream), first_(uint64_t(index) * kPerTrial), index_(index), out_(out) {
    stream.normals(first_ + kNoiseAt, noises, noise_.data());
  }

  // Variable `k`, one of 0..n-1.
  int64_t choice(uint64_t k, uint64_t n) const { return int64_t(stream_.below(first_ + k, n)); }

  void set(int64_t step, int64_t channel, double value) const {
    out_.x[size_t((step * out_.batch + index_) * out_.inputs + channel)] = float(value);
  }
  double noise() { return kNoise * noise_[noise_taken_++]; }
  void fixate() const {
    for (int64_t t = 0; t < kDecision; ++t) set(t, 0, 1);
  }
  void decide(int64_t label) const { out_.labels[size_t(kDecision * out_.batch + index_)] = label; }

 private:
  const Stream& stream_;
  uint64_t first_;
  int64_t index_;
  Trials& out_;
  std::array<double, kPerTrial - kNoiseAt> noise_;
  size_t noise_taken_ = 0;
};

void two_alternatives(Trial& trial) {
  constexpr std::array<double, 5> kCoherence = {0, 6.4, 12.8, 25.6, 51.2};
  const int64_t truth = trial.choice(0, 2);
  const double strength = kCoherence[size_t(trial.choice(1, kCoherence.size()))] / 200;
  trial.fixate();
  for (int64_t t = 0; t < kDecision; ++t) {
    for (int64_t side = 0; side < 2; ++side) {
      // The stimuli lie opposite to each other: the cosine of their distance is 1 or -1.
      trial.set(t, 1 + side, (side == truth ? strength : -strength) + 0.5 + trial.noise());
    }
  }
  trial.decide(1 + truth);
}

void delayed_match(Trial& trial) {
  constexpr int64_t kTest = 6;
  const bool match = trial.choice(0, 2) == 0;
  const int64_t sample = trial.choice(1, 2);
  const int64_t test = match ? sample : 1 - sample;
  trial.fixate();
  for (const auto& [step, angle] : {std::pair<int64_t, int64_t>(0, sample), {kTest, test}}) {
    for (int64_t side = 0; side < 2; ++side)
      trial.set(step, 1 + side, (side == angle ? 0.5 : -0.5) + 0.5 + trial.noise());
  }
  trial.decide(match ? 1 : 2);
}

void context(Trial& trial) {
  constexpr std::array<double, 3> kCoherence = {5, 15, 50};
  constexpr int64_t kStimulusSteps = 2, kChannels = 7, kFirstContext = 5;
  const int64_t truth = 1 + trial.choice(0, 2), other = 1 + trial.choice(1, 2);
  const int64_t attended = trial.choice(2, 2);
  std::array<double, 2> side;  // of each modality: for the first stimulus, or against it
  for (uint64_t m = 0; m < 2; ++m) {
    const double strength = kCoherence[size_t(trial.choice(3 + m, kCoherence.size()))] / 100;
    side[m] = (int64_t(m) == attended ? truth : other) == 1 ? strength : -strength;
  }
  trial.fixate();
  for (int64_t t = 0; t < kStimulusSteps; ++t) {
    const std::array<double, kChannels> clean = {
        1, (1 + side[0]) / 2, (1 - side[0]) / 2, (1 + side[1]) / 2, (1 - side[1]) / 2, 0, 0};
    for (int64_t c = 0; c < kChannels; ++c) {
      const double context = c == kFirstContext + attended ? 1 : 0;
      trial.set(t, c, clean[size_t(c)] + context + trial.noise());
    }
  }
  for (int64_t t = kStimulusSteps; t < kTrialSteps; ++t) trial.set(t, kFirstContext + attended, 1);
  trial.decide(truth);
}

}  // namespace

const std::vector<std::string>& task_names() {
  static const std::vector<std::string> names = {"2AF", "DMS", "CXT", "sMNIST"};
  return names;
}

const std::string& task_name(Task task) { return task_names()[size_t(task)]; }

Task task_of(const std::string& name) {
  const auto same = [&](const std::string& known) {
    return std::equal(known.begin(), known.end(), name.begin(), name.end(), [](char a, char b) {
      return std::tolower(static_cast<unsigned char>(a)) ==
             std::tolower(static_cast<unsigned char>(b));
    });
  };
  const auto found = std::find_if(task_names().begin(), task_names().end(), same);
  if (found == task_names().end()) {
    throw UsageError(fmt::format("--task: found '{}', expected some of {}", name,
                                 fmt::join(task_names(), ", ")));
  }
  return Task(found - task_names().begin());
}

TaskSizes task_sizes(Task task) {
  switch (task) {
    case Task::kTwoAlternatives:
    case Task::kDelayedMatch:
      return {kTrialSteps, 3, 3, 32, false};
    case Task::kContext:
      return {kTrialSteps, 7, 3, 32, false};
    default:
      return {28, 28, 10, 200, true};
  }
}

void draw_trials(Task task, const Stream& stream, int64_t count, Trials& out) {
  const TaskSizes sizes = task_sizes(task);
  out.steps = sizes.steps;
  out.batch = count;
  out.inputs = sizes.inputs;
  out.x.assign(size_t(sizes.steps * count * sizes.inputs), 0.0f);
  out.labels.assign(size_t(sizes.steps * count), 0);
  // Of two channels at every step but the last, of two at two steps, of seven at two steps.
  const int64_t noises = task == Task::kTwoAlternatives ? 2 * kDecision
                         : task == Task::kDelayedMatch  ? 4
                                                        : 14;
  for (int64_t k = 0; k < count; ++k) {
    Trial trial(stream, k, noises, out);
    if (task == Task::kTwoAlternatives) two_alternatives(trial);
    if (task == Task::kDelayedMatch) delayed_match(trial);
    if (task == Task::kContext) context(trial);
  }
}

}  // namespace tenfold::rich_lazy
