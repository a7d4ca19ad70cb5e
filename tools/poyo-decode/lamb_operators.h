// One tensor's update of sparse_lamb.h as a composition of ATen operators: what runs on a device,
// where nothing waits for a norm.
#pragma once

#include <ATen/core/Tensor.h>

namespace tenfold::poyo_decode {

struct LambUpdate {
  double lr = 0, beta1 = 0.9, beta2 = 0.999, eps = 1e-6, weight_decay = 1e-4;
  double scale1 = 1, scale2 = 1;  // bias corrections: of the moment, of its square's root
  double norm_limit = 10;
  bool by_trust = true;  // LAMB's trust ratio; else AdamW
  bool sparse = false;   // rows without a gradient stay as they are and lose their moments
};

// parameter and both moments are updated in place; all of one shape, float32, on one device.
// Returns the trust ratio, a number on the device.
at::Tensor lamb_update(const at::Tensor& parameter, const at::Tensor& gradient,
                       const at::Tensor& first, const at::Tensor& second, const LambUpdate& update);

}  // namespace tenfold::poyo_decode
