// Attention between tokens with times, differentiable (specification, sections 3.2, 3.3 and 3.5).
#pragma once

#include <ATen/core/Tensor.h>
#include <torch/custom_class.h>

#include <cstdint>
#include <vector>

#include "common/kernels/rotary_attention.h"

namespace tenfold::poyo_decode {

// The numbers of a TokenLayout where the kernels of a device read them; empty on the CPU.
struct PlacedTokens {
  at::Tensor begin, count;    // [windows] int64
  at::Tensor row, turn;       // [tokens] int32, or undefined where the layout's are empty
  at::Tensor order, offsets;  // tokens of row r: order[offsets[r]] .. order[offsets[r + 1] - 1]
  int64_t most = 0;           // tokens of a window
};

// The tokens of one side of an attention; windows are sequences of their own.
struct TokenLayout {
  std::vector<int64_t> begin, count;  // [windows]
  std::vector<int32_t> row;           // [tokens] where its vector stands; empty: its own number
  std::vector<int32_t> turn;          // [tokens] where its angles stand; empty: its own number
  at::Tensor turns;                   // [angles, dim_head / 2, 2], see rotary.h
  int64_t tokens = 0;
  PlacedTokens placed;
};

// Fills `placed`; nothing is to be done for the CPU.
void place(TokenLayout& tokens, at::Device device);

struct AttentionLayout : torch::CustomClassHolder {
  TokenLayout queries, keys;
  int64_t heads = 1, dim_head = 64;
  bool turn_values = true;
};
using AttentionLayoutPtr = c10::intrusive_ptr<AttentionLayout>;

// q [query rows, heads * dim_head], kv [key rows, 2 * heads * dim_head: keys, values] ->
// [query tokens, heads * dim_head].
at::Tensor cross_attention(const AttentionLayoutPtr& layout, const at::Tensor& q,
                           const at::Tensor& kv, const kernels::AttentionDropout& dropout);

// qkv [tokens, 3 * heads * dim_head] -> [tokens, heads * dim_head]; every token has a row of its
// own.
at::Tensor self_attention(const AttentionLayoutPtr& layout, const at::Tensor& qkv,
                          const kernels::AttentionDropout& dropout);

}  // namespace tenfold::poyo_decode
