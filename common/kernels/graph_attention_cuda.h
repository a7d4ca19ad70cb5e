// graph_attention.h on device memory, of one sample. All are queued on `stream` (a cudaStream_t;
// nullptr is the default stream) and throw Unavailable in a CPU-only build or when the device
// refuses the launch. Repeated calls give the same bytes.
#pragma once

#include "common/kernels/graph_attention.h"

namespace tenfold::kernels {

void graph_attention_cuda(const GraphAttentionShape& shape, const GraphAttentionInput& input,
                          float* out, float* norms, void* stream);

// `listeners`: the graph turned around, who listens to every node. `scratch` has room for
// nodes * (heads + features) floats.
void graph_attention_backward_cuda(const GraphAttentionShape& shape,
                                   const GraphAttentionInput& input, const Neighbours& listeners,
                                   const float* norms, const float* d_out, float* scratch,
                                   float* d_left, float* d_right, float* d_attn, void* stream);

}  // namespace tenfold::kernels
