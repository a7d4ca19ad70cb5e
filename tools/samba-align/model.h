// SAMBA from electrophysiology to fMRI (arXiv 2409.18462; specification, sections 3.1 to 3.6).
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>
#include <vector>

#include "common/train/parameters.h"
#include "tools/samba-align/dropout.h"
#include "tools/samba-align/graph.h"
#include "tools/samba-align/hrf_bank.h"
#include "tools/samba-align/model_spec.h"
#include "tools/samba-align/wavelet.h"

namespace tenfold::samba_align {

// Windows of one batch.
struct Batch {
  at::Tensor x;                          // [batch, parcels, context + window], normalised
  at::Tensor y;                          // [batch, targets, frames]
  std::vector<GraphPtr> source, target;  // of every sample's subject
  at::Tensor teacher;                    // [batch, frames - 1] bool: feed y; undefined: never
  bool true_first_frame = false;         // the decoder begins with y's first frame, else with zero
};

// What a pass makes on its way.
struct Activations {
  at::Tensor responses;  // [batch, parcels, window]: filtered with the haemodynamic responses
  at::Tensor bands;      // [batch, parcels, frames * coefficients]: weighted wavelets
  at::Tensor gat1;       // [batch, parcels, frames], before ELU
  at::Tensor upsampled;  // [batch, targets, frames]
  at::Tensor gat2;       // [batch, targets, frames]
  at::Tensor hidden;     // [frames, batch, targets]: the last LSTM layer
  at::Tensor y_hat;      // [batch, targets, frames]
};

// Which dropouts are at work.
struct Dropouts {
  DropoutKeys keys;
  bool between_lstm_layers = true;  // in training alone
};

class Model {
 public:
  // Throws UsageError for sizes that do not fit each other.
  Model(const ModelSpec& spec, uint64_t seed);

  Activations forward(const Batch& batch, std::optional<Dropouts> dropouts) const;

  // [parcels, 6] of the haemodynamic responses; undefined where the model has none.
  at::Tensor hrf_values() const;
  // Weight of every wavelet coefficient, [coefficients], as it multiplies (scaled where asked).
  at::Tensor alpha() const;
  // Attention of the graph of targets in a pass's sample `b`, [edges, heads].
  at::Tensor target_attention(const Activations& pass, const Batch& batch, int64_t b) const;

  const ModelSpec& spec() const { return spec_; }
  const Wavelet& wavelet() const { return wavelet_; }
  const train::Parameters& parameters() const { return parameters_; }

 private:
  struct GraphLayer {
    at::Tensor left, right, attn;  // [heads * features, in], the same, [1, features]
  };
  struct LstmLayer {
    at::Tensor input, recurrent, input_bias, recurrent_bias;
  };

  GraphLayer add_graph_layer(const std::string& name, int64_t in);
  at::Tensor filtered(const at::Tensor& x) const;
  at::Tensor attended(const GraphLayer& layer, const at::Tensor& nodes,
                      const std::vector<GraphPtr>& graphs) const;
  at::Tensor upsampled(const at::Tensor& nodes) const;
  at::Tensor decoder_inputs(const at::Tensor& graph_output, const Batch& batch) const;

  ModelSpec spec_;
  Wavelet wavelet_;
  train::Parameters parameters_;
  HrfBank hrf_;
  at::Tensor query_;
  train::Linear attention_[3];
  GraphLayer gat1_, gat2_;
  at::Tensor patch_weight_, patch_bias_;  // [patches, out, in], [patches, out]
  at::Tensor h0_, c0_;                    // [layers, 1, targets]
  std::vector<LstmLayer> lstm_;
  train::Linear dense_, output_;
};

// Mean over batch and targets of 1 - cosine over time (section 4), [batch, targets, time].
at::Tensor cosine_loss(const at::Tensor& y_hat, const at::Tensor& y);

}  // namespace tenfold::samba_align
