#include "tools/prequential-icl/mamba.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/rsqrt.h>
#include <ATen/ops/silu.h>

#include <algorithm>
#include <cmath>

#include "common/kernels/causal_conv_silu.h"
#include "common/kernels/selective_scan.h"
#include "common/kernels/ssd_scan.h"
#include "tools/prequential-icl/fused_blocks.h"
#include "tools/prequential-icl/fused_mamba.h"

namespace tenfold::prequential_icl {
namespace {

constexpr int64_t kState = 8, kConvWidth = 4, kExpand = 2;

// b_dt = softplus^-1(dt), dt log-uniform in [1e-3, 1e-1], at least 1e-4.
void init_dt_bias(const Stream& stream, float* out, int64_t count) {
  const double low = std::log(1e-3), high = std::log(1e-1);
  for (int64_t i = 0; i < count; ++i) {
    const double dt = std::max(std::exp(low + (high - low) * stream.uniform(uint64_t(i))), 1e-4);
    out[i] = float(dt + std::log(-std::expm1(-dt)));
  }
}

// A_log = log(1..d_state) for every channel.
void init_a_log(const Stream&, float* out, int64_t count) {
  for (int64_t i = 0; i < count; ++i) out[i] = float(std::log(double(i % kState + 1)));
}

// exp(A_log) ~ U(1, 16) for every head.
void init_head_a_log(const Stream& stream, float* out, int64_t count) {
  for (int64_t i = 0; i < count; ++i)
    out[i] = float(std::log(1 + 15 * stream.uniform(uint64_t(i))));
}

}  // namespace

int64_t GatedMlp::hidden(int64_t width) { return (8 * width / 3 + 127) / 128 * 128; }

GatedMlp::GatedMlp(train::Parameters& p, const std::string& prefix, int64_t width)
    : fc1(p, prefix + "fc1", width, 2 * hidden(width), false),
      fc2(p, prefix + "fc2", hidden(width), width, false) {}

at::Tensor GatedMlp::operator()(const at::Tensor& x) const {
  const at::Tensor both = fc1(x);
  if (fits_fused_mamba(both)) return fc2(fused_gate(both));
  const auto parts = both.chunk(2, -1);
  return fc2(parts[0] * at::silu(parts[1]));
}

MambaMixer::MambaMixer(train::Parameters& p, const std::string& prefix, const ModelSpec& spec)
    : second_(spec.arch == "mamba2"), inner_(kExpand * spec.h_dim) {
  int64_t projected = 2 * inner_, convolved = inner_;
  if (second_) {
    heads_ = inner_ / spec.mamba_head_dim;
    convolved = inner_ + 2 * kState;
    projected = inner_ + convolved + heads_;
  } else {
    rank_ = (spec.h_dim + 15) / 16;
  }
  in_ = train::Linear(p, prefix + "in_proj", spec.h_dim, projected, false);
  const auto conv_init = train::Parameters::torch_default(kConvWidth);
  conv_weight_ = p.add(prefix + "conv1d.weight", {convolved, 1, kConvWidth}, conv_init);
  conv_bias_ = p.add(prefix + "conv1d.bias", {convolved}, conv_init);
  if (second_) {
    a_log_ = p.add(prefix + "A_log", {heads_}, init_head_a_log);
    d_ = p.add(prefix + "D", {heads_}, train::Parameters::constant(1));
    dt_bias_ = p.add(prefix + "dt_bias", {heads_}, init_dt_bias);
    norm_ = p.add(prefix + "norm.weight", {inner_}, train::Parameters::constant(1));
  } else {
    x_ = train::Linear(p, prefix + "x_proj", inner_, rank_ + 2 * kState, false);
    dt_.weight =
        p.add(prefix + "dt_proj.weight", {inner_, rank_}, train::Parameters::torch_default(rank_));
    dt_.bias = p.add(prefix + "dt_proj.bias", {inner_}, init_dt_bias);
    a_log_ = p.add(prefix + "A_log", {inner_, kState}, init_a_log);
    d_ = p.add(prefix + "D", {inner_}, train::Parameters::constant(1));
  }
  out_ = train::Linear(p, prefix + "out_proj", inner_, spec.h_dim, false);
}

at::Tensor MambaMixer::mamba1(const at::Tensor& u) const {
  const auto xz = in_(u).split_with_sizes({inner_, inner_}, 2);
  const at::Tensor x = kernels::causal_conv_silu(xz[0], conv_weight_.squeeze(1), conv_bias_);
  const auto selected = x_(x).split_with_sizes({rank_, kState, kState}, 2);
  const at::Tensor dt = at::linear(selected[0], dt_.weight);  // the scan adds the bias
  return out_(kernels::selective_scan(x, dt, -at::exp(a_log_), selected[1], selected[2], d_, xz[1],
                                      dt_.bias));
}

at::Tensor MambaMixer::mamba2(const at::Tensor& u) const {
  const auto projected = in_(u).split_with_sizes({inner_, inner_ + 2 * kState, heads_}, 2);
  const at::Tensor &z = projected[0], &dt = projected[2];
  const auto xbc = kernels::causal_conv_silu(projected[1], conv_weight_.squeeze(1), conv_bias_)
                       .split_with_sizes({inner_, kState, kState}, 2);
  const at::Tensor y =
      kernels::ssd_scan(xbc[0], dt, -at::exp(a_log_), xbc[1], xbc[2], d_, dt_bias_);
  if (fits_fused_mamba(y)) return out_(fused_gated_rms(y, z, norm_));
  const at::Tensor gated = y * at::silu(z);
  const at::Tensor inverse = at::rsqrt(gated.square().mean(2, true) + kNormEps);
  return out_(gated * inverse * norm_);
}

MambaBlock::MambaBlock(train::Parameters& p, const std::string& prefix, const ModelSpec& spec)
    : norm_(p, prefix + "norm", spec.h_dim),
      mixer_(p, prefix + "mixer.", spec),
      norm2_(p, prefix + "norm2", spec.h_dim),
      mlp_(p, prefix + "mlp.", spec.h_dim) {}

MambaBlock::State MambaBlock::operator()(const State& in) const {
  if (fits_fused_mamba(in.hidden)) {
    const auto [first, first_norm] = fused_norm_of_sum(in.hidden, in.residual, norm_);
    const auto [second, second_norm] = fused_norm_of_sum(mixer_(first_norm), first, norm2_);
    return {mlp_(second_norm), second};
  }
  const at::Tensor first = in.residual.defined() ? in.hidden + in.residual : in.hidden;
  const at::Tensor second = mixer_(norm_(first)) + first;
  return {mlp_(norm2_(second)), second};
}

}  // namespace tenfold::prequential_icl
