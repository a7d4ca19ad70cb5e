#include "tools/samba-align/model.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cosine_similarity.h>
#include <ATen/ops/elu.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/lstm.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/ones.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>

#include "common/core/error.h"
#include "tools/samba-align/graph_layer.h"
#include "tools/samba-align/hrf_convolution.h"
#include "tools/samba-align/wavelet_transform.h"

namespace tenfold::samba_align {
namespace {

void fill_normal(const Stream& stream, float* out, int64_t count) {
  stream.fill_normal(out, count, 0, 1);
}

}  // namespace

void check(const ModelSpec& spec) {
  if (spec.parcels % spec.patches != 0 || spec.targets % spec.patches != 0) {
    std::string common;
    for (int64_t d = 1; d <= std::min(spec.parcels, spec.targets); ++d)
      if (spec.parcels % d == 0 && spec.targets % d == 0)
        common += fmt::format("{}{}", common.empty() ? "" : ", ", d);
    throw UsageError(
        fmt::format("--patches: found {} for {} and {} parcels, expected a number that divides "
                    "both: {}",
                    spec.patches, spec.parcels, spec.targets, common));
  }
}

Model::Model(const ModelSpec& spec, uint64_t seed)
    : spec_(spec), wavelet_(spec.block, spec.levels), parameters_(seed) {
  check(spec);
  using train::Parameters;
  const int64_t n = wavelet_.coefficients(), q = spec.targets;
  if (spec.ablate != "no-hrf") hrf_ = HrfBank(parameters_, spec.hrf, spec.parcels);
  query_ = parameters_.add("wavelet_attentions", {1, n}, fill_normal);
  const int64_t hidden = spec.attention_hidden, widths[] = {n, hidden, hidden, n};
  for (int64_t l = 0; l < 3; ++l) {
    attention_[l] = train::Linear(parameters_, fmt::format("attention_embedding.layer{}", l + 1),
                                  widths[l], widths[l + 1]);
  }
  gat1_ = add_graph_layer("gat_layer1", spec.frames * n);
  gat2_ = add_graph_layer("gat_layer2", spec.frames);
  const int64_t in = spec.parcels / spec.patches, out = q / spec.patches;
  const auto patch_init = Parameters::torch_default(in);
  patch_weight_ = parameters_.add("mapper.weight", {spec.patches, out, in}, patch_init);
  patch_bias_ = parameters_.add("mapper.bias", {spec.patches, out}, patch_init);
  h0_ = parameters_.add("h0", {spec.lstm_layers, 1, q}, Parameters::constant(0));
  c0_ = parameters_.add("c0", {spec.lstm_layers, 1, q}, Parameters::constant(0));
  const auto lstm_init = Parameters::torch_default(q);
  for (int64_t l = 0; l < spec.lstm_layers; ++l) {
    const auto add = [&](const char* name, const std::vector<int64_t>& shape) {
      return parameters_.add(fmt::format("rnn.{}_l{}", name, l), shape, lstm_init);
    };
    LstmLayer layer;
    layer.input = add("weight_ih", {4 * q, q});
    layer.recurrent = add("weight_hh", {4 * q, q});
    layer.input_bias = add("bias_ih", {4 * q});
    layer.recurrent_bias = add("bias_hh", {4 * q});
    lstm_.push_back(layer);
  }
  dense_ = train::Linear(parameters_, "output_layer1", q, spec.dense);
  output_ = train::Linear(parameters_, "output_layer2", spec.dense, q);
  parameters_.flatten(at::kCPU);
}

Model::GraphLayer Model::add_graph_layer(const std::string& name, int64_t in) {
  const int64_t wide = spec_.heads * spec_.frames;
  const auto init = train::Parameters::torch_default(in);
  GraphLayer layer;
  layer.left = parameters_.add(name + ".linear_l.weight", {wide, in}, init);
  layer.right = parameters_.add(name + ".linear_r.weight", {wide, in}, init);
  layer.attn = parameters_.add(name + ".attn.weight", {1, spec_.frames},
                               train::Parameters::torch_default(spec_.frames));
  return layer;
}

at::Tensor Model::hrf_values() const {
  if (spec_.ablate == "no-hrf") return {};
  if (spec_.train_hrf) return hrf_.values();
  const at::NoGradGuard guard;
  return hrf_.values();
}

at::Tensor Model::alpha() const {
  const double scale = spec_.scale_alpha ? double(wavelet_.coefficients()) : 1;
  if (spec_.ablate == "no-wavelet-attention") {
    const int64_t n = wavelet_.coefficients();
    return at::ones({n}, query_.options()) * (scale / double(n));
  }
  const at::Tensor scores = attention_[2](at::relu(attention_[1](at::relu(attention_[0](query_)))));
  return at::softmax(scores[0], 0) * scale;
}

at::Tensor Model::filtered(const at::Tensor& x) const {
  const int64_t window = spec_.window();
  const at::Tensor values = hrf_values();
  if (!values.defined()) return x.narrow(2, x.size(2) - window, window);
  const auto taps = int64_t(spec_.hrf.seconds * spec_.rate);
  const at::Tensor h = double_gamma(values, spec_.rate, taps);
  if (spec_.hrf_conv == "causal") return convolved(x, h, window, 1 / spec_.rate);
  return correlated(x, h).narrow(2, 0, window);
}

at::Tensor Model::attended(const GraphLayer& layer, const at::Tensor& nodes,
                           const std::vector<GraphPtr>& graphs) const {
  return graph_attention(at::linear(nodes, layer.left), at::linear(nodes, layer.right),
                         layer.attn.view(-1), graphs);
}

at::Tensor Model::upsampled(const at::Tensor& nodes) const {
  const int64_t batch = nodes.size(0), in = spec_.parcels / spec_.patches;
  const at::Tensor groups = nodes.reshape({batch, spec_.patches, in, spec_.frames});
  const at::Tensor up = at::matmul(patch_weight_, groups) + patch_bias_.unsqueeze(2);
  return up.reshape({batch, spec_.targets, spec_.frames});
}

at::Tensor Model::decoder_inputs(const at::Tensor& graph_output, const Batch& batch) const {
  const int64_t before = spec_.frames - 1;
  at::Tensor next = graph_output.narrow(2, 0, before);
  if (batch.teacher.defined())
    next = at::where(batch.teacher.unsqueeze(1), batch.y.narrow(2, 0, before), next);
  const at::Tensor first = batch.true_first_frame
                               ? batch.y.narrow(2, 0, 1)
                               : at::zeros({next.size(0), spec_.targets, 1}, next.options());
  return at::cat({first, next}, 2).permute({2, 0, 1}).contiguous();
}

Activations Model::forward(const Batch& batch, std::optional<Dropouts> dropouts) const {
  const auto thin = [&](const at::Tensor& x, double rate) {
    return dropouts ? dropped(x, rate, dropouts->keys.next()) : x;
  };
  Activations a;
  const int64_t samples = batch.x.size(0), frames = spec_.frames;
  a.responses = filtered(batch.x);
  const at::Tensor blocks = a.responses.reshape({samples, spec_.parcels, frames, spec_.block});
  a.bands = (analysed(wavelet_, blocks) * alpha()).reshape({samples, spec_.parcels, -1});
  a.gat1 = attended(gat1_, a.bands, batch.source);
  a.upsampled = upsampled(thin(at::elu(a.gat1), spec_.graph_dropout));
  a.gat2 =
      spec_.ablate == "no-upsample-gat" ? a.upsampled : attended(gat2_, a.upsampled, batch.target);
  if (spec_.ablate == "no-rnn") {
    a.y_hat = a.gat2;
    return a;
  }
  at::Tensor state = decoder_inputs(a.gat2, batch);
  for (size_t l = 0; l < lstm_.size(); ++l) {
    const LstmLayer& w = lstm_[l];
    const auto from = [&](const at::Tensor& learned) {
      return learned.narrow(0, int64_t(l), 1).expand({1, samples, spec_.targets}).contiguous();
    };
    if (l > 0 && dropouts && dropouts->between_lstm_layers)
      state = dropped(state, spec_.lstm_dropout, dropouts->keys.next());
    state = std::get<0>(at::lstm(state, {from(h0_), from(c0_)},
                                 {w.input, w.recurrent, w.input_bias, w.recurrent_bias}, true, 1,
                                 0.0, false, false, false));
  }
  a.hidden = state;
  const at::Tensor inner = thin(at::relu(dense_(state)), spec_.dropout);
  a.y_hat = thin(output_(inner), spec_.output_dropout).permute({1, 2, 0});
  return a;
}

at::Tensor Model::target_attention(const Activations& pass, const Batch& batch, int64_t b) const {
  const at::Tensor nodes = pass.upsampled[b];
  return graph_attention_weights(at::linear(nodes, gat2_.left), at::linear(nodes, gat2_.right),
                                 gat2_.attn.view(-1), batch.target[size_t(b)]);
}

at::Tensor cosine_loss(const at::Tensor& y_hat, const at::Tensor& y) {
  return 1 - at::cosine_similarity(y_hat, y, 2, 1e-8).mean();
}

}  // namespace tenfold::samba_align
