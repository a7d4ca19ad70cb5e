#include "tools/rich-lazy/trial_source.h"

#include <fmt/format.h>

#include "common/core/error.h"

namespace tenfold::rich_lazy {

TrialSource::TrialSource(Task task, uint64_t seed, int64_t batch, const Images* images)
    : task_(task), seed_(seed), batch_(batch), images_(images) {
  if (task != Task::kSequentialDigits) return;
  split_ = split_images(seed, images->count);
  if (batch > int64_t(split_.training.size())) {
    throw UsageError(fmt::format("--batch: found {}, expected at most {} training images", batch,
                                 split_.training.size()));
  }
}

void TrialSource::training(int64_t iteration, Trials& out) const {
  if (task_ == Task::kSequentialDigits) {
    // The first batch is the evaluation batch: training comes to it at the end of an epoch.
    const int64_t batches = int64_t(split_.training.size()) / batch_;
    return image_trials(*images_, split_.training, (iteration + 1) % batches * batch_, batch_, out);
  }
  draw_trials(task_, Stream(seed_, "training/" + task_name(task_), uint64_t(iteration)), batch_,
              out);
}

Trials TrialSource::evaluation(int64_t batches) const {
  Trials out;
  if (task_ == Task::kSequentialDigits) {
    image_trials(*images_, split_.training, 0, batch_, out);
  } else {
    draw_trials(task_, Stream(seed_, "evaluation/" + task_name(task_)), batches * batch_, out);
  }
  return out;
}

Trials TrialSource::fresh(int64_t count) const {
  Trials out;
  if (task_ == Task::kSequentialDigits) {
    image_trials(*images_, split_.held_back, 0, int64_t(split_.held_back.size()), out);
  } else {
    draw_trials(task_, Stream(seed_, "fresh/" + task_name(task_)), count, out);
  }
  return out;
}

}  // namespace tenfold::rich_lazy
