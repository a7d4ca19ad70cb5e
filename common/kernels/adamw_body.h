// The arithmetic of one AdamW entry, for host and device.
#pragma once

#if defined(__CUDACC__)
#define TENFOLD_HOST_DEVICE __host__ __device__
#else
#define TENFOLD_HOST_DEVICE
#endif

namespace tenfold::kernels {

// What is the same for every entry of one update; computed once in float64.
struct AdamWStep {
  float lr, beta1, one_minus_beta1, beta2, one_minus_beta2, eps;
  float step_size;     // lr / (1 - beta1^t)
  float inverse_root;  // 1 / sqrt(1 - beta2^t)
  float gradient_scale;
};

TENFOLD_HOST_DEVICE inline void adamw_parameter(float& p, float m, float root_v, float decay,
                                                const AdamWStep& s) {
  p = p * (1.0f - s.lr * decay) - s.step_size * m / (root_v * s.inverse_root + s.eps);
}

TENFOLD_HOST_DEVICE inline void adamw_moments(float& m, float& v, float gradient,
                                              const AdamWStep& s) {
  m = s.beta1 * m + s.one_minus_beta1 * gradient;
  v = s.beta2 * v + s.one_minus_beta2 * gradient * gradient;
}

}  // namespace tenfold::kernels
