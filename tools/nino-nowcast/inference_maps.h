// The affine maps of NiNo between its nonlinearities, composed once in float64 and rounded once to
// float32. Internal to inference.cc.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "tools/nino-nowcast/meta_model.h"

namespace tenfold::nino_nowcast {

// y = s W + b for rows s: weight [in, out], bias [out].
struct Affine {
  at::Tensor weight, bias;
};

// A linear layer in float64, as a checkpoint stores it: weight [out, in], bias [out].
struct Linear {
  at::Tensor weight, bias;
};

Linear linear_of(const MetaModel& model, const std::string& name);
Linear compose(const Linear& outer, const Linear& inner);  // outer(inner(s))
Affine to_affine(const Linear& linear);

// e = W_e a + b_e + E_t[type] as one map of the first `feature_columns` features followed by a
// one-hot type.
Linear input_linear(const MetaModel& model, int64_t feature_columns);

struct NinoMaps {
  // One message passing. `scale` and `shift` act on the hidden edge features of its depth.
  struct Conv {
    Affine scale, shift;
    Affine target_term, source_term;  // W_p1 x + b_p, W_p2 x
    Affine from_node,
        from_mean;  // W_o (W_q [x ; mean] + b_q) + b_o in two parts; from_mean has no bias
  };
  // One edge update: hidden' = silu(hidden W + source_term(x)[source] + target_term(x)[target]).
  struct Update {
    at::Tensor weight;  // [in, h]; its bias and those of the node terms are in target_term
    Affine source_term, target_term;
  };

  NinoMaps(const MetaModel& model, int64_t feature_size);

  MetaConfig config;
  int64_t feature_size;
  Affine node_input;
  at::Tensor word_table;  // [V + 1, h] or undefined
  std::vector<Conv> convs;
  std::vector<Update> updates;
  Affine readout;                         // before its SiLU
  at::Tensor output_weight, output_bias;  // [F, K, h], [F, K]
};

}  // namespace tenfold::nino_nowcast
