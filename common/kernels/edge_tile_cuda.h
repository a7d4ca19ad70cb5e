// edge_tile.h on device memory. There is no cache to stay in, so T is a whole list of edges, and
// sums take the edges by segment: those into node i are offsets[i] <= e < offsets[i + 1].
//
// All are queued on `stream` (a cudaStream_t; nullptr is the default stream) and throw Unavailable
// in a CPU-only build or when the device refuses the launch.
#pragma once

#include <cstdint>

namespace tenfold::kernels {

//   hidden[e, :] = silu(hidden[e, :] + source_term[source[e], :] + target_term[target[e], :])
//   hidden [T, H], source_term and target_term [N, H], source and target [T]
void gather_add_silu_cuda(float* hidden, const float* source_term, const float* target_term,
                          const int32_t* source, const int32_t* target, int64_t tile, int64_t width,
                          void* stream);

//   sum[i, :] += sum over e into i of (scale[e, :] + scale_bias[:]) * source_term[source[e], :]
//   scale [T, H], scale_bias [H], source_term and sum [N, H], source [T], offsets [N + 1]
void gather_modulate_sum_cuda(const float* scale, const float* scale_bias, const float* source_term,
                              const int32_t* source, const int64_t* offsets, float* sum,
                              int64_t nodes, int64_t tile, int64_t width, void* stream);

//   sum[i, :] += sum over e into i of value[e, :];  value [T, H], sum [N, H], offsets [N + 1]
void segment_sum_cuda(const float* value, const int64_t* offsets, float* sum, int64_t nodes,
                      int64_t tile, int64_t width, void* stream);

//   value[i] = silu(value[i] + bias[i % width])  for [T, H] values
void bias_silu_cuda(float* value, const float* bias, int64_t tile, int64_t width, void* stream);

}  // namespace tenfold::kernels
