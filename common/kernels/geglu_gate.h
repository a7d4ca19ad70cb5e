// The Gaussian error gate of geglu.h on vectors, compiled once for every instruction set.
#pragma once

#include "common/kernels/vector_math.h"

namespace tenfold::kernels::TENFOLD_ISA {

// erf(x) within 3e-7: a rational minimax approximation on [-4, 4] (the one of Eigen and XLA),
// beyond which float32 has nothing left.
static inline Floats erf_of(const Floats& given) {
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

static inline Floats share_of(const Floats& gate) { return erf_of(gate * kHalfRoot) * 0.5f + 0.5f; }

// The derivative of g * share_of(g), `share` being that share.
static inline Floats gate_slope(const Floats& gate, const Floats& share) {
  return share + gate * (exp_of(gate * gate * -0.5f) * kDensityAtZero);
}

}  // namespace tenfold::kernels::TENFOLD_ISA
