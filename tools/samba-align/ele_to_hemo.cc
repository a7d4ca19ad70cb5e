#include "tools/samba-align/ele_to_hemo.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/elu.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "tools/samba-align/graph_layer.h"
#include "tools/samba-align/hrf_convolution.h"
#include "tools/samba-align/low_rate_convolution.h"
#include "tools/samba-align/wavelet_transform.h"

namespace tenfold::samba_align {
namespace {

constexpr int64_t kFirstVersionSamples = 2000;

int64_t wavelet_length(const ModelSpec& spec) {
  if (spec.variant != "v1") return spec.block;
  const int64_t stride = first_version_stride(spec.window());
  return (spec.window() + stride - 1) / stride;
}

// Every graph `times` times: sample b's at b * times ..
std::vector<GraphPtr> repeated(const std::vector<GraphPtr>& graphs, int64_t times) {
  std::vector<GraphPtr> all;
  for (const GraphPtr& g : graphs) all.insert(all.end(), size_t(times), g);
  return all;
}

}  // namespace

int64_t first_version_stride(int64_t window) {
  return std::max<int64_t>(1, window / kFirstVersionSamples);
}

EleToHemo::EleToHemo(const ModelSpec& spec, uint64_t seed)
    : Model(spec, wavelet_length(spec), seed) {
  const int64_t n = wavelet_.coefficients(), frames = spec.frames;
  const bool first = spec.variant == "v1";
  const GraphKind kind = spec.ablate == "gcn" ? GraphKind::kConvolution : GraphKind::kAttention;
  if (spec.ablate != "no-hrf") hrf_ = HrfBank(parameters_, spec.hrf, spec.parcels);
  if (first) {
    band_attention_ = BandAttention(parameters_, spec, wavelet_);
  } else {
    attention_ = CoefficientAttention(parameters_, spec, n);
  }
  const int64_t features = first ? frames : CoefficientAttention::features(spec, n);
  gat1_ = GraphBlock(parameters_, "gat_layer1", features, frames, spec.heads, kind);
  const int64_t second = first ? 1 : frames;
  gat2_ = GraphBlock(parameters_, "gat_layer2", second, second, spec.heads, kind);
  upsample_ = PatchMap(parameters_, spec.patches, spec.parcels, spec.targets);
  decoder_ = RecurrentDecoder(parameters_, spec.targets, spec.lstm_layers, spec.dense);
  if (spec.linear_skip) {
    skip_ = parameters_.add("skip.weight", {spec.targets, spec.parcels},
                            train::Parameters::constant(0));
  }
  parameters_.flatten(at::kCPU);
}

at::Tensor EleToHemo::hrf_values() const {
  if (spec_.ablate == "no-hrf") return {};
  if (spec_.train_hrf) return hrf_.values();
  const at::NoGradGuard guard;
  return hrf_.values();
}

at::Tensor EleToHemo::alpha() const {
  return spec_.variant == "v1" ? at::Tensor() : attention_.alpha();
}

at::Tensor EleToHemo::filtered(const at::Tensor& x) const {
  const int64_t window = spec_.window();
  const at::Tensor values = hrf_values();
  if (!values.defined()) return x.narrow(2, x.size(2) - window, window);
  const int64_t factor = spec_.hrf_factor();
  const double rate = spec_.rate / double(factor);
  const at::Tensor h = double_gamma(values, rate, int64_t(spec_.hrf.seconds * rate));
  if (spec_.hrf_conv == "causal")
    return convolved_at_low_rate(x, h, factor, window, 1 / spec_.rate);
  return correlated(x, h).narrow(2, 0, window);
}

Activations EleToHemo::encoded(const Batch& batch) const {
  Activations a;
  const int64_t samples = batch.x.size(0);
  a.responses = filtered(batch.x);
  if (spec_.variant == "v1") {
    const int64_t stride = first_version_stride(spec_.window());
    const at::Tensor thinned =
        stride == 1 ? a.responses : a.responses.slice(2, 0, spec_.window(), stride);
    const BandAttention::Output out = band_attention_(analysed(wavelet_, thinned));
    a.bands = out.features;
    a.band_share = out.share;
    return a;
  }
  const at::Tensor blocks =
      a.responses.reshape({samples, spec_.parcels, spec_.frames, spec_.block});
  a.bands = attention_(analysed(wavelet_, blocks));
  return a;
}

void EleToHemo::translate(const Batch& batch, std::optional<Dropouts> dropouts,
                          double input_dropout, Activations& a) const {
  const auto thin = [&](const at::Tensor& x, double rate) {
    return dropouts ? dropped(x, rate, dropouts->keys.next()) : x;
  };
  const bool first = spec_.variant == "v1";
  a.gat1 = gat1_(input_dropout > 0 ? thin(a.bands, input_dropout) : a.bands, batch.source);
  const at::Tensor active = at::elu(a.gat1);
  a.upsampled = upsample_(first ? active : thin(active, spec_.graph_dropout));
  const bool mixed = !first && spec_.ablate != "no-upsample-gat";
  a.gat2 = mixed ? gat2_(a.upsampled, batch.target) : a.upsampled;
  if (spec_.ablate == "no-rnn") {
    a.y_hat = a.gat2;
  } else {
    at::Tensor inputs = decoder_inputs(batch.true_first_frame ? batch.y.select(2, 0) : at::Tensor(),
                                       a.gat2, batch.y, batch.teacher);
    if (first && spec_.ablate != "no-upsample-gat") {
      // Of every input but the first one, [batch * (frames - 1), targets, 1].
      const int64_t later = spec_.frames - 1, samples = inputs.size(1), q = spec_.targets;
      const at::Tensor nodes = inputs.narrow(0, 1, later).transpose(0, 1).reshape({-1, q, 1});
      const at::Tensor heard = gat2_(nodes, repeated(batch.target, later));
      inputs =
          at::cat({inputs.narrow(0, 0, 1), heard.reshape({samples, later, q}).transpose(0, 1)});
    }
    const RecurrentDecoder::Dropping dropping{
        [&](const at::Tensor& x) {
          return dropouts && dropouts->between_lstm_layers ? thin(x, spec_.lstm_dropout) : x;
        },
        [&](const at::Tensor& x) { return thin(x, spec_.dropout); },
        [&](const at::Tensor& x) { return thin(x, spec_.output_dropout); }};
    a.hidden = decoder_.hidden(inputs, dropping);
    a.y_hat = decoder_.output(a.hidden, dropping);
  }
  if (!spec_.linear_skip) return;
  // The filtered series at every frame's last sample.
  const at::Tensor read = a.responses.slice(2, spec_.block - 1, spec_.window(), spec_.block);
  a.y_hat = a.y_hat + at::matmul(skip_, read);
}

Activations EleToHemo::forward(const Batch& batch, std::optional<Dropouts> dropouts) const {
  Activations a = encoded(batch);
  translate(batch, std::move(dropouts), 0, a);
  return a;
}

at::Tensor EleToHemo::sampled(const Batch& batch, int64_t count, uint64_t seed) const {
  Activations a = encoded(batch);
  std::vector<at::Tensor> all;
  for (int64_t i = 0; i < count; ++i) {
    translate(batch, Dropouts{DropoutKeys(seed, uint64_t(i)), false}, spec_.graph_dropout, a);
    all.push_back(a.y_hat);
  }
  return at::stack(all);
}

GraphWeights EleToHemo::graph_weights(const Activations& pass, const Batch& batch,
                                      int64_t sample) const {
  const auto b = size_t(sample);
  GraphWeights weights;
  weights.ele = gat1_.edge_weights(pass.bands[sample], batch.source[b]);
  if (spec_.variant != "v1" && spec_.ablate != "no-upsample-gat")
    weights.hemo = gat2_.edge_weights(pass.upsampled[sample], batch.target[b]);
  return weights;
}

}  // namespace tenfold::samba_align
