#include "tools/bias-learning/layers.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/mm.h>

#include <catch2/catch.hpp>
#include <cmath>

#include "common/core/philox.h"

namespace tenfold::bias_learning {
namespace {

constexpr int64_t kUnits = 6, kPixels = 5, kClasses = 3, kImages = 7;

at::Tensor normal(const std::string& name, at::IntArrayRef shape, double mean = 0) {
  at::Tensor t = at::empty(shape, at::kDouble);
  for (int64_t i = 0; i < t.numel(); ++i)
    t.data_ptr<double>()[i] = mean + 0.5 * Stream(4, name).normal(uint64_t(i));
  return t;
}

Layers network(size_t layers, bool residual) {
  Layers p;
  p.input = normal("B", {kUnits, kPixels});
  p.readout = normal("A", {kClasses, kUnits});
  p.output_bias = normal("c", {kClasses});
  for (size_t l = 0; l < layers; ++l) {
    p.bias.push_back(normal("b" + std::to_string(l), {kUnits}));
    p.gain.push_back(normal("g" + std::to_string(l), {kUnits}, 1));
    if (l == 0) continue;
    p.between.push_back(normal("W" + std::to_string(l), {kUnits, kUnits}));
    if (residual) p.back.push_back(normal("R" + std::to_string(l), {kUnits, kUnits}));
  }
  return p;
}

std::vector<at::Tensor> tensors(const Layers& p) {
  std::vector<at::Tensor> out = {p.input, p.readout, p.output_bias};
  for (const auto* list : {&p.bias, &p.gain, &p.between, &p.back})
    out.insert(out.end(), list->begin(), list->end());
  return out;
}

// In scalars, from the definition.
double loss_by_definition(const Layers& p, Activation activation, const at::Tensor& x,
                          const std::vector<int64_t>& labels) {
  const auto at = [](const at::Tensor& t, int64_t i, int64_t j = 0) {
    return t.data_ptr<double>()[t.dim() == 2 ? i * t.size(1) + j : i];
  };
  const auto phi = [&](double u) {
    return activation == Activation::kRelu   ? std::max(u, 0.0)
           : activation == Activation::kTanh ? std::tanh(u)
                                             : 1 / (1 + std::exp(-u));
  };
  double sum = 0;
  for (int64_t n = 0; n < kImages; ++n) {
    std::vector<double> h;
    for (int64_t j = 0; j < kPixels; ++j) h.push_back(at(x, n, j));
    for (size_t l = 0; l < p.bias.size(); ++l) {
      const at::Tensor& w = l == 0 ? p.input : p.between[l - 1];
      std::vector<double> of_layer;
      for (int64_t i = 0; i < kUnits; ++i) {
        double u = at(p.bias[l], i);
        for (size_t j = 0; j < h.size(); ++j) u += at(w, i, int64_t(j)) * h[j];
        of_layer.push_back(at(p.gain[l], i) * phi(u));
      }
      if (l > 0 && !p.back.empty()) {
        for (int64_t i = 0; i < kUnits; ++i)
          for (int64_t j = 0; j < kUnits; ++j)
            h[size_t(i)] += at(p.back[l - 1], i, j) * of_layer[size_t(j)];
      } else {
        h = of_layer;
      }
    }
    double total = 0, own = 0;
    for (int64_t k = 0; k < kClasses; ++k) {
      double y = at(p.output_bias, k);
      for (int64_t i = 0; i < kUnits; ++i) y += at(p.readout, k, i) * h[size_t(i)];
      total += std::exp(y);
      if (k == labels[size_t(n)]) own = y;
    }
    sum += std::log(total) - own;
  }
  return sum / kImages;
}

}  // namespace

TEST_CASE("gradients by every parameter are differences of the loss written out in scalars") {
  const at::Tensor x = normal("x", {kImages, kPixels});
  std::vector<int64_t> labels;
  for (int64_t n = 0; n < kImages; ++n) labels.push_back(n % kClasses);
  const at::Tensor y = at::from_blob(labels.data(), {kImages}, at::kLong);
  for (const Activation activation : {Activation::kRelu, Activation::kTanh, Activation::kSigmoid}) {
    for (const auto& [layers, residual] :
         {std::pair<size_t, bool>{1, false}, {2, false}, {2, true}, {3, true}}) {
      CAPTURE(kActivationNames[size_t(activation)], layers, residual);
      const Layers p = network(layers, residual);
      Layers gradient = network(layers, residual);
      const double loss = loss_and_gradient(p, activation, at::mm(x, p.input.t()), x, y, gradient);
      CHECK(loss == Approx(loss_by_definition(p, activation, x, labels)).epsilon(1e-12));
      const std::vector<at::Tensor> values = tensors(p), slopes = tensors(gradient);
      constexpr double kStep = 1e-6;
      for (size_t t = 0; t < values.size(); ++t) {
        for (int64_t i = 0; i < values[t].numel(); ++i) {
          double& v = values[t].data_ptr<double>()[i];
          const double kept = v;
          v = kept + kStep;
          const double above = loss_by_definition(p, activation, x, labels);
          v = kept - kStep;
          const double below = loss_by_definition(p, activation, x, labels);
          v = kept;
          CHECK(slopes[t].data_ptr<double>()[i] ==
                Approx((above - below) / (2 * kStep)).epsilon(1e-5).margin(1e-8));
        }
      }
    }
  }
}

TEST_CASE("the Heaviside function is 1 above 0 and nowhere else") {
  std::vector<float> u = {-1, 0, 1e-30f, 2};
  const at::Tensor h = activated(Activation::kHeaviside, at::from_blob(u.data(), {4}, at::kFloat));
  const float* out = h.data_ptr<float>();
  CHECK(std::vector<float>(out, out + 4) == std::vector<float>{0, 0, 1, 1});
}

}  // namespace tenfold::bias_learning
