#include "tools/poyo-decode/objective.h"

#include <ATen/TensorOperators.h>

namespace tenfold::poyo_decode {

at::Tensor weighted_loss(const at::Tensor& prediction, const TokenBatch& batch,
                         std::optional<double> total) {
  const at::Tensor target = batch.target.to(prediction.device()),
                   weight = batch.weight.to(prediction.device());
  const at::Tensor error = (prediction - target).square().mean(-1);
  const at::Tensor sum = (error * weight).sum();
  return total ? sum / *total : sum / weight.sum();
}

}  // namespace tenfold::poyo_decode
