// The feed-forward part of a block, differentiable (specification, section 3.3).
#pragma once

#include "tools/poyo-decode/row_blocks.h"

namespace tenfold::poyo_decode {

// Weights as train::Linear holds them: in [2 * inner, dim], values before gates; out [dim, inner].
struct FeedForwardWeights {
  const at::Tensor &in, &in_bias, &out, &out_bias;
};

// x [rows, dim] -> [rows, dim]: value * gelu(gate), dropped, through `out`.
at::Tensor feed_forward_block(const at::Tensor& x, const FeedForwardWeights& weights,
                              const Dropout& dropout);

}  // namespace tenfold::poyo_decode
