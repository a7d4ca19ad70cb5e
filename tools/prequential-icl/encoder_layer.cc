#include "tools/prequential-icl/encoder_layer.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/layer_norm.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/scaled_dot_product_attention.h>
#include <ATen/ops/softmax.h>

#include <cmath>
#include <limits>

#include "tools/prequential-icl/fused_blocks.h"

namespace tenfold::prequential_icl {
namespace {

constexpr int64_t kFarthest = 32;  // distances beyond it share a vector

bool fused(const at::Tensor& x) { return x.is_cpu() && x.scalar_type() == at::kFloat; }

// q . a_{min(i - j, 32)} for all pairs: [batch, heads, time, time].
at::Tensor relative_scores(const at::Tensor& q, const at::Tensor& keys) {
  const int64_t time = q.size(2);
  const at::Tensor by_distance = at::matmul(q, keys.t());  // [batch, heads, time, 33]
  const at::Tensor i = at::arange(time, q.options().dtype(at::kLong));
  const at::Tensor distance = (i.unsqueeze(1) - i).clamp(0, kFarthest);
  return by_distance.gather(3, distance.expand({q.size(0), q.size(1), time, time}));
}

// The definition, with all scores in memory; q, k, v [batch, heads, time, head width].
at::Tensor softmax_mixture(const at::Tensor& q, const at::Tensor& k, const at::Tensor& v,
                           const at::Tensor& relative_keys) {
  const int64_t time = q.size(2);
  at::Tensor scores = at::matmul(q, k.transpose(2, 3));
  if (relative_keys.defined()) scores = scores + relative_scores(q, relative_keys);
  const at::Tensor later = at::ones({time, time}, q.options().dtype(at::kBool)).triu(1);
  scores = (scores / std::sqrt(double(q.size(3))))
               .masked_fill(later, -std::numeric_limits<double>::infinity());
  return at::matmul(at::softmax(scores, -1), v);
}

}  // namespace

NormParameters::NormParameters(train::Parameters& parameters, const std::string& name,
                               int64_t width)
    : weight(parameters.add(name + ".weight", {width}, train::Parameters::constant(1))),
      bias(parameters.add(name + ".bias", {width}, train::Parameters::constant(0))) {}

at::Tensor NormParameters::operator()(const at::Tensor& x) const {
  return at::layer_norm(x, {x.size(-1)}, weight, bias, kNormEps);
}

AttentionBlock::AttentionBlock(train::Parameters& p, const std::string& attention,
                               const std::string& norm_name, int64_t width, int64_t heads_,
                               bool relative)
    : in_weight(p.add(attention + ".in_proj_weight", {3 * width, width},
                      train::Parameters::xavier(width, 3 * width))),
      in_bias(p.add(attention + ".in_proj_bias", {3 * width}, train::Parameters::constant(0))),
      out_weight(p.add(attention + ".out_proj.weight", {width, width},
                       train::Parameters::xavier(width, width))),
      out_bias(p.add(attention + ".out_proj.bias", {width}, train::Parameters::constant(0))),
      norm(p, norm_name, width),
      heads(heads_) {
  if (!relative) return;
  const int64_t head_width = width / heads;
  relative_keys = p.add(attention + ".relative_keys", {kFarthest + 1, head_width},
                        train::Parameters::xavier(kFarthest + 1, head_width));
}

at::Tensor AttentionBlock::operator()(const at::Tensor& query, const at::Tensor& memory) const {
  return fused(query) && !relative_keys.defined() ? fused_attention(*this, query, memory)
                                                  : attention_block_plain(*this, query, memory);
}

FeedForwardBlock::FeedForwardBlock(train::Parameters& p, const std::string& prefix,
                                   const std::string& norm_name, int64_t width, int64_t hidden)
    : weight1(p.add(prefix + "linear1.weight", {hidden, width},
                    train::Parameters::xavier(width, hidden))),
      bias1(p.add(prefix + "linear1.bias", {hidden}, train::Parameters::torch_default(width))),
      weight2(p.add(prefix + "linear2.weight", {width, hidden},
                    train::Parameters::xavier(hidden, width))),
      bias2(p.add(prefix + "linear2.bias", {width}, train::Parameters::torch_default(hidden))),
      norm(p, norm_name, width) {}

at::Tensor FeedForwardBlock::operator()(const at::Tensor& x) const {
  return fused(x) ? fused_feed_forward(*this, x) : feed_forward_block_plain(*this, x);
}

EncoderLayer::EncoderLayer(train::Parameters& p, const std::string& prefix, int64_t width,
                           int64_t hidden, int64_t heads, bool relative)
    : attention(p, prefix + "self_attn", prefix + "norm1", width, heads, relative),
      feed_forward(p, prefix, prefix + "norm2", width, hidden) {}

at::Tensor attention_block_plain(const AttentionBlock& block, const at::Tensor& query,
                                 const at::Tensor& memory) {
  const int64_t batch = query.size(0), time = query.size(1), width = query.size(2),
                head_width = width / block.heads;
  const auto project = [&](const at::Tensor& x, int64_t part) {
    return at::linear(x, block.in_weight.narrow(0, part * width, width),
                      block.in_bias.narrow(0, part * width, width))
        .view({batch, time, block.heads, head_width})
        .transpose(1, 2);
  };
  const at::Tensor q = project(query, 0), k = project(memory, 1), v = project(memory, 2);
  const at::Tensor heads = query.is_cuda() && !block.relative_keys.defined()
                               ? at::scaled_dot_product_attention(q, k, v, {}, 0.0, true)
                               : softmax_mixture(q, k, v, block.relative_keys);
  const at::Tensor mixed = heads.transpose(1, 2).reshape({batch, time, width});
  return block.norm(query + at::linear(mixed, block.out_weight, block.out_bias));
}

at::Tensor feed_forward_block_plain(const FeedForwardBlock& block, const at::Tensor& x) {
  const at::Tensor hidden = at::relu(at::linear(x, block.weight1, block.bias1));
  return block.norm(x + at::linear(hidden, block.weight2, block.bias2));
}

}  // namespace tenfold::prequential_icl
