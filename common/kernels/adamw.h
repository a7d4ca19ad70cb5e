// One AdamW update of a flat parameter vector in one pass (Loshchilov & Hutter 2019, as PyTorch
// computes it).
#pragma once

#include <cstdint>

namespace tenfold::kernels {

struct AdamWOptions {
  double lr = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8;
};

//   parameters, first_moment, second_moment [n] are updated in place; gradient [n]
//   decay [n] or nullptr: weight decay of each entry; `uniform_decay` otherwise
//   step: how many updates came before this one, plus 1
//   gradient_scale: multiplies the gradient first (global-norm clipping)
// p <- p (1 - lr wd) - lr / (1 - beta1^step) m / (sqrt(v / (1 - beta2^step)) + eps)
void adamw_update(float* parameters, float* first_moment, float* second_moment,
                  const float* gradient, const float* decay, double uniform_decay, int64_t n,
                  int64_t step, double gradient_scale, const AdamWOptions& options);

// The same on device memory, queued on `stream` (a cudaStream_t; nullptr is the default stream).
// Throws Unavailable in a CPU-only build or when the device refuses the launch.
void adamw_update_cuda(float* parameters, float* first_moment, float* second_moment,
                       const float* gradient, const float* decay, double uniform_decay, int64_t n,
                       int64_t step, double gradient_scale, const AdamWOptions& options,
                       void* stream);

}  // namespace tenfold::kernels
