#include "tools/bias-learning/preactivations.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <numeric>
#include <utility>

namespace tenfold::bias_learning {

int64_t images_at_once(int64_t units) {
  constexpr int64_t kEntries = 4'000'000, kMost = 1000;
  return std::clamp<int64_t>(kEntries / units, 1, kMost);
}

std::string Preactivations::kept_for(int64_t images, int64_t units, int64_t budget) {
  const int64_t entries = images * units;
  return entries * int64_t(sizeof(float)) <= budget ? "float32"
         : entries * 2 <= budget                    ? "half"
                                                    : "nothing";
}

Preactivations::Preactivations(at::Tensor x, at::Tensor b, int64_t budget, at::Tensor& storage)
    : x_(std::move(x)), b_(std::move(b)) {
  const at::NoGradGuard no_gradient;
  const int64_t n = x_.size(0), units = b_.size(0);
  numbers_.resize(size_t(n));
  std::iota(numbers_.begin(), numbers_.end(), 0);
  kept_ = kept_for(n, units, budget);
  if (kept_ == "nothing") return;
  const bool half = kept_ == "half";
  const int64_t bytes = n * units * (half ? 2 : int64_t(sizeof(float)));
  if (!storage.defined() || storage.numel() < bytes) {
    storage = at::Tensor();  // before there are two
    storage = at::empty({bytes}, at::kByte);
  }
  z_ = storage.narrow(0, 0, bytes).view(half ? at::kHalf : at::kFloat).view({n, units});
  const int64_t at_once = images_at_once(units);
  if (half) batch_ = at::empty({at_once, units}, x_.options());
  for (int64_t first = 0; first < n; first += at_once) {
    const int64_t count = std::min(at_once, n - first);
    at::Tensor out = z_.narrow(0, first, count);
    at::Tensor product = half ? batch_.narrow(0, 0, count) : out;
    at::mm_out(product, x_.narrow(0, first, count), b_.t());
    if (half) out.copy_(product);
  }
}

kernels::HiddenRows Preactivations::of(const int64_t* images, int64_t count) {
  const int64_t units = b_.size(0);
  if (kept_ == "float32") return {z_.data_ptr<float>(), images, count, units};
  const at::NoGradGuard no_gradient;
  const at::Tensor index = at::from_blob(const_cast<int64_t*>(images), {count}, at::kLong);
  // Room for the largest batch so far.
  if (!batch_.defined() || batch_.size(0) < count) batch_ = at::empty({count, units}, x_.options());
  const at::Tensor& from = kept_ == "half" ? z_ : x_;
  if (!taken_.defined() || taken_.size(0) < count)
    taken_ = at::empty({count, from.size(1)}, from.options());
  at::Tensor taken = taken_.narrow(0, 0, count), out = batch_.narrow(0, 0, count);
  at::index_select_out(taken, from, 0, index);
  if (kept_ == "half")
    out.copy_(taken);
  else
    at::mm_out(out, taken, b_.t());
  return {batch_.data_ptr<float>(), numbers_.data(), count, units};
}

kernels::HiddenRows Preactivations::rows(int64_t first, int64_t count) {
  return of(numbers_.data() + first, count);
}

}  // namespace tenfold::bias_learning
