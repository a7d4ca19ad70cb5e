// WNN (Jang et al., ICML 2023; specification, section 6): three small networks, for convolution
// weights, linear weights and biases, that look at the recent values and differences of one scalar.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "tools/nino-nowcast/meta_model.h"

namespace tenfold::nino_nowcast {

struct WnnNormalised {
  at::Tensor values;       // [n, c], u = (v - v_0) / range
  at::Tensor differences;  // [n, c - 1]
  at::Tensor origin;       // [n], v_0
  at::Tensor range;        // [n], 2 (max - min + 1e-8 + 1e-5)
};

// states [n, c]
WnnNormalised wnn_normalise(const at::Tensor& states);

// The predicted change in normalised space, [n], of the network `kind` ("conv", "linear" or
// "bias"). Differentiable in the weights.
at::Tensor wnn_change(const MetaModel& model, const std::string& kind, const WnnNormalised& input);

// states [n, c] -> [n] in raw space.
at::Tensor wnn_predict(const MetaModel& model, const std::string& kind, const at::Tensor& states);

// Which network a parameter of this edge type belongs to; "" for norm weights, which keep their
// values.
std::string wnn_kind(int32_t edge_type);

}  // namespace tenfold::nino_nowcast
