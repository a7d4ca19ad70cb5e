#include "tools/samba-align/hrf_bank.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/baddbmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/log.h>
#include <ATen/ops/sigmoid.h>
#include <ATen/ops/tanh.h>
#include <ATen/ops/tensor.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

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
    const auto init = train::Parameters::torch_default(in);
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

at::Tensor double_gamma(const at::Tensor& values, double rate, int64_t taps) {
  // The gradient of (t / p)^d at t = 0 is 0 times infinity: that column is a constant.
  const at::Tensor t = at::arange(1, taps, values.options()) / rate, log_t = at::log(t);
  // (t / p)^d exp(-(t - p) / s) with p = d s, in logarithms.
  const auto gamma = [&](int64_t delay, int64_t dispersion) {
    const at::Tensor d = values.narrow(1, delay, 1), s = values.narrow(1, dispersion, 1);
    return at::exp(d * (log_t - at::log(d) - at::log(s) + 1) - t / s);
  };
  const at::Tensor h = values.narrow(1, 4, 1) * gamma(0, 2) - values.narrow(1, 5, 1) * gamma(1, 3);
  return at::cat({at::zeros({values.size(0), 1}, values.options()), h}, 1);
}

}  // namespace tenfold::samba_align
