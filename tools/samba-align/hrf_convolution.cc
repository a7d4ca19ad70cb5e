#include "tools/samba-align/hrf_convolution.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/fft_irfft.h>
#include <ATen/ops/fft_rfft.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <vector>

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

// How a product of spectra becomes y: circular series of `n`, of which y reads some stretches.
struct Reading {
  int64_t n, taps;
  bool mirrored;  // the kernel's spectrum is conjugated: correlation
  double scale;
  std::vector<int64_t> stretches;  // first, count, first, count, ...

  int64_t count() const {
    int64_t sum = 0;
    for (size_t s = 1; s < stretches.size(); s += 2) sum += stretches[s];
    return sum;
  }
  // Calls body(first in the circle, first in y, count).
  template <class Body>
  void each(const Body& body) const {
    int64_t at = 0;
    for (size_t s = 0; s < stretches.size(); s += 2) {
      body(stretches[s], at, stretches[s + 1]);
      at += stretches[s + 1];
    }
  }
};

// Calls body(first parcel, parcels) for groups whose `batch` series of `n` stay in the cache.
template <class Body>
void by_parcels(int64_t parcels, int64_t batch, int64_t n, const Body& body) {
  constexpr int64_t kNumbersAtOnce = 1 << 20;
  const int64_t group = std::max<int64_t>(1, kNumbersAtOnce / (batch * n));
  at::parallel_for(0, (parcels + group - 1) / group, 1, [&](int64_t from, int64_t end) {
    const at::NoGradGuard guard;
    for (int64_t g = from; g < end; ++g) body(g * group, std::min(group, parcels - g * group));
  });
}

class CircularProduct : public torch::autograd::Function<CircularProduct> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& h,
                            const Reading& r) {
    const int64_t batch = x.size(0), parcels = x.size(1), time = x.size(2);
    const at::Tensor y = at::empty({batch, parcels, r.count()}, x.options()),
                     spectrum = at::empty({parcels, batch, r.n / 2 + 1},
                                          x.options().dtype(at::toComplexType(x.scalar_type())));
    by_parcels(parcels, batch, r.n, [&](int64_t first, int64_t some) {
      const at::Tensor placed = at::zeros({some, batch, r.n}, x.options());
      placed.narrow(2, 0, time).copy_(x.narrow(1, first, some).transpose(0, 1));
      at::Tensor own = spectrum.narrow(0, first, some);
      at::fft_rfft_out(own, placed);
      at::Tensor kernel = at::fft_rfft(h.narrow(0, first, some), r.n).unsqueeze(1);
      if (r.mirrored) kernel = kernel.conj();
      at::Tensor circle = placed;
      at::fft_irfft_out(circle, own * kernel, r.n);
      r.each([&](int64_t from, int64_t to, int64_t count) {
        at::Tensor part = y.narrow(1, first, some).narrow(2, to, count).transpose(0, 1);
        at::mul_out(part, circle.narrow(2, from, count), at::scalar_tensor(r.scale, x.options()));
      });
    });
    ctx->save_for_backward({spectrum});
    ctx->saved_data["stretches"] = r.stretches;
    ctx->saved_data["sizes"] = std::vector<int64_t>{r.n, r.taps, int64_t(r.mirrored)};
    ctx->saved_data["scale"] = r.scale;
    return y;
  }
  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const at::Tensor spectrum = ctx->get_saved_variables()[0];
    const std::vector<int64_t> sizes = ctx->saved_data["sizes"].toIntVector();
    const Reading r{sizes[0], sizes[1], sizes[2] != 0, ctx->saved_data["scale"].toDouble(),
                    ctx->saved_data["stretches"].toIntVector()};
    const at::Tensor& d_y = gradients[0];
    const int64_t batch = d_y.size(0), parcels = d_y.size(1);
    const at::Tensor d_h = at::empty({parcels, r.taps}, d_y.options());
    by_parcels(parcels, batch, r.n, [&](int64_t first, int64_t some) {
      const at::Tensor placed = at::zeros({some, batch, r.n}, d_y.options());
      r.each([&](int64_t to, int64_t from, int64_t count) {
        placed.narrow(2, to, count)
            .copy_(d_y.narrow(1, first, some).narrow(2, from, count).transpose(0, 1));
      });
      at::Tensor a = at::fft_rfft(placed), b = spectrum.narrow(0, first, some);
      (r.mirrored ? a : b) = (r.mirrored ? a : b).conj();
      at::Tensor sum = a.select(1, 0) * b.select(1, 0);
      for (int64_t i = 1; i < batch; ++i) sum.addcmul_(a.select(1, i), b.select(1, i));
      at::Tensor part = d_h.narrow(0, first, some);
      at::mul_out(part, at::fft_irfft(sum, r.n).narrow(1, 0, r.taps),
                  at::scalar_tensor(r.scale, d_y.options()));
    });
    return {at::Tensor(), d_h, at::Tensor()};
  }
};

}  // namespace

at::Tensor convolved(const at::Tensor& x, const at::Tensor& h, int64_t count, double scale) {
  const int64_t time = x.size(2), taps = h.size(1);
  // Outputs before the last `count` may be wrong: what runs over the end falls on them.
  const int64_t n = transform_length(std::max(time, count + taps - 1));
  return CircularProduct::apply(x, h, Reading{n, taps, false, scale, {time - count, count}});
}

at::Tensor correlated(const at::Tensor& x, const at::Tensor& h) {
  const int64_t time = x.size(2), taps = h.size(1), half = taps / 2;
  const int64_t n = transform_length(time + taps);
  // y[t] is the correlation at lag t - half, which lies at the end where it is negative.
  return CircularProduct::apply(x, h,
                                Reading{n, taps, true, 1, {n - half, half, 0, time + 1 - half}});
}

}  // namespace tenfold::samba_align
