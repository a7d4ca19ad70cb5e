// Self-attention with its projections, differentiable (specification, sections 3.2 and 3.3).
#pragma once

#include "tools/poyo-decode/attention.h"

namespace tenfold::poyo_decode {

// x [tokens, dim] -> [tokens, dim] through qkv [3 * heads * dim_head, dim], the attention of
// layout->queries among themselves, whose values turn and whose tokens have rows of their own, and
// out [dim, heads * dim_head], bias [dim].
at::Tensor attention_block(const AttentionLayoutPtr& layout, const at::Tensor& x,
                           const at::Tensor& qkv, const at::Tensor& out, const at::Tensor& bias,
                           const kernels::AttentionDropout& dropout);

}  // namespace tenfold::poyo_decode
