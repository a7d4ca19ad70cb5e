// What the wavelet coefficients of the filtered series become before the first graph layer: weighed
// by one vector of attention for all parcels and frames (the released code), or summed over bands
// by attention of every sample and parcel (its first version); specification, section 3.3.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "common/train/parameters.h"
#include "tools/samba-align/model_spec.h"
#include "tools/samba-align/wavelet.h"

namespace tenfold::samba_align {

class CoefficientAttention {
 public:
  CoefficientAttention() = default;
  CoefficientAttention(train::Parameters& parameters, const ModelSpec& spec, int64_t coefficients);

  // [coefficients]
  at::Tensor alpha() const;
  // coefficients [batch, parcels, frames, coefficients] -> [batch, parcels, features]
  at::Tensor operator()(const at::Tensor& coefficients) const;

  static int64_t features(const ModelSpec& spec, int64_t coefficients);

 private:
  bool learned_ = true;
  double scale_ = 1;
  int64_t coefficients_ = 0;
  at::Tensor query_;                   // [1, coefficients]
  train::Linear attention_[3];         // of the query
  std::vector<train::Linear> mixing_;  // --coef-mlp: of a frame's weighed coefficients
};

class BandAttention {
 public:
  BandAttention() = default;
  BandAttention(train::Parameters& parameters, const ModelSpec& spec, const Wavelet& wavelet);

  struct Output {
    at::Tensor features;  // [batch, parcels, frames]
    at::Tensor share;     // [batch, parcels, bands], sums to 1
  };
  // coefficients [batch, parcels, coefficients] of the whole window.
  Output operator()(const at::Tensor& coefficients) const;

 private:
  bool learned_ = true;
  std::vector<int64_t> sizes_;
  std::vector<train::Linear> bands_;
  train::Linear score_, mixing_[3];
};

}  // namespace tenfold::samba_align
