// What POYO minimises (specification, section 4).
#pragma once

#include <ATen/core/Tensor.h>

#include <optional>

#include "tools/poyo-decode/token_batch.h"

namespace tenfold::poyo_decode {

// sum_s w_s e_s / sum_s w_s over all queries of the batch, e_s the mean squared error over the two
// dimensions of prediction [queries, 2]. The batch's weights are not all zero. `total` takes the
// place of sum_s w_s where the batch is a part of a larger one: the losses of the parts add up to
// its own.
at::Tensor weighted_loss(const at::Tensor& prediction, const TokenBatch& batch,
                         std::optional<double> total = std::nullopt);

}  // namespace tenfold::poyo_decode
