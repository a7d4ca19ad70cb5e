#include "tools/samba-align/hemo_to_ele.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/baddbmm.h>
#include <ATen/ops/batch_norm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/conv_transpose1d.h>
#include <ATen/ops/gelu.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/tensor.h>
#include <fmt/format.h>

#include <cmath>

#include "tools/samba-align/hrf_convolution.h"
#include "tools/samba-align/wavelet_transform.h"

namespace tenfold::samba_align {
namespace {

constexpr int64_t kEmbedding = 16;
constexpr int64_t kKernel = 3;  // of the deconvolution
constexpr double kMomentum = 0.1, kEpsilon = 1e-5;
constexpr int64_t kReleasedPoints = 3008, kReleasedUsed = 2999;
constexpr double kReleasedRate = 94, kFixedSeconds = 32;

double gamma_density(double t, double shape, double scale) {
  if (t <= 0) return 0;
  return std::exp((shape - 1) * std::log(t) - t / scale - std::lgamma(shape) -
                  shape * std::log(scale));
}

double glover(double t) {
  constexpr double kDispersion = 0.9, kUndershoot = 0.48;
  return gamma_density(t, 6 / kDispersion, kDispersion) -
         kUndershoot * gamma_density(t, 12 / kDispersion, kDispersion);
}

std::vector<double> of_unit_sum(std::vector<double> values) {
  double sum = 0;
  for (const double v : values) sum += v;
  for (double& v : values) v /= sum;
  return values;
}

}  // namespace

std::vector<double> fixed_response(double rate) {
  std::vector<double> g(size_t(kFixedSeconds * rate));
  for (size_t n = 0; n < g.size(); ++n) g[n] = glover(double(n) / rate);
  return of_unit_sum(std::move(g));
}

std::vector<double> released_fixed_response() {
  std::vector<double> g(static_cast<size_t>(kReleasedPoints));
  for (size_t n = 0; n < g.size(); ++n)
    g[n] = glover(kFixedSeconds * double(n) / double(kReleasedPoints - 1) - 1 / kReleasedRate);
  g = of_unit_sum(std::move(g));
  g.resize(size_t(kReleasedUsed));
  return g;
}

HemoToEle::HemoToEle(const ModelSpec& spec, uint64_t seed) : Model(spec, spec.block, seed) {
  using train::Parameters;
  const int64_t frames = spec.frames, p = spec.parcels, wide = spec.mlp_hidden;
  const GraphKind kind = spec.ablate == "gcn" ? GraphKind::kConvolution : GraphKind::kAttention;
  gat1_ = GraphBlock(parameters_, "gat_layer1", frames, frames, 1, kind);
  map_ = PatchMap(parameters_, spec.patches, spec.targets, p);
  gat2_ = GraphBlock(parameters_, "gat_layer2", frames, frames, 1, kind);
  const bool shared = spec.hemo_to_ele_mlp == "shared";
  if (shared) {
    embedding_ = parameters_.add(
        "parcel_embedding", {p, kEmbedding},
        [](const Stream& s, float* out, int64_t count) { s.fill_normal(out, count, 0, 1); });
  }
  for (size_t b = 0; b < wavelet_.sizes().size(); ++b) {
    const int64_t widths[] = {shared ? frames + kEmbedding : frames, wide, wide,
                              frames * wavelet_.sizes()[b]};
    Level& level = levels_.emplace_back();
    for (int64_t l = 0; l < 3; ++l) {
      const std::string name = fmt::format("level{}.layer{}", b + 1, l + 1);
      const int64_t in = widths[l], out = widths[l + 1];
      if (shared) {
        level.shared.emplace_back(parameters_, name, in, out);
        continue;
      }
      const auto init = Parameters::torch_default(in);
      const at::Tensor weight = parameters_.add(name + ".weight", {p, out, in}, init);
      level.separate.emplace_back(weight, parameters_.add(name + ".bias", {p, out}, init));
    }
  }
  const auto conv_init = Parameters::torch_default(p * kKernel);
  conv_weight_ = parameters_.add("deconvolution.weight", {p, p, kKernel}, conv_init);
  conv_bias_ = parameters_.add("deconvolution.bias", {p}, conv_init);
  norm_weight_ = parameters_.add("norm.weight", {p}, Parameters::constant(1));
  norm_bias_ = parameters_.add("norm.bias", {p}, Parameters::constant(0));
  decoder_ = RecurrentDecoder(parameters_, p, spec.lstm_layers, spec.dense);
  // Running moments lie among the weights so that they are stored with them; no gradient reaches
  // them, which Adam leaves as they are.
  norm_mean_ = parameters_.add("norm.running_mean", {p}, Parameters::constant(0));
  norm_var_ = parameters_.add("norm.running_var", {p}, Parameters::constant(1));
  buffers_ = 2 * p;
  parameters_.flatten(at::kCPU);
  const std::vector<double> g =
      spec.hrf_conv == "causal" ? fixed_response(spec.rate) : released_fixed_response();
  kernel_ = at::tensor(g).to(at::kFloat);
}

at::Tensor HemoToEle::truth(const Batch& batch) const {
  return batch.x.narrow(2, batch.x.size(2) - spec_.window(), spec_.window());
}

at::Tensor HemoToEle::through(const Level& level, const at::Tensor& g) const {
  at::Tensor h = g;
  const size_t last = 2;
  if (!level.shared.empty()) {
    h = at::cat({g, embedding_.unsqueeze(0).expand({g.size(0), -1, -1})}, 2);
    for (size_t l = 0; l <= last; ++l) {
      h = level.shared[l](h);
      if (l < last) h = at::relu(h);
    }
    return h;
  }
  h = h.transpose(0, 1);  // [parcels, batch, frames]
  for (size_t l = 0; l <= last; ++l) {
    const auto& [weight, bias] = level.separate[l];
    h = at::baddbmm(bias.unsqueeze(1), h, weight.transpose(1, 2));
    if (l < last) h = at::relu(h);
  }
  return h.transpose(0, 1);
}

at::Tensor HemoToEle::predicted(const at::Tensor& g) const {
  std::vector<at::Tensor> bands;
  for (size_t b = 0; b < levels_.size(); ++b) {
    bands.push_back(
        through(levels_[b], g).reshape({g.size(0), g.size(1), spec_.frames, wavelet_.sizes()[b]}));
  }
  return at::cat(bands, 3);
}

at::Tensor HemoToEle::deconvolved(const at::Tensor& u, bool training) const {
  const at::Tensor v = at::conv_transpose1d(u, conv_weight_, conv_bias_, 1, 1);
  return at::batch_norm(at::gelu(v), norm_weight_, norm_bias_, norm_mean_.detach(),
                        norm_var_.detach(), training, kMomentum, kEpsilon, false);
}

at::Tensor HemoToEle::skip_loss(const at::Tensor& coefficients, const Batch& batch) const {
  at::Tensor wanted;
  {
    const at::NoGradGuard guard;
    const int64_t window = spec_.window();
    const at::Tensor h = kernel_.unsqueeze(0).expand({spec_.parcels, -1});
    const at::Tensor r = spec_.hrf_conv == "causal"
                             ? convolved(batch.x, h, window, 1)
                             : correlated(truth(batch), h).narrow(2, 0, window);
    wanted = analysed(wavelet_, r.reshape({r.size(0), spec_.parcels, spec_.frames, spec_.block}));
  }
  at::Tensor sum;
  int64_t first = 0;
  for (const int64_t size : wavelet_.sizes()) {
    const at::Tensor loss =
        at::mse_loss(coefficients.narrow(3, first, size), wanted.narrow(3, first, size));
    sum = sum.defined() ? sum + loss : loss;
    first += size;
  }
  return sum / double(wavelet_.sizes().size());
}

Activations HemoToEle::forward(const Batch& batch, std::optional<Dropouts> dropouts) const {
  const auto thin = [&](const at::Tensor& x, double rate) {
    return dropouts ? dropped(x, rate, dropouts->keys.next()) : x;
  };
  const bool training = dropouts && dropouts->between_lstm_layers;
  Activations a;
  a.gat1 = gat1_(batch.y, batch.target);
  a.upsampled = map_(a.gat1);
  a.gat2 = spec_.ablate == "no-upsample-gat" ? a.upsampled : gat2_(a.upsampled, batch.source);
  const at::Tensor c = predicted(a.gat2);
  a.coefficients = c.reshape({c.size(0), c.size(1), -1});
  if (batch.x.defined()) a.skip_loss = skip_loss(c, batch);
  const at::Tensor u = synthesised(wavelet_, c).reshape({c.size(0), spec_.parcels, spec_.window()});
  const at::Tensor v = deconvolved(u, training);
  if (spec_.ablate == "no-rnn") {
    a.y_hat = v;
    return a;
  }
  const RecurrentDecoder::Dropping dropping{
      [&](const at::Tensor& h) { return training ? thin(h, spec_.lstm_dropout) : h; },
      [&](const at::Tensor& h) { return thin(h, spec_.dropout); },
      [&](const at::Tensor& h) { return thin(h, spec_.output_dropout); }};
  const at::Tensor x = batch.x.defined() ? truth(batch) : at::Tensor();
  a.hidden = decoder_.hidden(
      decoder_inputs(batch.true_first_frame ? x.select(2, 0) : at::Tensor(), v, x, batch.teacher),
      dropping);
  a.y_hat = decoder_.output(a.hidden, dropping);
  return a;
}

at::Tensor HemoToEle::sampled(const Batch& batch, int64_t count, uint64_t seed) const {
  std::vector<at::Tensor> all;
  for (int64_t i = 0; i < count; ++i)
    all.push_back(forward(batch, Dropouts{DropoutKeys(seed, uint64_t(i)), false}).y_hat);
  return at::stack(all);
}

GraphWeights HemoToEle::graph_weights(const Activations& pass, const Batch& batch,
                                      int64_t sample) const {
  const auto b = size_t(sample);
  GraphWeights weights;
  weights.hemo = gat1_.edge_weights(batch.y[sample], batch.target[b]);
  if (spec_.ablate != "no-upsample-gat")
    weights.ele = gat2_.edge_weights(pass.upsampled[sample], batch.source[b]);
  return weights;
}

}  // namespace tenfold::samba_align
