// Softmax attention between tokens that carry times, over sequences of different lengths (POYO,
// arXiv 2310.16046, section 2; specification, section 3.2), on the CPU, forward and backward,
// without a matrix of all scores: queries, keys and, where asked, values are turned by the angles
// of their token's time, and what a query read is turned back by its own, so that only differences
// of time matter.
#pragma once

#include <stdint.h>

#include <array>

#include "common/kernels/host_device.h"

namespace tenfold::kernels {

// The tokens of one side (queries, or keys with their values). Tokens of a sequence are consecutive
// numbers; `row` and `turn` say where a token's vector and its angles stand, so that tokens with
// the same vector share it.
struct TokenSide {
  const int64_t *begin, *count;  // [sequences] first token and number of tokens
  const int32_t* row;            // [tokens]; null: a token's own number
  const int32_t* turn;           // [tokens]; null: a token's own number
  const float* turns;            // [turns, head_dim / 2, 2]: cosine, sine of every pair's angle

  TENFOLD_HOST_DEVICE int64_t row_of(int64_t token) const {
    return row == nullptr ? token : row[token];
  }
  TENFOLD_HOST_DEVICE const float* turn_of(int64_t token, int64_t head_dim) const {
    return turns + (turn == nullptr ? token : turn[token]) * head_dim;
  }
};

struct RotaryShape {
  int64_t sequences, heads, head_dim;  // head_dim even
  TokenSide queries, keys;
  // Floats between two rows of q, of k and v, of out, and of their gradients by token; head h owns
  // columns h * head_dim .. (h + 1) * head_dim of each.
  int64_t q_stride, kv_stride, out_stride, dq_stride, dkv_stride;
  bool turn_values;

  int64_t tasks() const { return sequences * heads; }
};

struct RotaryInput {
  const float *q, *k, *v;
};

// Weights after the softmax are dropped with probability `rate` (in steps of 2^-16) and the others
// grow accordingly; which ones is a function of key, query token, head and place of the key.
struct AttentionDropout {
  double rate = 0;
  std::array<uint32_t, 2> key = {0, 0};
};

// Tasks first .. end - 1 of shape.tasks(); calls for other tasks may run in other threads.
//   out    [query tokens, heads * head_dim] by out_stride; zeros for a sequence without keys
//   norms  [query tokens, heads, 2]: greatest score and inverse sum of every softmax
void rotary_attention(const RotaryShape& shape, const RotaryInput& input,
                      const AttentionDropout& dropout, int64_t first, int64_t end, float* out,
                      float* norms);

// Writes (not adds) gradients by token: dq by query token, dk and dv by key token. d_out has
// out_stride.
void rotary_attention_backward(const RotaryShape& shape, const RotaryInput& input,
                               const AttentionDropout& dropout, const float* out,
                               const float* d_out, const float* norms, int64_t first, int64_t end,
                               float* dq, float* dk, float* dv);

}  // namespace tenfold::kernels
