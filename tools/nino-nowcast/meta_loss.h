// The meta-training losses (specification, sections 4.2 and 6), differentiable in the weights.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "tools/nino-nowcast/meta_data.h"
#include "tools/nino-nowcast/meta_model.h"

namespace tenfold::nino_nowcast {

struct MetaLoss {
  at::Tensor sum;     // sum of |prediction - target| in scaled (WNN: normalised) space, [] float32
  int64_t count = 0;  // entries in it: parameters times horizons, over all windows
  double noop_sum = 0;  // the same for "the last state"
};

// NiNo: the windows as one disconnected graph. WNN+: every scalar by itself. `with_noop` computes
// noop_sum.
MetaLoss meta_loss(const MetaModel& model, const std::vector<MetaSample>& batch, bool with_noop);

// WNN: absolute errors of one kind of parameter in normalised space.
//   states [n, c], target [n]: the same scalars `horizon` spacings later
MetaLoss wnn_error(const MetaModel& model, const std::string& kind, const at::Tensor& states,
                   const at::Tensor& target);

// WNN: the L1 terms of one kind's weights and biases.
at::Tensor wnn_penalty(const MetaModel& model, const std::string& kind);

}  // namespace tenfold::nino_nowcast
