#include "tools/prequential-icl/predictor.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/relu.h>
#include <fmt/format.h>

#include <vector>

#include "tools/prequential-icl/fastfood.h"
#include "tools/prequential-icl/fused_blocks.h"

namespace tenfold::prequential_icl {
namespace {

// Widths of a network of `layers` Linear layers.
std::vector<int64_t> widths(int64_t in, int64_t hidden, int64_t out, int64_t layers) {
  std::vector<int64_t> w = {in};
  for (int64_t i = 1; i < layers; ++i) w.push_back(hidden);
  w.push_back(out);
  return w;
}

// The hidden layers are one Linear applied n - 2 times: list multiplication in the reference.
class MlpConcat : public Predictor {
 public:
  MlpConcat(const ModelSpec& s, const std::string& prefix, train::Parameters& p) {
    const auto name = [&](int64_t i) { return fmt::format("{}predictor.{}", prefix, 2 * i); };
    layers_.emplace_back(p, name(0), s.query_dim + s.z_dim, s.pred_h_dim);
    for (int64_t i = 1; i + 1 < s.pred_layers; ++i) {
      layers_.push_back(s.tie_hidden && i > 1
                            ? layers_[1]
                            : train::Linear(p, name(i), s.pred_h_dim, s.pred_h_dim));
    }
    layers_.emplace_back(p, name(s.pred_layers - 1), s.pred_h_dim, s.y_dim);
  }

  at::Tensor operator()(const at::Tensor& query, const at::Tensor& z) const override {
    at::Tensor x = query.size(1) == 0 ? z : at::cat({query, z}, 1);
    const bool fused = x.is_cpu() && x.scalar_type() == at::kFloat;
    for (size_t i = 0; i + 1 < layers_.size(); ++i) {
      x = fused ? fused_linear_relu(x, layers_[i].weight, layers_[i].bias)
                : at::relu(layers_[i](x));
    }
    return layers_.back()(x);
  }

 private:
  std::vector<train::Linear> layers_;
};

// y = [x, 1] Z with Z = z as a matrix, the last row the bias.
class LinearHead : public Predictor {
 public:
  at::Tensor operator()(const at::Tensor& query, const at::Tensor& z) const override {
    const at::Tensor x = at::cat({query, at::ones_like(query.narrow(1, 0, 1))}, 1);
    return at::bmm(x.unsqueeze(1), z.reshape({z.size(0), x.size(1), -1})).squeeze(1);
  }
};

// z holds every weight and bias of an MLP: W_0 [x, h], b_0, ..., rows are inputs.
class MlpHyper : public Predictor {
 public:
  explicit MlpHyper(const ModelSpec& s)
      : widths_(widths(s.query_dim, s.pred_h_dim, s.y_dim, s.pred_layers)) {}

  at::Tensor operator()(const at::Tensor& query, const at::Tensor& z) const override {
    at::Tensor x = query.unsqueeze(1);
    int64_t first = 0;
    for (size_t i = 0; i + 1 < widths_.size(); ++i) {
      const int64_t in = widths_[i], out = widths_[i + 1];
      const at::Tensor weight = z.narrow(1, first, in * out).reshape({-1, in, out}),
                       bias = z.narrow(1, first + in * out, out).unsqueeze(1);
      x = at::bmm(x, weight) + bias;
      if (i + 2 < widths_.size()) x = at::relu(x);
      first += (in + 1) * out;
    }
    return x.squeeze(1);
  }

 private:
  std::vector<int64_t> widths_;
};

// A trained base network whose every tensor p becomes p + FastFood_p(z).
class LowRank : public Predictor {
 public:
  LowRank(const ModelSpec& s, const std::string& prefix, uint64_t seed, train::Parameters& p) {
    const auto w = widths(s.query_dim, s.pred_h_dim, s.y_dim, s.pred_layers);
    for (size_t i = 0; i + 1 < w.size(); ++i) {
      base_.emplace_back(p, fmt::format("{}params_0.{}", prefix, i), w[i], w[i + 1]);
      const Stream weight(seed, "fastfood", 2 * i), bias(seed, "fastfood", 2 * i + 1);
      project_.emplace_back(std::vector<int64_t>{w[i + 1], w[i]}, weight);
      project_.emplace_back(std::vector<int64_t>{w[i + 1]}, bias);
    }
  }

  at::Tensor operator()(const at::Tensor& query, const at::Tensor& z) const override {
    at::Tensor x = query.unsqueeze(2);
    for (size_t i = 0; i < base_.size(); ++i) {
      const at::Tensor weight = base_[i].weight + project_[2 * i](z),
                       bias = base_[i].bias + project_[2 * i + 1](z);
      x = at::bmm(weight, x) + bias.unsqueeze(2);
      if (i + 1 < base_.size()) x = at::relu(x);
    }
    return x.squeeze(2);
  }

 private:
  std::vector<train::Linear> base_;
  std::vector<FastFood> project_;
};

class Polynomial : public Predictor {
 public:
  at::Tensor operator()(const at::Tensor& query, const at::Tensor& z) const override {
    return chebyshev_sum(query, z);
  }
};

}  // namespace

at::Tensor chebyshev_sum(const at::Tensor& x, const at::Tensor& z) {
  std::vector<at::Tensor> basis = {at::ones_like(x), x};
  while (int64_t(basis.size()) < z.size(1)) {
    basis.push_back(2 * x * basis.back() - basis[basis.size() - 2]);
  }
  basis.resize(size_t(z.size(1)));
  return (at::cat(basis, 1) * z).sum(1, true);
}

int64_t required_z_dim(const ModelSpec& s) {
  if (s.predictor == "linear") return (s.query_dim + 1) * s.y_dim;
  if (s.predictor != "mlp-hyper") return 0;
  const auto w = widths(s.query_dim, s.pred_h_dim, s.y_dim, s.pred_layers);
  int64_t sum = 0;
  for (size_t i = 0; i + 1 < w.size(); ++i) sum += (w[i] + 1) * w[i + 1];
  return sum;
}

std::unique_ptr<Predictor> make_predictor(const ModelSpec& spec, const std::string& prefix,
                                          uint64_t seed, train::Parameters& parameters) {
  if (spec.predictor == "linear") return std::make_unique<LinearHead>();
  if (spec.predictor == "mlp-hyper") return std::make_unique<MlpHyper>(spec);
  if (spec.predictor == "polynomial") return std::make_unique<Polynomial>();
  if (spec.predictor == "lowrank") return std::make_unique<LowRank>(spec, prefix, seed, parameters);
  return std::make_unique<MlpConcat>(spec, prefix, parameters);
}

}  // namespace tenfold::prequential_icl
