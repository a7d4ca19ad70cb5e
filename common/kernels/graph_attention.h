// Attention between neighbours of a graph (GATv2 as SAMBA has it, arXiv 2409.18462; specification,
// section 3.4) on the CPU, forward and backward: no array of pairs is ever in memory. float32.
//   score(i, j, h) = attn . leaky(left[j, h] + right[i, h]),  leaky(u) = max(u, slope u)
//   weight(i, j, h) = softmax over the neighbours j of node i
//   out[i] = mean over h of sum over j of weight(i, j, h) right[j, h]
#pragma once

#include <stdint.h>

namespace tenfold::kernels {

// Whom every node listens to: those of node i are node[begin[i]] .. node[begin[i + 1] - 1], at
// least one.
struct Neighbours {
  const int32_t* begin;  // [nodes + 1]
  const int32_t* node;
};

struct GraphAttentionShape {
  int64_t nodes, heads, features;
  float slope;
};

// Of one sample.
struct GraphAttentionInput {
  Neighbours graph;
  const float *left, *right;  // [nodes, heads, features]
  const float* attn;          // [features]
};

// Writes out [nodes, features] and norms [nodes, heads, 2]: greatest score and 1 / sum.
void graph_attention(const GraphAttentionShape& shape, const GraphAttentionInput& input, float* out,
                     float* norms);

// Writes d_left and d_right [nodes, heads, features] and adds to d_attn [features].
void graph_attention_backward(const GraphAttentionShape& shape, const GraphAttentionInput& input,
                              const float* norms, const float* d_out, float* d_left, float* d_right,
                              float* d_attn);

// weight [edges, heads], in the order of the neighbours.
void graph_attention_weights(const GraphAttentionShape& shape, const GraphAttentionInput& input,
                             const float* norms, float* weight);

}  // namespace tenfold::kernels
