// What a learner is made of, as numbers and names (specification, section 3).
#pragma once

#include <cstdint>
#include <string>

namespace tenfold::prequential_icl {

// transformer, mamba1, mamba2: a bottleneck z_c between context and prediction. two-stream,
// interleaved, decoder: none.
struct ModelSpec {
  std::string arch = "transformer", predictor = "mlp-concat", positions = "none";
  int64_t x_dim = 1, y_dim = 1;  // of a point as the network reads it (one-hot for symbols)
  int64_t query_dim = 1;         // of what the predictor is asked about; x_dim but for HMMs
  int64_t h_dim = 256, n_layers = 4, n_heads = 4, z_dim = 128;
  int64_t pred_h_dim = 256, pred_layers = 5;
  bool tie_hidden = true;  // the hidden layers of mlp-concat are one
  int64_t mamba_head_dim = 64;
  bool final_residual = false;  // add Mamba's last residual before the projection

  bool has_bottleneck() const {
    return arch == "transformer" || arch == "mamba1" || arch == "mamba2";
  }
};

}  // namespace tenfold::prequential_icl
