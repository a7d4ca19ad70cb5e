// Self-attention between tokens with times together with its projections (POYO, arXiv 2310.16046;
// specification, sections 3.2 and 3.3), on the CPU, forward and backward, head by head in the
// cache. Queries, keys and values go to memory only where a way back will read them: that costs
// half of what making them anew does.
#pragma once

#include <stdint.h>

#include "common/kernels/rotary_attention.h"

namespace tenfold::kernels {

struct AttentionBlock {
  int64_t dim, heads, head_dim;
  const float* qkv;  // [3, heads, head_dim, dim]
  const float* out;  // [dim, heads, head_dim]

  int64_t wide() const { return heads * head_dim; }
};

// The weights in the order that products read them, for both directions.
int64_t attention_block_pack_floats(const AttentionBlock& block);
void attention_block_pack(const AttentionBlock& block, float* packed);

// What one sequence's tokens read and write; `sequence` is a number of `tokens`, whose rows are
// their own.
struct AttentionBlockCall {
  const AttentionBlock& block;
  const float* packed;
  const TokenSide& tokens;
  int64_t sequence;
  int64_t longest;  // of all sequences
  const AttentionDropout& dropout;
  const float* x;  // [tokens, dim]
  // What dropout kept, attention_block_kept_words a token: written on the way there, read on the
  // way back. Null without dropout.
  uint32_t* kept;
  // Turned queries, keys and values, attention_block_part_floats a token: written on the way there
  // unless null, read on the way back.
  float* parts;
};

int64_t attention_block_part_floats(const AttentionBlock& block);
// For sequences of at most `longest` tokens.
int64_t attention_block_kept_words(const AttentionBlock& block, int64_t longest);

// Heads first .. end - 1: mixed [tokens, wide] and norms [tokens, heads, 2] as in
// rotary_attention.h, values turned.
void attention_block_heads(const AttentionBlockCall& call, int64_t first, int64_t end, float* mixed,
                           float* norms);
// y [tokens, dim] = bias + mixed out^T.
void attention_block_project(const AttentionBlockCall& call, const float* mixed, const float* bias,
                             float* y);

// Writes d_x [tokens, dim] and writes, or where asked adds to, `sums`: the gradients of the weights
// in an order of its own.
void attention_block_backward(const AttentionBlockCall& call, const float* mixed,
                              const float* norms, const float* d_y, bool add, float* d_x,
                              float* sums);
int64_t attention_block_sums_floats(const AttentionBlock& block);
// Writes the gradients as the weights lie.
void attention_block_unpack(const AttentionBlock& block, const float* sums, float* d_qkv,
                            float* d_out);

}  // namespace tenfold::kernels
