// The meta-training losses (specification, sections 4.2 and 6), differentiable in the weights.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "tools/nino-nowcast/meta_data.h"
#include "tools/nino-nowcast/meta_model.h"

namespace tenfold::nino_nowcast {

struct MetaLoss {
  at::Tensor sum;       // sum of |prediction - target| in scaled space, 0-dimensional
  int64_t count = 0;    // entries in it: parameters times horizons, over all windows
  double noop_sum = 0;  // the same for "the last state"
};

// NiNo: the windows as one disconnected graph. WNN+: every scalar by itself. `with_noop` computes
// noop_sum.
MetaLoss meta_loss(const MetaModel& model, const std::vector<MetaSample>& batch, bool with_noop);

// WNN: mean absolute error of one kind of parameter in normalised space, plus the L1 terms.
//   states [n, c], target [n]: the same scalars `horizon` spacings later
at::Tensor wnn_loss(const MetaModel& model, const std::string& kind, const at::Tensor& states,
                    const at::Tensor& target);

}  // namespace tenfold::nino_nowcast
