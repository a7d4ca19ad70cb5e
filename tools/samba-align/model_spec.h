// Sizes of SAMBA in both directions (specification, sections 3.1 to 3.8).
#pragma once

#include <cstdint>
#include <string>

#include "tools/samba-align/hrf_spec.h"

namespace tenfold::samba_align {

struct ModelSpec {
  // What the recordings say.
  int64_t parcels = 200, targets = 500;  // of the electrophysiology, of the fMRI
  int64_t block = 400;                   // samples a frame
  double rate = 200;                     // samples a second

  std::string direction = "ele2hemo";  // or hemo2ele
  int64_t frames = 15;                 // of a window, and features of a graph layer
  int64_t context_frames = 15;         // before a window, electrophysiology alone
  HrfSpec hrf;
  std::string hrf_conv = "causal";  // or reference: the released code's correlation
  double hrf_rate = 0;  // > 0: causal convolutions at this rate (Hz), a whole part of the samples'
  bool train_hrf = true;
  std::string variant = "v3";  // or v1: the first version's attention and decoder
  int64_t levels = 3;
  bool scale_alpha = true;  // attention of mean 1
  int64_t attention_hidden = 128;
  int64_t coef_mlp = 0;       // > 0: features that a network makes of a frame's coefficients
  int64_t mlp_hidden = 1024;  // of that network, of the first version's, and of hemo2ele's
  std::string hemo_to_ele_mlp = "shared";  // or separate: a network a parcel
  bool linear_skip = false;  // ours: a linear map of the filtered series beside the decoder
  int64_t heads = 4;
  int64_t patches = 20;
  int64_t lstm_layers = 2, dense = 128;
  double graph_dropout = 0.6, dropout = 0.3, output_dropout = 0.3, lstm_dropout = 0.3;
  std::string ablate = "none";

  int64_t window() const { return frames * block; }
  // Samples of the recording to one of the convolution.
  int64_t hrf_factor() const { return hrf_rate > 0 ? int64_t(rate / hrf_rate + 0.5) : 1; }
  int64_t context() const { return hrf_conv == "causal" ? context_frames * block : 0; }
};

// Throws UsageError that names the options that do not fit each other.
void check(const ModelSpec& spec);

}  // namespace tenfold::samba_align
