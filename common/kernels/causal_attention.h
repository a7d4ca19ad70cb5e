// Causal softmax attention on the CPU, forward and backward, without a [time, time] matrix in
// memory: position i attends to keys 0..i with scores q.k / sqrt(head_dim) (Vaswani et al. 2017).
// Masked work is skipped, so that it costs about half of a full product.
#pragma once

#include <stdint.h>

namespace tenfold::kernels {

// Rows of q, k, v and out are `*_stride` floats apart; row number sequence * time + position; head
// h owns columns h * head_dim .. (h + 1) * head_dim of each.
struct AttentionShape {
  int64_t sequences, time, heads, head_dim;
  int64_t q_stride, k_stride, v_stride, out_stride;

  int64_t tasks() const { return sequences * heads; }
};

struct AttentionInput {
  const float *q, *k, *v;
};

// Tasks first .. end - 1 of shape.tasks(); calls for other tasks may run in other threads.
//   out            [sequences * time, heads * head_dim] by out_stride
//   norms          [sequences, heads, time, 2]: greatest score and inverse sum of every softmax,
//   for
//                  the way back
void causal_attention(const AttentionShape& shape, const AttentionInput& input, int64_t first,
                      int64_t end, float* out, float* norms);

// Gradients are written (not added) to dq, dk, dv, whose rows have the strides of q, k, v; d_out
// has out_stride.
void causal_attention_backward(const AttentionShape& shape, const AttentionInput& input,
                               const float* out, const float* d_out, const float* norms,
                               int64_t first, int64_t end, float* dq, float* dk, float* dv);

}  // namespace tenfold::kernels
