#include "tools/poyo-decode/objective.h"

#include <ATen/TensorOperators.h>

namespace tenfold::poyo_decode {

at::Tensor weighted_loss(const at::Tensor& prediction, const TokenBatch& batch) {
  const at::Tensor error = (prediction - batch.target).square().mean(-1);
  return (error * batch.weight).sum() / batch.weight.sum();
}

}  // namespace tenfold::poyo_decode
