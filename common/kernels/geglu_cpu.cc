#include "common/kernels/geglu.h"

#define TENFOLD_ISA avx2
#include "common/kernels/vector_math.h"

namespace tenfold::kernels {
namespace {

using namespace avx2;

// erf(x) within 3e-7: a rational minimax approximation on [-4, 4] (the one of Eigen and XLA),
// beyond which float32 has nothing left.
Floats erf_of(const Floats& given) {
  const Floats x = smaller(Floats{} + 4.0f, larger(Floats{} - 4.0f, given)), w = x * x;
  Floats p = w * -2.72614225801306e-10f + 2.77068142495902e-08f;
  p = p * w - 2.10102402082508e-06f;
  p = p * w - 5.69250639462346e-05f;
  p = p * w - 7.34990630326855e-04f;
  p = p * w - 2.95459980854025e-03f;
  p = p * w - 1.60960333262415e-02f;
  Floats q = w * -1.45660718464996e-05f - 2.13374055278905e-04f;
  q = q * w - 1.68282697438203e-03f;
  q = q * w - 7.37332916720468e-03f;
  q = q * w - 1.42647390514189e-02f;
  return x * p / q;
}

constexpr float kHalfRoot = 0.70710678118654752f, kDensityAtZero = 0.39894228040143268f;

Floats share_of(const Floats& gate) { return erf_of(gate * kHalfRoot) * 0.5f + 0.5f; }

}  // namespace

void geglu(int64_t rows, int64_t width, const float* hidden, float* out) {
  for (int64_t r = 0; r < rows; ++r) {
    const float *value = hidden + r * 2 * width, *gate = value + width;
    float* to = out + r * width;
    for_columns<float>(width, [&](int64_t j, auto at) {
      const Floats g = at.get(gate + j);
      at.set(to + j, at.get(value + j) * (g * share_of(g)));
    });
  }
}

void geglu_backward(int64_t rows, int64_t width, const float* hidden, const float* d_out,
                    float* d_hidden) {
  for (int64_t r = 0; r < rows; ++r) {
    const float *value = hidden + r * 2 * width, *gate = value + width, *d = d_out + r * width;
    float *d_value = d_hidden + r * 2 * width, *d_gate = d_value + width;
    for_columns<float>(width, [&](int64_t j, auto at) {
      const Floats g = at.get(gate + j), share = share_of(g), slope = at.get(d + j);
      const Floats density = exp_of(g * g * -0.5f) * kDensityAtZero;
      at.set(d_value + j, slope * (g * share));
      at.set(d_gate + j, slope * at.get(value + j) * (share + g * density));
    });
  }
}

}  // namespace tenfold::kernels
