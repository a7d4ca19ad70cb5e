// Z = X B^T of one image set: the same in every epoch and for every task that shares the images.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "common/kernels/bias_gradient.h"

namespace tenfold::bias_learning {

// As many images as have so many pre-activations that they take 16 MB: what is worked on at once
// beside what is kept.
int64_t images_at_once(int64_t units);

class Preactivations {
 public:
  // x [images, inputs], b [units, inputs], float32. `budget` in bytes: float32 where it fits, else
  // half precision (agrees to 1e-3), else nothing is kept and every batch is multiplied anew. What
  // is kept lies in `storage`, bytes that one set after the other may use; replaced where too few.
  Preactivations(at::Tensor x, at::Tensor b, int64_t budget, at::Tensor& storage);

  // How so many are kept within the budget.
  static std::string kept_for(int64_t images, int64_t units, int64_t budget);
  const std::string& kept() const { return kept_; }  // "float32", "half" or "nothing"

  // Those of the images so numbered; valid until the next call.
  kernels::HiddenRows of(const int64_t* images, int64_t count);
  kernels::HiddenRows rows(int64_t first, int64_t count);

  int64_t images() const { return x_.size(0); }
  const at::Tensor& x() const { return x_; }

 private:
  at::Tensor x_, b_, z_, batch_, taken_;
  std::vector<int64_t> numbers_;  // 0, 1, ...
  std::string kept_;
};

}  // namespace tenfold::bias_learning
