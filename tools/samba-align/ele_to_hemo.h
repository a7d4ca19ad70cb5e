// SAMBA from electrophysiology to fMRI (specification, sections 3.1 to 3.6).
#pragma once

#include "tools/samba-align/coefficient_attention.h"
#include "tools/samba-align/graph_block.h"
#include "tools/samba-align/hrf_bank.h"
#include "tools/samba-align/model.h"
#include "tools/samba-align/patch_map.h"
#include "tools/samba-align/recurrent_decoder.h"

namespace tenfold::samba_align {

class EleToHemo : public Model {
 public:
  EleToHemo(const ModelSpec& spec, uint64_t seed);

  Activations forward(const Batch& batch, std::optional<Dropouts> dropouts) const override;
  at::Tensor truth(const Batch& batch) const override { return batch.y; }
  at::Tensor sampled(const Batch& batch, int64_t count, uint64_t seed) const override;
  at::Tensor hrf_values() const override;
  at::Tensor alpha() const override;
  int64_t series() const override { return spec_.targets; }
  int64_t times() const override { return spec_.frames; }
  GraphWeights graph_weights(const Activations& pass, const Batch& batch,
                             int64_t sample) const override;

 private:
  at::Tensor filtered(const at::Tensor& x) const;
  // responses, bands and band_share.
  Activations encoded(const Batch& batch) const;
  // The rest; `input_dropout`: of what the first graph layer is given.
  void translate(const Batch& batch, std::optional<Dropouts> dropouts, double input_dropout,
                 Activations& a) const;

  HrfBank hrf_;
  CoefficientAttention attention_;
  BandAttention band_attention_;
  GraphBlock gat1_, gat2_;  // of the first version the second one mixes the decoder's inputs
  PatchMap upsample_;
  RecurrentDecoder decoder_;
  at::Tensor skip_;  // [targets, parcels], with linear_skip
};

// Every s-th sample, s = floor(window / 2000) (the first version's; section 3.3).
int64_t first_version_stride(int64_t window);

}  // namespace tenfold::samba_align
