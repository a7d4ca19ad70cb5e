#include "tools/samba-align/hrf_convolution.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

namespace tenfold::samba_align {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// The least number from `least` on that has no prime factor beyond 5 and is even.
int64_t transform_length(int64_t least) {
  for (int64_t n = least + least % 2;; n += 2) {
    int64_t rest = n;
    for (const int64_t prime : {2, 3, 5})
      while (rest % prime == 0) rest /= prime;
    if (rest == 1) return n;
  }
}

// Sum over the batch of a * conj(b) or conj(a) * b, [parcels, frequencies], without an array of all
// products.
at::Tensor summed_products(const at::Tensor& a, const at::Tensor& b) {
  at::Tensor sum = a[0] * b[0];
  for (int64_t i = 1; i < a.size(0); ++i) sum.addcmul_(a[i], b[i]);
  return sum;
}

class Convolved : public torch::autograd::Function<Convolved> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& h,
                            int64_t count, double scale) {
    const int64_t time = x.size(2), taps = h.size(1);
    // Outputs before the last `count` may be wrong: what runs over the end falls on them.
    const int64_t n = transform_length(std::max(time, count + taps - 1));
    const at::Tensor spectrum = at::fft_rfft(x, n);
    const at::Tensor y = at::fft_irfft(spectrum * at::fft_rfft(h, n), n);
    ctx->save_for_backward({spectrum});
    ctx->saved_data["shape"] = std::vector<int64_t>{time, taps, count, n};
    ctx->saved_data["scale"] = scale;
    return y.narrow(2, time - count, count).contiguous().mul_(scale);
  }
  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const at::Tensor spectrum = ctx->get_saved_variables()[0];
    const auto shape = ctx->saved_data["shape"].toIntVector();
    const int64_t time = shape[0], taps = shape[1], count = shape[2], n = shape[3];
    const at::Tensor placed = at::constant_pad_nd(gradients[0], {time - count, n - time});
    const at::Tensor sum = summed_products(at::fft_rfft(placed, n), spectrum.conj());
    const at::Tensor d_h = at::fft_irfft(sum, n).narrow(1, 0, taps).contiguous();
    return {at::Tensor(), d_h.mul_(ctx->saved_data["scale"].toDouble()), at::Tensor(),
            at::Tensor()};
  }
};

class Correlated : public torch::autograd::Function<Correlated> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& h) {
    const int64_t time = x.size(2), taps = h.size(1), half = taps / 2;
    const int64_t n = transform_length(time + taps);
    const at::Tensor spectrum = at::fft_rfft(x, n);
    const at::Tensor y = at::fft_irfft(spectrum * at::fft_rfft(h, n).conj(), n);
    ctx->save_for_backward({spectrum});
    ctx->saved_data["shape"] = std::vector<int64_t>{time, taps, n};
    // y[t] is the correlation at lag t - half, which lies at the end where it is negative.
    return at::cat({y.narrow(2, n - half, half), y.narrow(2, 0, time + 1 - half)}, 2);
  }
  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const at::Tensor spectrum = ctx->get_saved_variables()[0];
    const auto shape = ctx->saved_data["shape"].toIntVector();
    const int64_t time = shape[0], taps = shape[1], n = shape[2], half = taps / 2;
    const at::Tensor& d = gradients[0];
    const at::Tensor late =
        at::constant_pad_nd(d.narrow(2, half, time + 1 - half), {0, n - (time + 1 - half) - half});
    const at::Tensor placed = at::cat({late, d.narrow(2, 0, half)}, 2);
    const at::Tensor sum = summed_products(at::fft_rfft(placed, n).conj(), spectrum);
    return {at::Tensor(), at::fft_irfft(sum, n).narrow(1, 0, taps).contiguous()};
  }
};

}  // namespace

at::Tensor convolved(const at::Tensor& x, const at::Tensor& h, int64_t count, double scale) {
  return Convolved::apply(x, h, count, scale);
}

at::Tensor correlated(const at::Tensor& x, const at::Tensor& h) { return Correlated::apply(x, h); }

}  // namespace tenfold::samba_align
