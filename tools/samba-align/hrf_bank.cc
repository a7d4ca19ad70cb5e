#include "tools/samba-align/hrf_bank.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/baddbmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/log.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/mul.h>
#include <ATen/ops/ones_like.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/custom_function.h>

#include <cmath>

namespace tenfold::samba_align {
namespace {

constexpr float kInitial[kHrfParameters] = {6, 12, 0.5f, 0.7f, 0.5f, 0.4f};
constexpr float kRange[kHrfParameters] = {4, 2, 0.8f, 0.1f, 0.6f, 0.4f};
// The first version's greatest deviation, as a share of the initial value.
constexpr float kDeviation[kHrfParameters] = {2.0f / 6, 2.0f / 12, 0.2f, 0.2f, 0.1f, 0.1f};

at::Tensor row(const float* six) { return at::tensor(at::ArrayRef<float>(six, kHrfParameters)); }

}  // namespace

HrfBank::HrfBank(train::Parameters& parameters, const HrfSpec& spec, int64_t parcels)
    : spec_(spec), parcels_(parcels) {
  const int64_t nets = spec.shared ? 1 : parcels;
  theta_ = parameters.add("hrf.theta", {nets, kHrfParameters},
                          [](const Stream&, float* out, int64_t count) {
                            for (int64_t i = 0; i < count; ++i)
                              out[i] = kInitial[i % kHrfParameters];
                          });
  const int64_t outer = spec.form == "tanh" ? kHrfParameters : 1;
  std::vector<int64_t> widths = {outer};
  widths.insert(widths.end(), spec.hidden.begin(), spec.hidden.end());
  widths.push_back(outer);
  for (size_t l = 0; l + 1 < widths.size(); ++l) {
    const int64_t in = widths[l], out = widths[l + 1];
    const bool last = l + 2 == widths.size();
    const auto init = spec.centred && last ? train::Parameters::constant(0)
                                           : train::Parameters::torch_default(in);
    const std::string name = fmt::format("hrf.layer{}.", l + 1);
    const at::Tensor weight = parameters.add(name + "weight", {nets, out, in}, init);
    layers_.emplace_back(weight, parameters.add(name + "bias", {nets, out}, init));
  }
}

at::Tensor HrfBank::through_networks(const at::Tensor& rows) const {
  at::Tensor x = rows;
  for (size_t l = 0; l < layers_.size(); ++l) {
    const auto& [weight, bias] = layers_[l];
    x = at::baddbmm(bias.unsqueeze(1), x, weight.transpose(1, 2));
    if (l + 1 < layers_.size()) x = at::gelu(x);
  }
  return x;
}

at::Tensor HrfBank::values() const {
  const at::Tensor initial = row(kInitial);
  at::Tensor values;
  if (spec_.form == "tanh") {
    const at::Tensor o = through_networks(theta_.unsqueeze(1)).squeeze(1);
    values = initial * (1 + row(kDeviation) * at::tanh(o));
  } else {
    const at::Tensor o = through_networks(theta_.unsqueeze(2)).squeeze(2);
    values = initial + row(kRange) * at::sigmoid(5 * o);
  }
  return spec_.shared ? values.expand({parcels_, kHrfParameters}) : values;
}

std::pair<double, double> hrf_reach(const HrfSpec& spec, int64_t k) {
  const double initial = kInitial[k];
  if (spec.form == "tanh") return {initial * (1 - kDeviation[k]), initial * (1 + kDeviation[k])};
  return {initial, initial + kRange[k]};
}

namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// One gamma is g = exp(d (log t - log d - log s + 1) - t / s), (t / p)^d exp(-(t - p) / s) with p =
// d s in logarithms: dg/dd = g (log t - log d - log s), dg/ds = g (t / s - d) / s. The way back
// needs three sums over time for each.
class DoubleGamma : public torch::autograd::Function<DoubleGamma> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& values, double rate,
                            int64_t taps) {
    const at::Tensor t = at::arange(1, taps, values.options()) / rate, log_t = at::log(t);
    const at::Tensor first = gamma(values, 0, t, log_t), second = gamma(values, 1, t, log_t);
    ctx->save_for_backward({values, first, second, at::stack({at::ones_like(t), log_t, t}, 1)});
    at::Tensor h = at::empty({values.size(0), taps}, values.options());
    h.select(1, 0).zero_();
    at::Tensor later = h.narrow(1, 1, taps - 1);
    at::mul_out(later, first, values.narrow(1, 4, 1));
    later.addcmul_(second, values.narrow(1, 5, 1), -1);
    return h;
  }
  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const variable_list saved = ctx->get_saved_variables();
    const at::Tensor& values = saved[0];
    const at::Tensor d_h = gradients[0].narrow(1, 1, gradients[0].size(1) - 1);
    const at::Tensor d_values = at::empty_like(values);
    for (int64_t i = 0; i < 2; ++i) {
      const at::Tensor sums = at::mm(d_h * saved[size_t(1 + i)], saved[3]);  // of 1, log t and t
      const at::Tensor d = values.select(1, i), s = values.select(1, 2 + i),
                       scale = values.select(1, 4 + i) * (i == 0 ? 1 : -1);
      const at::Tensor all = sums.select(1, 0);
      d_values.select(1, i).copy_(scale * (sums.select(1, 1) - (at::log(d) + at::log(s)) * all));
      d_values.select(1, 2 + i).copy_(scale * (sums.select(1, 2) / s - d * all) / s);
      d_values.select(1, 4 + i).copy_(i == 0 ? all : -all);
    }
    return {d_values, at::Tensor(), at::Tensor()};
  }

 private:
  static at::Tensor gamma(const at::Tensor& values, int64_t i, const at::Tensor& t,
                          const at::Tensor& log_t) {
    const at::Tensor d = values.narrow(1, i, 1), s = values.narrow(1, 2 + i, 1);
    at::Tensor exponent = at::addmm(d * (1 - at::log(d) - at::log(s)), at::cat({d, -1 / s}, 1),
                                    at::stack({log_t, t}));
    return exponent.exp_();
  }
};

}  // namespace

at::Tensor double_gamma(const at::Tensor& values, double rate, int64_t taps) {
  return DoubleGamma::apply(values, rate, taps);
}

}  // namespace tenfold::samba_align
