// The arithmetic of one AdamW entry, for host and device, and the blocks of the device.
#pragma once

#include <math.h>

#include "common/kernels/adamw.h"
#include "common/kernels/blocks.h"

namespace tenfold::kernels {

// What is the same for every entry of one update; computed once in float64.
struct AdamWStep {
  float lr, beta1, one_minus_beta1, beta2, one_minus_beta2, eps;
  float step_size;     // lr / (1 - beta1^t)
  float inverse_root;  // 1 / sqrt(1 - beta2^t)
  float gradient_scale;
};

inline AdamWStep adamw_step(const AdamWOptions& o, int64_t step, double gradient_scale) {
  const double correction1 = 1 - pow(o.beta1, static_cast<double>(step)),
               correction2 = 1 - pow(o.beta2, static_cast<double>(step));
  return {static_cast<float>(o.lr),
          static_cast<float>(o.beta1),
          static_cast<float>(1 - o.beta1),
          static_cast<float>(o.beta2),
          static_cast<float>(1 - o.beta2),
          static_cast<float>(o.eps),
          static_cast<float>(o.lr / correction1),
          static_cast<float>(1 / sqrt(correction2)),
          static_cast<float>(gradient_scale)};
}

TENFOLD_HOST_DEVICE inline void adamw_entry(float& p, float& m, float& v, float gradient,
                                            float decay, const AdamWStep& s) {
  const float g = gradient * s.gradient_scale;
  m = s.beta1 * m + s.one_minus_beta1 * g;
  v = s.beta2 * v + s.one_minus_beta2 * g * g;
  p = p * (1.0f - s.lr * decay) - s.step_size * m / (sqrtf(v) * s.inverse_root + s.eps);
}

// A thread updates kEach entries, a block's width apart: neighbours load neighbours, and the loads
// of one thread are in flight together.
struct AdamWBlocks {
  static constexpr int kPhases = 1;
  static constexpr int kEach = 4;
  float *parameters, *first_moment, *second_moment;
  const float *gradient, *decay;  // decay may be nullptr
  float uniform_decay;
  int64_t n;
  AdamWStep step;

  int64_t blocks() const { return divide_up(n, kEach * kMaxThreads); }
  int threads() const { return kMaxThreads; }
  int64_t shared_bytes() const { return 0; }

  TENFOLD_HOST_DEVICE void operator()(int, const Place& at, void*) const {
    float p[kEach], m[kEach], v[kEach], g[kEach], d[kEach];
    const int64_t first = at.block * kEach * kMaxThreads + at.thread;
#pragma unroll
    for (int k = 0; k < kEach; ++k) {
      const int64_t i = first + k * kMaxThreads;
      if (i >= n) break;
      p[k] = parameters[i];
      m[k] = first_moment[i];
      v[k] = second_moment[i];
      g[k] = gradient[i];
      d[k] = decay != nullptr ? decay[i] : uniform_decay;
    }
#pragma unroll
    for (int k = 0; k < kEach; ++k) {
      const int64_t i = first + k * kMaxThreads;
      if (i >= n) break;
      adamw_entry(p[k], m[k], v[k], g[k], d[k], step);
      parameters[i] = p[k];
      first_moment[i] = m[k];
      second_moment[i] = v[k];
    }
  }
};

}  // namespace tenfold::kernels
