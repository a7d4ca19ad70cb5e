// One table of functions for each instruction set; internal to graph_attention.
#pragma once

#include "common/kernels/graph_attention.h"

namespace tenfold::kernels {

struct GraphAttentionTable {
  decltype(&graph_attention) forward;
  decltype(&graph_attention_backward) backward;
  decltype(&graph_attention_weights) weights;
};

extern const GraphAttentionTable kGraphAttentionAvx2, kGraphAttentionAvx512;

}  // namespace tenfold::kernels
