// The launchers below modulated_mean.h, on plain buffers; T is float or double. Shapes as there.
#pragma once

#include "common/kernels/modulated_mean_body.h"

namespace tenfold::kernels {

template <class T>
struct ModulatedMeanGradient {
  T* target_term;  // [N, H]
  T* source_term;  // [N, H]
  T* modulator;    // [E, 2H]
};

// out[i, :] for nodes first <= i < end, on this thread.
template <class T>
void modulated_mean_cpu(const EdgeView<T>& v, int64_t first, int64_t end, T* out);

// Rows of nodes first <= i < end of both node gradients and the modulator rows of the edges into
// them, from grad [N, H].
template <class T>
void modulated_mean_backward_cpu(const EdgeView<T>& v, int64_t first, int64_t end, const T* grad,
                                 const ModulatedMeanGradient<T>& to);

// The same for all nodes on device memory, queued on `stream` (a cudaStream_t). Throw Unavailable
// in a CPU-only build or when the device refuses the launch.
template <class T>
void modulated_mean_cuda(const EdgeView<T>& v, T* out, void* stream);
template <class T>
void modulated_mean_backward_cuda(const EdgeView<T>& v, const T* grad,
                                  const ModulatedMeanGradient<T>& to, void* stream);

}  // namespace tenfold::kernels
