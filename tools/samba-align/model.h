// SAMBA (arXiv 2409.18462): what both directions of translation share.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <optional>
#include <vector>

#include "common/train/parameters.h"
#include "tools/samba-align/dropout.h"
#include "tools/samba-align/graph.h"
#include "tools/samba-align/model_spec.h"
#include "tools/samba-align/wavelet.h"

namespace tenfold::samba_align {

// Windows of one batch.
struct Batch {
  // Normalised. What is translated into may be undefined where the decoder is not given any of it.
  at::Tensor x;                          // [batch, parcels, context + window]
  at::Tensor y;                          // [batch, targets, frames]
  std::vector<GraphPtr> source, target;  // of every sample's subjects: x's parcels, y's
  at::Tensor teacher;                    // [batch, time - 1] bool: feed the truth; undefined: never
  bool true_first_frame = false;         // the decoder begins with the truth's, else with zero
};

// What a pass makes on its way. From electrophysiology to fMRI; in the other direction gat1 is
// [batch, targets, frames], upsampled and gat2 [batch, parcels, frames].
struct Activations {
  at::Tensor responses;   // [batch, parcels, window]: filtered with the haemodynamic responses
  at::Tensor bands;       // [batch, parcels, features]: what the first graph layer is given
  at::Tensor band_share;  // [batch, parcels, bands]: attention of the first version
  at::Tensor gat1;        // [batch, parcels, frames], before ELU
  at::Tensor upsampled;   // [batch, targets, frames]
  at::Tensor gat2;        // [batch, targets, frames]: what the decoder is given
  at::Tensor
      coefficients;      // [batch, parcels, frames * coefficients]: predicted wavelets (hemo2ele)
  at::Tensor hidden;     // [time, batch, series]: the last LSTM layer
  at::Tensor y_hat;      // [batch, series, time]
  at::Tensor skip_loss;  // scalar: of the predicted wavelets (hemo2ele)
};

// How much every node hears of its neighbours in the graph layers, [edges, heads]; undefined where
// a model has no such layer, or none before its decoder.
struct GraphWeights {
  at::Tensor ele, hemo;  // of the electrophysiology's parcels, of the fMRI's
};

// Which dropouts are at work.
struct Dropouts {
  DropoutKeys keys;
  bool between_lstm_layers = true;  // in training alone
};

class Model {
 public:
  virtual ~Model() = default;

  virtual Activations forward(const Batch& batch, std::optional<Dropouts> dropouts) const = 0;
  // What y_hat should be, [batch, series, time].
  virtual at::Tensor truth(const Batch& batch) const = 0;
  // y_hat of `count` passes under dropout, [count, batch, series, time] (section 3.6, MC mode).
  virtual at::Tensor sampled(const Batch& batch, int64_t count, uint64_t seed) const = 0;
  // Of a pass's sample.
  virtual GraphWeights graph_weights(const Activations& pass, const Batch& batch,
                                     int64_t sample) const = 0;

  // [parcels, 6] of the haemodynamic responses; undefined where the model has none.
  virtual at::Tensor hrf_values() const { return {}; }
  // Weight of every wavelet coefficient, [coefficients], as it multiplies (scaled where asked);
  // undefined where attention is not one vector for all.
  virtual at::Tensor alpha() const { return {}; }

  // Series that are translated into, and their times in a window.
  virtual int64_t series() const = 0;
  virtual int64_t times() const = 0;

  const ModelSpec& spec() const { return spec_; }
  const Wavelet& wavelet() const { return wavelet_; }
  const train::Parameters& parameters() const { return parameters_; }
  int64_t buffers() const { return buffers_; }  // entries of parameters() that do not learn

 protected:
  // Throws UsageError for sizes that do not fit each other.
  Model(const ModelSpec& spec, int64_t wavelet_length, uint64_t seed);

  ModelSpec spec_;
  Wavelet wavelet_;
  train::Parameters parameters_;
  int64_t buffers_ = 0;
};

// Of the spec's direction.
std::unique_ptr<Model> make_model(const ModelSpec& spec, uint64_t seed);

// Mean over batch and series of 1 - cosine over time (section 4), [batch, series, time].
at::Tensor cosine_loss(const at::Tensor& y_hat, const at::Tensor& y);

}  // namespace tenfold::samba_align
