// The trials of a task and seed: training batches by iteration, the evaluation batch, fresh ones.
#pragma once

#include <cstdint>

#include "tools/rich-lazy/images.h"
#include "tools/rich-lazy/tasks.h"

namespace tenfold::rich_lazy {

class TrialSource {
 public:
  // `images` for sequential MNIST alone; it must outlive this. Throws UsageError for a batch above
  // the training images.
  TrialSource(Task task, uint64_t seed, int64_t batch, const Images* images);

  // The batch of iteration 0, 1, ...; each is a function of task, seed and iteration.
  void training(int64_t iteration, Trials& out) const;
  // What the measures are taken on: `batches` batches; the first one of the split for images.
  Trials evaluation(int64_t batches) const;
  // Trials that neither sees; of images: those held back (`count` is not read).
  Trials fresh(int64_t count) const;

 private:
  Task task_;
  uint64_t seed_;
  int64_t batch_;
  const Images* images_;
  ImageSplit split_;
};

}  // namespace tenfold::rich_lazy
