#include "tools/prequential-icl/no_bottleneck.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/stack.h>
#include <fmt/format.h>

#include <vector>

#include "tools/prequential-icl/aggregator.h"
#include "tools/prequential-icl/encoder_layer.h"

namespace tenfold::prequential_icl {
namespace {

// Queries attend to the points before them; the two streams have weights of their own.
class TwoStream : public DirectPredictor {
 public:
  TwoStream(const ModelSpec& s, const std::string& prefix, train::Parameters& p)
      : start_(p.add(prefix + "xy0_embedding", {1, 1, s.h_dim}, train::Parameters::constant(0))),
        embed_x_(p, prefix + "x_embedding", s.x_dim, s.h_dim),
        embed_xy_(p, prefix + "xy_embedding", s.x_dim + s.y_dim, s.h_dim) {
    for (int64_t i = 0; i < s.n_layers; ++i) {
      const std::string layer = fmt::format("{}decoder.layers.{}.", prefix, i);
      // The reference declares this self-attention and never calls it.
      const AttentionBlock dead(p, layer + "self_attn", layer + "norm1", s.h_dim, s.n_heads);
      p.mark_unused(layer + "self_attn");
      p.mark_unused(layer + "norm1");
      layers_.push_back(
          {AttentionBlock(p, layer + "multihead_attn", layer + "norm2", s.h_dim, s.n_heads),
           FeedForwardBlock(p, layer, layer + "norm3", s.h_dim, 2 * s.h_dim),
           EncoderLayer(p, layer + "encoder_layer.", s.h_dim, 2 * s.h_dim, s.n_heads)});
      // No output sees the points as the last layer updates them.
      if (i + 1 == s.n_layers) p.mark_unused(layer + "encoder_layer.");
    }
    readout_ = train::Linear(p, prefix + "readout", s.h_dim, s.y_dim);
  }

  at::Tensor operator()(const at::Tensor& points, const at::Tensor& queries) const override {
    at::Tensor query = embed_x_(queries);
    at::Tensor memory =
        at::cat({start_.expand({points.size(0), 1, start_.size(2)}), embed_xy_(points)}, 1);
    for (size_t i = 0; i < layers_.size(); ++i) {
      query = layers_[i].feed_forward(layers_[i].attention(query, memory));
      if (i + 1 < layers_.size()) memory = layers_[i].memory(memory);
    }
    return readout_(query);
  }

 private:
  struct Layer {
    AttentionBlock attention;
    FeedForwardBlock feed_forward;
    EncoderLayer memory;
  };
  at::Tensor start_;
  train::Linear embed_x_, embed_xy_, readout_;
  std::vector<Layer> layers_;
};

// One stream x_1, y_1, x_2, y_2, ... with sinusoidal positions, read at the x tokens.
class Interleaved : public DirectPredictor {
 public:
  Interleaved(const ModelSpec& s, const std::string& prefix, train::Parameters& p)
      : x_dim_(s.x_dim),
        y_dim_(s.y_dim),
        embed_x_(p, prefix + "x_embedding", s.x_dim, s.h_dim),
        embed_y_(p, prefix + "y_embedding", s.y_dim, s.h_dim) {
    for (int64_t i = 0; i < s.n_layers; ++i) {
      layers_.emplace_back(p, fmt::format("{}encoder.layers.{}.", prefix, i), s.h_dim, 2 * s.h_dim,
                           s.n_heads);
    }
    readout_ = train::Linear(p, prefix + "readout", s.h_dim, s.y_dim);
  }

  at::Tensor operator()(const at::Tensor& points, const at::Tensor& queries) const override {
    const int64_t batch = queries.size(0), count = queries.size(1);
    const at::Tensor x = embed_x_(queries), y = embed_y_(points.narrow(2, x_dim_, y_dim_));
    const at::Tensor pairs =
        at::stack({x.narrow(1, 0, count - 1), y}, 2).reshape({batch, 2 * (count - 1), x.size(2)});
    at::Tensor tokens = at::cat({pairs, x.narrow(1, count - 1, 1)}, 1);
    tokens = tokens + position_encoding(2 * count - 1, x.size(2)).to(tokens.options());
    for (const EncoderLayer& layer : layers_) tokens = layer(tokens);
    return readout_(tokens.slice(1, 0, 2 * count - 1, 2));
  }

  bool has_free_queries() const override { return false; }

 private:
  int64_t x_dim_, y_dim_;
  train::Linear embed_x_, embed_y_, readout_;
  std::vector<EncoderLayer> layers_;
};

// The encoder stack on the observations themselves; there are no queries.
class Decoder : public DirectPredictor {
 public:
  Decoder(const ModelSpec& s, const std::string& prefix, train::Parameters& p)
      : stack_(make_aggregator(s, prefix, p)), readout_(p, prefix + "readout", s.h_dim, s.y_dim) {}

  at::Tensor operator()(const at::Tensor& points, const at::Tensor&) const override {
    return readout_(stack_->encode(points));
  }

 private:
  std::unique_ptr<Aggregator> stack_;
  train::Linear readout_;
};

}  // namespace

std::unique_ptr<DirectPredictor> make_direct_predictor(const ModelSpec& spec,
                                                       const std::string& prefix,
                                                       train::Parameters& parameters) {
  if (spec.arch == "two-stream") return std::make_unique<TwoStream>(spec, prefix, parameters);
  if (spec.arch == "interleaved") return std::make_unique<Interleaved>(spec, prefix, parameters);
  return std::make_unique<Decoder>(spec, prefix, parameters);
}

}  // namespace tenfold::prequential_icl
