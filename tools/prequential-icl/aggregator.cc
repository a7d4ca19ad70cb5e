#include "tools/prequential-icl/aggregator.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cos.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/sin.h>
#include <ATen/ops/stack.h>
#include <fmt/format.h>

#include <cmath>
#include <vector>

#include "common/core/error.h"
#include "tools/prequential-icl/encoder_layer.h"
#include "tools/prequential-icl/mamba.h"

namespace tenfold::prequential_icl {
namespace {

class TransformerAggregator : public Aggregator {
 public:
  TransformerAggregator(const ModelSpec& spec, const std::string& prefix,
                        train::Parameters& parameters)
      : embed_(spec, prefix, parameters) {
    for (int64_t i = 0; i < spec.n_layers; ++i) {
      layers_.emplace_back(parameters, fmt::format("{}context_encoder.layers.{}.", prefix, i),
                           spec.h_dim, 2 * spec.h_dim, spec.n_heads, spec.positions == "relative");
    }
  }

  at::Tensor encode(const at::Tensor& points) const override {
    at::Tensor x = embed_(points);
    for (const EncoderLayer& layer : layers_) x = layer(x);
    return x;
  }

 private:
  TokenEmbedding embed_;
  std::vector<EncoderLayer> layers_;
};

class MambaAggregator : public Aggregator {
 public:
  MambaAggregator(const ModelSpec& spec, const std::string& prefix, train::Parameters& parameters)
      : embed_(spec, prefix, parameters), final_residual_(spec.final_residual) {
    for (int64_t i = 0; i < spec.n_layers; ++i) {
      blocks_.emplace_back(parameters, fmt::format("{}layers.{}.", prefix, i), spec);
    }
  }

  at::Tensor encode(const at::Tensor& points) const override {
    MambaBlock::State state{embed_(points), {}};
    for (const MambaBlock& block : blocks_) state = block(state);
    return final_residual_ ? state.hidden + state.residual : state.hidden;
  }

 private:
  TokenEmbedding embed_;
  std::vector<MambaBlock> blocks_;
  bool final_residual_;
};

}  // namespace

TokenEmbedding::TokenEmbedding(const ModelSpec& spec, const std::string& prefix,
                               train::Parameters& p)
    : start_(p.add(prefix + "x0_embedding", {1, 1, spec.h_dim}, train::Parameters::constant(0))),
      embed_(p, prefix + "x_embedding", spec.x_dim + spec.y_dim, spec.h_dim),
      sinusoid_(spec.positions == "sinusoid" && spec.arch != "mamba1" && spec.arch != "mamba2") {}

at::Tensor TokenEmbedding::operator()(const at::Tensor& points) const {
  const at::Tensor tokens =
      at::cat({start_.expand({points.size(0), 1, start_.size(2)}), embed_(points)}, 1);
  if (!sinusoid_) return tokens;
  return tokens + position_encoding(tokens.size(1), tokens.size(2)).to(tokens.options());
}

at::Tensor position_encoding(const at::Tensor& positions, int64_t width) {
  const auto like = at::TensorOptions().dtype(at::kDouble).device(positions.device());
  const at::Tensor rates =
      at::exp(at::arange(0, width, 2, like) * (-std::log(10000.0) / double(width)));
  const at::Tensor angles = positions.to(at::kDouble).unsqueeze(1) * rates;
  return at::stack({at::sin(angles), at::cos(angles)}, 2)
      .flatten(1)
      .narrow(1, 0, width)
      .to(at::kFloat);
}

at::Tensor position_encoding(int64_t count, int64_t width) {
  return position_encoding(at::arange(count, at::TensorOptions().dtype(at::kLong)), width);
}

std::unique_ptr<Aggregator> make_aggregator(const ModelSpec& spec, const std::string& prefix,
                                            train::Parameters& parameters) {
  if (spec.arch == "mamba1" || spec.arch == "mamba2") {
    return std::make_unique<MambaAggregator>(spec, prefix, parameters);
  }
  return std::make_unique<TransformerAggregator>(spec, prefix, parameters);
}

}  // namespace tenfold::prequential_icl
