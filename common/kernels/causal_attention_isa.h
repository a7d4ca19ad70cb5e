// One table of functions for each instruction set; internal to causal_attention.
#pragma once

#include "common/kernels/causal_attention.h"

namespace tenfold::kernels {

struct AttentionTable {
  decltype(&causal_attention) forward;
  decltype(&causal_attention_backward) backward;
};

extern const AttentionTable kAttentionAvx2, kAttentionAvx512;

}  // namespace tenfold::kernels
