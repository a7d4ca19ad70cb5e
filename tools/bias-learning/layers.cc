#include "tools/bias-learning/layers.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/full.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/tanh.h>

namespace tenfold::bias_learning {
namespace {

// By u, from phi(u).
at::Tensor slope(Activation activation, const at::Tensor& phi) {
  switch (activation) {
    case Activation::kTanh:
      return 1 - phi * phi;
    case Activation::kSigmoid:
      return phi * (1 - phi);
    default:
      return phi.gt(0);
  }
}

}  // namespace

at::Tensor activated(Activation activation, const at::Tensor& u) {
  switch (activation) {
    case Activation::kTanh:
      return at::tanh(u);
    case Activation::kSigmoid:
      return at::sigmoid(u);
    case Activation::kHeaviside:
      return u.gt(0).to(u.scalar_type());
    default:
      return at::relu(u);
  }
}

Pass forward(const Layers& p, Activation activation, const at::Tensor& first) {
  const at::NoGradGuard no_gradient;
  Pass pass;
  for (size_t l = 0; l < p.bias.size(); ++l) {
    at::Tensor u = l == 0 ? first : at::mm(pass.h.back(), p.between[l - 1].t());
    if (p.bias[l].defined()) u = u + p.bias[l];
    pass.phi.push_back(activated(activation, u));
    at::Tensor h = p.gain[l].defined() ? pass.phi[l] * p.gain[l] : pass.phi[l];
    if (l > 0 && !p.back.empty()) h = at::addmm(pass.h.back(), h, p.back[l - 1].t());
    pass.h.push_back(std::move(h));
  }
  pass.logits = at::mm(pass.h.back(), p.readout.t());
  if (p.output_bias.defined()) pass.logits += p.output_bias;
  return pass;
}

double loss_and_gradient(const Layers& p, Activation activation, const at::Tensor& first,
                         const at::Tensor& x, const at::Tensor& labels, Layers& gradient) {
  const at::NoGradGuard no_gradient;
  const Pass pass = forward(p, activation, first);
  const at::Tensor log_p = at::log_softmax(pass.logits, 1), one = labels.unsqueeze(1);
  const auto n = double(labels.size(0));
  at::Tensor d = log_p.exp();
  d.scatter_add_(1, one, at::full({labels.size(0), 1}, -1, d.options()));
  d /= n;
  if (gradient.readout.defined()) at::mm_out(gradient.readout, d.t(), pass.h.back());
  if (gradient.output_bias.defined()) at::sum_out(gradient.output_bias, d, {0});
  d = at::mm(d, p.readout);  // by h of the last layer
  for (size_t l = p.bias.size(); l-- > 0;) {
    const bool around = l > 0 && !p.back.empty();
    at::Tensor d_u = around ? at::mm(d, p.back[l - 1]) : d;  // by g phi(u), so far
    if (around && gradient.back.size() >= l)
      at::mm_out(gradient.back[l - 1], d.t(),
                 p.gain[l].defined() ? pass.phi[l] * p.gain[l] : pass.phi[l]);
    if (gradient.gain[l].defined()) at::sum_out(gradient.gain[l], d_u * pass.phi[l], {0});
    if (p.gain[l].defined()) d_u = d_u * p.gain[l];
    d_u = d_u * slope(activation, pass.phi[l]);
    if (gradient.bias[l].defined()) at::sum_out(gradient.bias[l], d_u, {0});
    if (l == 0) {
      if (gradient.input.defined()) at::mm_out(gradient.input, d_u.t(), x);
      break;
    }
    if (gradient.between.size() >= l) at::mm_out(gradient.between[l - 1], d_u.t(), pass.h[l - 1]);
    d = around ? at::addmm(d, d_u, p.between[l - 1]) : at::mm(d_u, p.between[l - 1]);
  }
  return -log_p.gather(1, one).sum().item<double>() / n;
}

}  // namespace tenfold::bias_learning
