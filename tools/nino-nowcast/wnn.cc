#include "tools/nino-nowcast/wnn.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/leaky_relu.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/tanh.h>

#include "tools/nino-nowcast/graph.h"

namespace tenfold::nino_nowcast {
namespace {

constexpr double kLeak = 0.3;  // Keras' default, as in the original

at::Tensor linear(const MetaModel& m, const std::string& name, const at::Tensor& x) {
  return at::addmm(m.w(name + ".bias"), x, m.w(name + ".weight").t());
}

// One stream: f -> gated mixture -> 32 features.
at::Tensor stream(const MetaModel& m, const std::string& name, const at::Tensor& u) {
  const at::Tensor f = linear(m, name + "input", u);
  const at::Tensor g = at::relu(linear(m, name + "gate", f));
  const at::Tensor shift = linear(m, name + "shift", g), factor = linear(m, name + "factor", g);
  const at::Tensor scale = at::exp(f * linear(m, name + "scale", g));
  return at::leaky_relu(linear(m, name + "output", factor * scale + shift), kLeak);
}

}  // namespace

WnnNormalised wnn_normalise(const at::Tensor& states) {
  const int64_t c = states.size(1);
  WnnNormalised n;
  n.origin = states.select(1, 0);
  n.range = (states.amax(1) - states.amin(1) + 1e-8 + 1e-5) * 2;
  n.values = (states - n.origin.unsqueeze(1)) / n.range.unsqueeze(1);
  n.differences = n.values.narrow(1, 1, c - 1) - n.values.narrow(1, 0, c - 1);
  return n;
}

at::Tensor wnn_change(const MetaModel& model, const std::string& kind, const WnnNormalised& input) {
  const at::Tensor a = stream(model, kind + ".value.", input.values);
  const at::Tensor b = stream(model, kind + ".difference.", input.differences);
  return at::tanh(linear(model, kind + ".head", at::cat({a, b}, 1))).squeeze(1);
}

at::Tensor wnn_predict(const MetaModel& model, const std::string& kind, const at::Tensor& states) {
  const WnnNormalised n = wnn_normalise(states);
  const at::Tensor last = n.values.select(1, states.size(1) - 1);
  return (last + wnn_change(model, kind, n)) * n.range + n.origin;
}

std::string wnn_kind(int32_t edge_type) {
  if (edge_type == kConv) return "conv";
  if (edge_type == kNormWeight) return "";
  return edge_type == kBias ? "bias" : "linear";
}

}  // namespace tenfold::nino_nowcast
