#include "common/nn/rate_rnn.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/autograd.h>

#include <catch2/catch.hpp>
#include <string>
#include <vector>

#include "common/core/philox.h"

namespace tenfold::nn {
namespace {

using kernels::RateActivation;

at::Tensor draw(const std::string& name, const std::vector<int64_t>& shape, double scale) {
  const at::Tensor t = at::zeros(shape, at::kFloat);
  Stream(5, name).fill_normal(t.data_ptr<float>(), t.numel(), 0, scale);
  return t;
}

at::Tensor phi(RateActivation a, const at::Tensor& u) {
  return a == RateActivation::kRelu ? at::relu(u)
                                    : (a == RateActivation::kTanh ? at::tanh(u) : at::sigmoid(u));
}

// The recurrence as operators of ATen; also the slopes where asked.
at::Tensor composed(const RateForm& f, const at::Tensor& w, const at::Tensor& x,
                    const at::Tensor& bias, const at::Tensor& start, int64_t steps, int64_t batch,
                    std::vector<at::Tensor>* inputs = nullptr) {
  at::Tensor r = start.defined() ? start : at::zeros({w.size(0), batch, w.size(1)}, w.options());
  std::vector<at::Tensor> all;
  for (int64_t t = 0; t < steps; ++t) {
    at::Tensor heard = at::matmul(r, w.transpose(1, 2));
    if (x.defined()) heard = heard + x.select(1, x.size(1) == 1 ? 0 : t);
    if (bias.defined()) heard = heard + bias.unsqueeze(1);
    const at::Tensor u = f.inner * r + f.drive * heard;
    if (inputs != nullptr) inputs->push_back(u);
    r = f.keep * r + f.rate * phi(f.activation, u);
    all.push_back(r);
  }
  return at::stack(all, 1);
}

double difference(const at::Tensor& a, const at::Tensor& b) {
  const at::Tensor wide = b.to(at::kDouble);
  return ((a.to(at::kDouble) - wide).abs().max() / wide.abs().max()).item<double>();
}

const std::vector<RateForm> kForms = {{0, 1, 0, 1, RateActivation::kRelu},
                                      {0, 1, 0.3, 0.7, RateActivation::kRelu},
                                      {0.9, 0.1, 0, 1, RateActivation::kRelu},
                                      {0.8, 0.2, 0, 1, RateActivation::kTanh},
                                      {0, 1, 0.5, 0.5, RateActivation::kSigmoid}};

}  // namespace

TEST_CASE("states and gradients of many networks are those of the composition in float64") {
  const int64_t models = 3, steps = 6, batch = 4, units = 19;
  for (const RateForm& form : kForms) {
    for (const bool constant : {false, true}) {
      const auto leaf = [](const at::Tensor& t) { return t.clone().requires_grad_(true); };
      const at::Tensor w = leaf(draw("w", {models, units, units}, 0.25)),
                       x = leaf(draw("x", {models, constant ? 1 : steps, batch, units}, 1)),
                       b = leaf(draw("b", {models, units}, 1)),
                       s = leaf(draw("s", {models, batch, units}, 1)),
                       by = draw("by", {models, steps, batch, units}, 1);
      const at::Tensor states = rate_rnn(form, w, x, b, s, steps, batch);
      torch::autograd::backward({(states * by).sum()}, {});
      std::vector<at::Tensor> wide;
      for (const at::Tensor& t : {w, x, b, s})
        wide.push_back(t.detach().to(at::kDouble).requires_grad_(true));
      const at::Tensor expected = composed(form, wide[0], wide[1], wide[2], wide[3], steps, batch);
      torch::autograd::backward({(expected * by.to(at::kDouble)).sum()}, {});
      CHECK(difference(states, expected) < 2e-6);
      const at::Tensor found[] = {w, x, b, s};
      for (size_t k = 0; k < 4; ++k) CHECK(difference(found[k].grad(), wide[k].grad()) < 5e-6);
    }
  }
}

TEST_CASE("what is not there, or does not learn, gets no gradient") {
  const at::Tensor w = draw("w", {2, 8, 8}, 0.3), b = draw("b", {2, 8}, 1).requires_grad_(true);
  const at::Tensor states = rate_rnn({0.9, 0.1, 0, 1, RateActivation::kRelu}, w, {}, b, {}, 5, 1);
  torch::autograd::backward({states.sum()}, {});
  CHECK_FALSE(w.grad().defined());
  CHECK(b.grad().abs().max().item<double>() > 0);
}

TEST_CASE("the tangent kernel is that of autograd's Jacobian in float64") {
  const int64_t steps = 5, batch = 3, units = 7, outputs = 2;
  for (const RateForm& form : kForms) {
    for (const bool last_only : {false, true}) {
      const at::Tensor w = draw("w", {1, units, units}, 0.4).to(at::kDouble).requires_grad_(true),
                       x = draw("x", {1, steps, batch, units}, 1).to(at::kDouble),
                       readout = draw("o", {outputs, units}, 1).to(at::kDouble);
      std::vector<at::Tensor> inputs;
      const at::Tensor states = composed(form, w, x, {}, {}, steps, batch, &inputs);
      const at::Tensor y = at::matmul(states[0], readout.t());  // [steps, batch, outputs]
      std::vector<at::Tensor> rows, slopes;
      for (int64_t t = last_only ? steps - 1 : 0; t < steps; ++t)
        for (int64_t b = 0; b < batch; ++b)
          for (int64_t k = 0; k < outputs; ++k)
            rows.push_back(torch::autograd::grad({y[t][b][k]}, {w}, {}, true)[0].flatten());
      for (const at::Tensor& u : inputs) {
        const at::Tensor at_u = u[0].detach().clone().requires_grad_(true);
        slopes.push_back(torch::autograd::grad({phi(form.activation, at_u).sum()}, {at_u})[0]);
      }
      const at::Tensor jacobian = at::stack(rows);
      const at::Tensor kernel = rate_tangent_kernel(
          form, w[0].detach(), readout, states[0].detach(), at::stack(slopes), last_only);
      CHECK(kernel.sizes() == at::IntArrayRef({jacobian.size(0), jacobian.size(0)}));
      CHECK(difference(kernel, at::matmul(jacobian, jacobian.t())) < 1e-12);
    }
  }
}

}  // namespace tenfold::nn
