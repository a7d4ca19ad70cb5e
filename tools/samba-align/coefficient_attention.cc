#include "tools/samba-align/coefficient_attention.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/full.h>
#include <ATen/ops/full_like.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/softmax.h>
#include <ATen/ops/stack.h>
#include <fmt/format.h>

namespace tenfold::samba_align {
namespace {

constexpr int64_t kBandWidth = 256;  // of a band's representation

}  // namespace

CoefficientAttention::CoefficientAttention(train::Parameters& parameters, const ModelSpec& spec,
                                           int64_t coefficients)
    : learned_(spec.ablate != "no-wavelet-attention"),
      scale_(spec.scale_alpha ? double(coefficients) : 1),
      coefficients_(coefficients) {
  query_ = parameters.add(
      "wavelet_attentions", {1, coefficients},
      [](const Stream& s, float* out, int64_t count) { s.fill_normal(out, count, 0, 1); });
  const int64_t hidden = spec.attention_hidden,
                widths[] = {coefficients, hidden, hidden, coefficients};
  for (int64_t l = 0; l < 3; ++l) {
    attention_[l] = train::Linear(parameters, fmt::format("attention_embedding.layer{}", l + 1),
                                  widths[l], widths[l + 1]);
  }
  if (spec.coef_mlp == 0) return;
  const int64_t wide = spec.mlp_hidden, mixed[] = {coefficients, wide, wide, spec.coef_mlp};
  for (int64_t l = 0; l < 3; ++l) {
    mixing_.emplace_back(parameters, fmt::format("coefficient_mlp.layer{}", l + 1), mixed[l],
                         mixed[l + 1]);
  }
}

int64_t CoefficientAttention::features(const ModelSpec& spec, int64_t coefficients) {
  return spec.frames * (spec.coef_mlp > 0 ? spec.coef_mlp : coefficients);
}

at::Tensor CoefficientAttention::alpha() const {
  if (!learned_) return at::full({coefficients_}, scale_ / double(coefficients_), query_.options());
  const at::Tensor scores = attention_[2](at::relu(attention_[1](at::relu(attention_[0](query_)))));
  return at::softmax(scores[0], 0) * scale_;
}

at::Tensor CoefficientAttention::operator()(const at::Tensor& coefficients) const {
  at::Tensor weighed = coefficients * alpha();
  for (size_t l = 0; l < mixing_.size(); ++l) {
    weighed = mixing_[l](weighed);
    if (l + 1 < mixing_.size()) weighed = at::relu(weighed);
  }
  return weighed.reshape({weighed.size(0), weighed.size(1), -1});
}

BandAttention::BandAttention(train::Parameters& parameters, const ModelSpec& spec,
                             const Wavelet& wavelet)
    : learned_(spec.ablate != "no-wavelet-attention"), sizes_(wavelet.sizes()) {
  for (size_t b = 0; b < sizes_.size(); ++b) {
    bands_.emplace_back(parameters, fmt::format("band_embedding.band{}", b + 1), sizes_[b],
                        kBandWidth);
  }
  score_ = train::Linear(parameters, "band_score", kBandWidth, 1);
  const int64_t wide = spec.mlp_hidden, widths[] = {kBandWidth, wide, wide, spec.frames};
  for (int64_t l = 0; l < 3; ++l) {
    mixing_[l] =
        train::Linear(parameters, fmt::format("band_mlp.layer{}", l + 1), widths[l], widths[l + 1]);
  }
}

BandAttention::Output BandAttention::operator()(const at::Tensor& coefficients) const {
  std::vector<at::Tensor> bands;
  int64_t first = 0;
  for (size_t b = 0; b < sizes_.size(); ++b) {
    bands.push_back(bands_[b](coefficients.narrow(2, first, sizes_[b])));
    first += sizes_[b];
  }
  const at::Tensor z = at::stack(bands, 2);  // [batch, parcels, bands, width]
  const at::Tensor scores = score_(z);
  Output out;
  const at::Tensor share =
      learned_ ? at::softmax(scores, 2) : at::full_like(scores, 1.0 / double(sizes_.size()));
  out.share = share.squeeze(3);
  const at::Tensor u = (share * z).sum(2);
  out.features = mixing_[2](at::relu(mixing_[1](at::relu(mixing_[0](u)))));
  return out;
}

}  // namespace tenfold::samba_align
