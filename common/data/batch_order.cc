#include "common/data/batch_order.h"

#include <algorithm>

#include "common/core/error.h"
#include "common/core/philox.h"

namespace tenfold::data {

BatchOrder::BatchOrder(int64_t examples, int64_t batch_size, uint64_t seed, std::string name)
    : examples_(examples), batch_size_(batch_size), seed_(seed), name_(std::move(name)) {
  if (examples < 1) throw DataError("training set: found no examples, expected at least 1");
  if (batch_size < 1) throw UsageError("--batch-size: expected 1 or more examples");
  steps_per_epoch_ = (examples + batch_size - 1) / batch_size;
}

BatchOrder::Batch BatchOrder::at(int64_t step) {
  const int64_t epoch = step / steps_per_epoch_;
  if (epoch != epoch_) {
    permutation_ = Stream(seed_, name_, static_cast<uint64_t>(epoch)).permutation(examples_);
    epoch_ = epoch;
  }
  const int64_t first = (step % steps_per_epoch_) * batch_size_;
  return {permutation_.data() + first, std::min(batch_size_, examples_ - first)};
}

}  // namespace tenfold::data
