#include "tools/bias-learning/preactivations.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/matmul.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace tenfold::bias_learning {
namespace {

constexpr int64_t kRowsAtOnce = 1000;

}  // namespace

std::string Preactivations::kept_for(int64_t images, int64_t units, int64_t budget) {
  const int64_t entries = images * units;
  return entries * int64_t(sizeof(float)) <= budget ? "float32"
         : entries * 2 <= budget                    ? "half"
                                                    : "nothing";
}

Preactivations::Preactivations(at::Tensor x, at::Tensor b, int64_t budget)
    : x_(std::move(x)), b_(std::move(b)) {
  const at::NoGradGuard no_gradient;
  const int64_t n = x_.size(0), units = b_.size(0);
  kept_ = kept_for(n, units, budget);
  if (kept_ == "nothing") return;
  z_ = at::empty({n, units}, x_.options().dtype(kept_ == "half" ? at::kHalf : at::kFloat));
  for (int64_t first = 0; first < n; first += kRowsAtOnce) {
    const int64_t count = std::min(kRowsAtOnce, n - first);
    z_.narrow(0, first, count).copy_(at::matmul(x_.narrow(0, first, count), b_.t()));
  }
}

kernels::HiddenRows Preactivations::of(const int64_t* images, int64_t count) {
  const int64_t units = b_.size(0);
  if (kept_ == "float32") return {z_.data_ptr<float>(), images, count, units};
  const at::NoGradGuard no_gradient;
  const at::Tensor index = at::from_blob(const_cast<int64_t*>(images), {count}, at::kLong);
  batch_ = kept_ == "half" ? z_.index_select(0, index).to(at::kFloat)
                           : at::matmul(x_.index_select(0, index), b_.t());
  rows_.resize(size_t(count));
  std::iota(rows_.begin(), rows_.end(), 0);
  return {batch_.data_ptr<float>(), rows_.data(), count, units};
}

}  // namespace tenfold::bias_learning
