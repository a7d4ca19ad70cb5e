// The post-norm Transformer encoder layer (Vaswani et al. 2017; arXiv 2410.14086, specification
// section 3.1): x = LN1(x + MHA(x)); x = LN2(x + W2 relu(W1 x)), causal, no dropout.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "common/train/parameters.h"

namespace tenfold::prequential_icl {

struct NormParameters {
  at::Tensor weight, bias;  // [h]; 1 and 0 at the start

  NormParameters() = default;
  NormParameters(train::Parameters& parameters, const std::string& name, int64_t width);
  at::Tensor operator()(const at::Tensor& x) const;  // layer norm over the last dimension
};

// LN(query + MHA(query, memory)), where position t attends to memory 0..t.
struct AttentionBlock {
  at::Tensor in_weight, in_bias;  // [3h, h], [3h]: query, key and value rows, in this order
  at::Tensor out_weight, out_bias;
  NormParameters norm;
  int64_t heads = 1;
  // Shaw et al. 2018: learned vectors added to the keys, one for each distance 0..32 and beyond;
  // [33, h / heads], or undefined.
  at::Tensor relative_keys;

  AttentionBlock() = default;
  AttentionBlock(train::Parameters& parameters, const std::string& attention,
                 const std::string& norm_name, int64_t width, int64_t heads_,
                 bool relative = false);

  // query, memory [batch, time, h] -> [batch, time, h]. The same tensor twice is self-attention.
  at::Tensor operator()(const at::Tensor& query, const at::Tensor& memory) const;
};

// LN(x + W2 relu(W1 x + b1) + b2)
struct FeedForwardBlock {
  at::Tensor weight1, bias1, weight2, bias2;  // [f, h], [f], [h, f], [h]
  NormParameters norm;

  FeedForwardBlock() = default;
  FeedForwardBlock(train::Parameters& parameters, const std::string& prefix,
                   const std::string& norm_name, int64_t width, int64_t hidden);
  at::Tensor operator()(const at::Tensor& x) const;  // [batch, time, h]
};

struct EncoderLayer {
  AttentionBlock attention;
  FeedForwardBlock feed_forward;

  EncoderLayer(train::Parameters& parameters, const std::string& prefix, int64_t width,
               int64_t hidden, int64_t heads, bool relative = false);
  at::Tensor operator()(const at::Tensor& x) const { return feed_forward(attention(x, x)); }
};

// The same arithmetic as a composition of ATen operators: what CUDA, float64 and relative positions
// use, and what the fused blocks are tested against.
at::Tensor attention_block_plain(const AttentionBlock& block, const at::Tensor& query,
                                 const at::Tensor& memory);
at::Tensor feed_forward_block_plain(const FeedForwardBlock& block, const at::Tensor& x);

}  // namespace tenfold::prequential_icl
