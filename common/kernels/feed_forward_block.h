// A feed-forward block with a Gaussian error gate, y = drop(v * gelu(g)) out^T + out_bias for
// (v, g) = x in^T + in_bias, on the CPU, forward and backward, by blocks of rows that stay in the
// cache: the hidden rows are never in memory, the way back makes them anew. float32.
#pragma once

#include <stdint.h>

#include <array>

namespace tenfold::kernels {

struct FeedForwardBlock {
  int64_t dim, inner;
  const float *in, *in_bias;    // [2 * inner, dim], [2 * inner]: values first
  const float *out, *out_bias;  // [dim, inner], [dim]
};

// The weights in the order that products read them, for both directions.
int64_t feed_forward_pack_floats(const FeedForwardBlock& block);
void feed_forward_pack(const FeedForwardBlock& block, float* packed);

// Of `rows` rows from row number `first` on, which decides what is dropped: element
// row * inner + column as in dropout.h.
struct FeedForwardCall {
  const FeedForwardBlock& block;
  const float* packed;
  double rate;
  std::array<uint32_t, 2> key;
  int64_t first, rows;
  const float* x;  // [all rows, dim]
};

// Writes y [all rows, dim].
void feed_forward(const FeedForwardCall& call, float* y);

// Writes d_x [all rows, dim] and writes, or where asked adds to, `sums`: the gradients of in,
// in_bias and out in an order of its own.
void feed_forward_backward(const FeedForwardCall& call, const float* d_y, bool add, float* d_x,
                           float* sums);
int64_t feed_forward_sums_floats(const FeedForwardBlock& block);
// Writes the gradients as the weights lie.
void feed_forward_unpack(const FeedForwardBlock& block, const float* sums, float* d_in,
                         float* d_in_bias, float* d_out);

}  // namespace tenfold::kernels
