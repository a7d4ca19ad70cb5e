// SAMBA from fMRI to electrophysiology (specification, section 3.8).
#pragma once

#include "tools/samba-align/graph_block.h"
#include "tools/samba-align/model.h"
#include "tools/samba-align/patch_map.h"
#include "tools/samba-align/recurrent_decoder.h"

namespace tenfold::samba_align {

class HemoToEle : public Model {
 public:
  HemoToEle(const ModelSpec& spec, uint64_t seed);

  Activations forward(const Batch& batch, std::optional<Dropouts> dropouts) const override;
  at::Tensor truth(const Batch& batch) const override;
  at::Tensor sampled(const Batch& batch, int64_t count, uint64_t seed) const override;
  GraphWeights graph_weights(const Activations& pass, const Batch& batch,
                             int64_t sample) const override;
  int64_t series() const override { return spec_.parcels; }
  int64_t times() const override { return spec_.window(); }

 private:
  struct Level {
    std::vector<train::Linear> shared;
    std::vector<std::pair<at::Tensor, at::Tensor>> separate;  // [parcels, out, in], [parcels, out]
  };

  // g [batch, parcels, frames] -> predicted wavelets [batch, parcels, frames, coefficients]
  at::Tensor predicted(const at::Tensor& g) const;
  at::Tensor through(const Level& level, const at::Tensor& g) const;
  // u [batch, parcels, window] -> the decoder's inputs; `training`: by the batch's own moments.
  at::Tensor deconvolved(const at::Tensor& u, bool training) const;
  at::Tensor skip_loss(const at::Tensor& coefficients, const Batch& batch) const;

  GraphBlock gat1_, gat2_;
  PatchMap map_;
  at::Tensor embedding_;  // [parcels, 16], with shared networks
  std::vector<Level> levels_;
  at::Tensor conv_weight_, conv_bias_;                         // [parcels, parcels, 3], [parcels]
  at::Tensor norm_weight_, norm_bias_, norm_mean_, norm_var_;  // [parcels]
  RecurrentDecoder decoder_;
  at::Tensor kernel_;  // [taps]: the fixed response of the skip loss
};

// The fixed response: a Glover double gamma whose samples sum to 1. At `rate`, 32 s of it; or the
// released code's 2,999 points at 94 a second.
std::vector<double> fixed_response(double rate);
std::vector<double> released_fixed_response();

}  // namespace tenfold::samba_align
