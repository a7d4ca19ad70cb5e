#include "tools/samba-align/low_rate_convolution.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/custom_function.h>

#include "common/core/error.h"
#include "tools/samba-align/hrf_convolution.h"
#include "tools/samba-align/series_resampling.h"

namespace tenfold::samba_align {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kRowsAtOnce = 32;  // at least, for a thread of its own
// Low samples before the first and after the last of a series that interpolation reaches.
constexpr int64_t kBefore = SeriesResampling::kReach - 1, kMore = 2 * SeriesResampling::kReach - 1;

template <class Body>
at::Tensor by_rows(const at::Tensor& given, int64_t length, const Body& body) {
  const at::Tensor from = given.contiguous();
  const at::Tensor to = at::empty({from.size(0), from.size(1), length}, from.options());
  at::parallel_for(0, from.size(0) * from.size(1), kRowsAtOnce, [&](int64_t first, int64_t end) {
    for (int64_t r = first; r < end; ++r)
      body(from.data_ptr<float>() + r * from.size(2), to.data_ptr<float>() + r * length);
  });
  return to;
}

// [.., time] -> [.., time / factor + 7], low samples -3 to 3 after the last.
at::Tensor decimated(const at::Tensor& x, int64_t factor) {
  const SeriesResampling rates(factor);
  const int64_t time = x.size(2), low = time / factor + kMore;
  return by_rows(
      x, low, [&](const float* from, float* to) { rates.decimate(from, time, -kBefore, low, to); });
}

class Interpolated : public torch::autograd::Function<Interpolated> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& low, int64_t factor) {
    ctx->saved_data["factor"] = factor;
    const SeriesResampling rates(factor);
    const int64_t count = (low.size(2) - kMore) * factor;
    return by_rows(low, count,
                   [&](const float* from, float* to) { rates.interpolate(from, count, to); });
  }
  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const int64_t factor = ctx->saved_data["factor"].toInt();
    return {decimated(gradients[0], factor).mul_(double(factor)), at::Tensor()};
  }
};

}  // namespace

at::Tensor convolved_at_low_rate(const at::Tensor& x, const at::Tensor& h, int64_t factor,
                                 int64_t count, double scale) {
  if (factor == 1) return convolved(x, h, count, scale);
  if (x.size(2) % factor != 0 || count % factor != 0) {
    throw UsageError(
        fmt::format("--hrf-rate: found a rate {} times lower for {} samples and {} of "
                    "context, expected a factor of both",
                    factor, count, x.size(2) - count));
  }
  const at::Tensor low =
      convolved(decimated(x, factor), h, count / factor + kMore, scale * double(factor));
  return Interpolated::apply(low, factor);
}

}  // namespace tenfold::samba_align
