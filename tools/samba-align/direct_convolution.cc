#include "tools/samba-align/direct_convolution.h"

#include <ATen/ops/zeros.h>

#include <algorithm>

namespace tenfold::samba_align {
namespace {

// One parcel of one sample: the recording, and how much of it is before the outputs.
struct Series {
  const float* x;
  int64_t before, count;

  // Calls body(tap, x of the first output's tap, first output that the tap reaches).
  template <class Body>
  void for_each_tap(int64_t taps, const Body& body) const {
    for (int64_t k = 0; k < std::min(taps, before + count); ++k) {
      const int64_t first = std::max<int64_t>(0, k - before);
      body(k, x + before + first - k, first);
    }
  }
};

template <class Body>
void for_each_series(const at::Tensor& x, int64_t count, const Body& body) {
  for (int64_t b = 0; b < x.size(0); ++b) {
    for (int64_t p = 0; p < x.size(1); ++p) {
      const float* row = x.data_ptr<float>() + (b * x.size(1) + p) * x.size(2);
      body(Series{row, x.size(2) - count, count}, b * x.size(1) + p, p);
    }
  }
}

}  // namespace

at::Tensor convolved_directly(const at::Tensor& x, const at::Tensor& h, int64_t count,
                              double scale) {
  const at::Tensor y = at::zeros({x.size(0), x.size(1), count}, x.options());
  const int64_t taps = h.size(1);
  for_each_series(x, count, [&](const Series& s, int64_t row, int64_t parcel) {
    const float* response = h.data_ptr<float>() + parcel * taps;
    float* out = y.data_ptr<float>() + row * count;
    s.for_each_tap(taps, [&](int64_t k, const float* from, int64_t first) {
      const float weight = response[k] * float(scale);
      for (int64_t t = first; t < count; ++t) out[t] += weight * from[t - first];
    });
  });
  return y;
}

at::Tensor convolved_directly_backward(const at::Tensor& x, const at::Tensor& d_y, int64_t taps,
                                       double scale) {
  const int64_t count = d_y.size(2);
  const at::Tensor d_h = at::zeros({x.size(1), taps}, x.options());
  for_each_series(x, count, [&](const Series& s, int64_t row, int64_t parcel) {
    const float* d = d_y.data_ptr<float>() + row * count;
    float* out = d_h.data_ptr<float>() + parcel * taps;
    s.for_each_tap(taps, [&](int64_t k, const float* from, int64_t first) {
      constexpr int64_t kSums = 32;  // beside each other, for vectors
      float sums[kSums] = {};
      int64_t t = first;
      for (; t + kSums <= count; t += kSums)
        for (int64_t i = 0; i < kSums; ++i) sums[i] += d[t + i] * from[t - first + i];
      float sum = 0;
      for (; t < count; ++t) sum += d[t] * from[t - first];
      for (const float each : sums) sum += each;
      out[k] += sum * float(scale);
    });
  });
  return d_h;
}

}  // namespace tenfold::samba_align
