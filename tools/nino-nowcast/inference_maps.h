// The affine maps of NiNo between its nonlinearities, composed once in float64 and rounded once to
// float32. Internal to inference.cc.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "common/kernels/edge_linear.h"
#include "tools/nino-nowcast/meta_model.h"

namespace tenfold::nino_nowcast {

// A linear layer in float64, as a checkpoint stores it: weight [out, in], bias [out].
struct Linear {
  at::Tensor weight, bias;
};

// y = s W + table[type] for rows of the given types, or + table[0]: a map as the kernels want it. A
// one-hot type is not multiplied, its row of W is looked up.
struct RowMap {
  kernels::PackedMatrix weight;
  at::Tensor table;  // [edge types, out] with the bias in every row, or [1, out]
  bool by_type = false;

  RowMap() = default;
  // The inputs of `linear` are `features` columns, then (where it has more) a one-hot type. Rounds
  // to float32.
  RowMap(const Linear& linear, int64_t features);

  kernels::RowTerm term(const int32_t* type) const {
    return {table.data_ptr<float>(), by_type ? type : nullptr};
  }
  // s [n, in] float32 -> [n, out]; only without types.
  at::Tensor operator()(const at::Tensor& s) const;
};

Linear linear_of(const MetaModel& model, const std::string& name);
Linear compose(const Linear& outer, const Linear& inner);  // outer(inner(s))

// e = W_e a + b_e + E_t[type] as one map of the first `feature_columns` features followed by a
// one-hot type.
Linear input_linear(const MetaModel& model, int64_t feature_columns);

struct NinoMaps {
  // One message passing. `scale` and `shift` act on the hidden edge features of its depth.
  struct Conv {
    RowMap scale, shift;
    RowMap target_term, source_term;  // W_p1 x + b_p, W_p2 x
    RowMap from_node, from_mean;  // W_o (W_q [x ; mean] + b_q) + b_o in two parts; the bias is in
                                  // from_node
  };
  // One edge update: hidden' = silu(edge(hidden) + source_term(x)[source] +
  // target_term(x)[target]).
  struct Update {
    RowMap edge;  // without bias: it and those of the node terms are in target_term
    RowMap source_term, target_term;
  };

  NinoMaps(const MetaModel& model, int64_t feature_size);

  MetaConfig config;
  int64_t feature_size;
  RowMap node_input;
  at::Tensor word_table;  // [V + 1, h] or undefined
  std::vector<Conv> convs;
  std::vector<Update> updates;
  RowMap readout;                         // before its SiLU
  at::Tensor output_weight, output_bias;  // [F, K, h], [F, K]
};

}  // namespace tenfold::nino_nowcast
