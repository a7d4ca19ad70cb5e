#include "common/kernels/bias_gradient.h"

#define TENFOLD_ISA avx2
#include "common/kernels/simd.h"

namespace tenfold::kernels {
namespace {

using namespace avx2;
using Floats = Vector<float>;
constexpr int64_t kLanes = VectorOf<float>::kLanes;
constexpr int64_t kMostClasses = 10;
// Units whose columns of A stay in the innermost cache while all images pass.
constexpr int64_t kTile = 512;

Floats relu(const Floats& v) { return v > 0.0f ? v : Floats{}; }

template <int64_t classes, class Access>
void add_logits(const Floats& h, const float* readout, int64_t units, const Access& at,
                Floats (&sums)[kMostClasses]) {
#pragma GCC unroll 10
  for (int64_t k = 0; k < classes; ++k) sums[k] += h * at.get(readout + k * units);
}

template <int64_t classes>
void readout_of(const HiddenRows& in, const float* bias, const float* readout, float* logits) {
  for (int64_t i = 0; i < in.images * classes; ++i) logits[i] = 0;
  for (int64_t tile = 0; tile < in.units; tile += kTile) {
    const int64_t width = in.units - tile < kTile ? in.units - tile : kTile;
    for (int64_t n = 0; n < in.images; ++n) {
      const float* z = in.z + in.rows[n] * in.units + tile;
      Floats sums[kMostClasses] = {};
      for_columns<float>(width, [&](int64_t j, auto at) {
        add_logits<classes>(relu(at.get(z + j) + at.get(bias + tile + j)), readout + tile + j,
                            in.units, at, sums);
      });
      for (int64_t k = 0; k < classes; ++k) logits[n * classes + k] += sum_of(sums[k]);
    }
  }
}

template <int64_t classes, UnitSum kind>
void sums_of(const HiddenRows& in, const float* bias, const float* d, int64_t first, int64_t end,
             float* out) {
  for_columns<float>(end - first, [&](int64_t j, auto at) {
    const Floats b = at.get(bias + first + j);
    Floats sums[kMostClasses] = {};
    for (int64_t n = 0; n < in.images; ++n) {
      const Floats u = at.get(in.z + in.rows[n] * in.units + first + j) + b;
      const Floats one = Floats{} + 1.0f;
      const Floats weight = kind == UnitSum::kOn ? (u > 0.0f ? one : Floats{}) : relu(u);
#pragma GCC unroll 10
      for (int64_t k = 0; k < classes; ++k) sums[k] += weight * d[n * classes + k];
    }
    for (int64_t k = 0; k < classes; ++k) at.set(out + k * in.units + first + j, sums[k]);
  });
}

// body(Count) with the number of classes known when compiling.
template <int64_t classes = kMostClasses, class Body>
void with_classes(int64_t wanted, const Body& body) {
  if (wanted == classes) return body(Count<int(classes)>{});
  if constexpr (classes > 1) with_classes<classes - 1>(wanted, body);
}

}  // namespace

void relu_readout(const HiddenRows& in, const float* bias, const float* readout, int64_t classes,
                  float* logits) {
  with_classes(classes,
               [&](auto count) { readout_of<decltype(count)::kValue>(in, bias, readout, logits); });
}

void relu_readout_sums(const HiddenRows& in, const float* bias, const float* d, int64_t classes,
                       UnitSum kind, int64_t first, int64_t end, float* sums) {
  with_classes(classes, [&](auto count) {
    constexpr int64_t kCount = decltype(count)::kValue;
    if (kind == UnitSum::kOn)
      sums_of<kCount, UnitSum::kOn>(in, bias, d, first, end, sums);
    else
      sums_of<kCount, UnitSum::kValue>(in, bias, d, first, end, sums);
  });
}

}  // namespace tenfold::kernels
