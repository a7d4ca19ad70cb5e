// What POYO minimises (specification, section 4).
#pragma once

#include <ATen/core/Tensor.h>

#include "tools/poyo-decode/token_batch.h"

namespace tenfold::poyo_decode {

// sum_s w_s e_s / sum_s w_s over all queries of the batch, e_s the mean squared error over the two
// dimensions of prediction [queries, 2]. The batch's weights are not all zero.
at::Tensor weighted_loss(const at::Tensor& prediction, const TokenBatch& batch);

}  // namespace tenfold::poyo_decode
