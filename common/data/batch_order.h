// Which examples a training step sees: a fresh permutation every epoch, a pure function of
// (seed, epoch), so that resuming needs the step number and nothing else.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tenfold::data {

class BatchOrder {
 public:
  // Examples 0..examples-1 in batches of `batch_size`; the last, incomplete batch of an epoch is
  // kept. Permutations come from the stream (seed, name, epoch).
  BatchOrder(int64_t examples, int64_t batch_size, uint64_t seed, std::string name = "order");

  int64_t steps_per_epoch() const { return steps_per_epoch_; }

  struct Batch {
    const int64_t* indices;  // valid until the next call
    int64_t size;
  };
  // The batch of step `step`, counted from 0 over all epochs. Sequential steps cost nothing; a jump
  // to another epoch makes its permutation anew.
  Batch at(int64_t step);

 private:
  int64_t examples_, batch_size_, steps_per_epoch_;
  uint64_t seed_;
  std::string name_;
  int64_t epoch_ = -1;
  std::vector<int64_t> permutation_;
};

}  // namespace tenfold::data
