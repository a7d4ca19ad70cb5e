// Recurrent networks of rates as an operator, many at once (common/kernels/rate_rnn.h), and their
// tangent kernel.
#pragma once

#include <ATen/core/Tensor.h>

#include "common/kernels/rate_rnn.h"

namespace tenfold::nn {

//   r_t = keep r_{t-1} + rate phi(inner r_{t-1} + drive (W r_{t-1} + x_t + b))
struct RateForm {
  double keep = 0, rate = 1, inner = 0, drive = 1;
  kernels::RateActivation activation = kernels::RateActivation::kRelu;
};

// weight [models, units, units] (row: the unit that receives), x [models, steps, batch, units]
// (what comes from outside, W_in x; undefined: nothing; `steps` long in either case, or of one step
// where it is the same at every one), bias [models, units] and start [models, batch, units]
// (undefined: zero) -> states r_1 .. r_steps [models, steps, batch, units]. Gradients for every
// input that asks for one, and for nothing else. float32, all on the CPU or on one CUDA device.
at::Tensor rate_rnn(const RateForm& form, const at::Tensor& weight, const at::Tensor& x,
                    const at::Tensor& bias, const at::Tensor& start, int64_t steps, int64_t batch);

// Of one network: K[i, j] = <d y_i / d W, d y_j / d W> for y_t = readout r_t, without any Jacobian
// (specification of rich-lazy, section 9). weight [units, units], readout [outputs, units], states
// and slopes phi'(u_t) [steps, batch, units], start zero. `last_only`: outputs of the last step
// alone. -> [n, n] with n = (last_only ? 1 : steps) * batch * outputs, index (step, sample,
// output), the output fastest.
at::Tensor rate_tangent_kernel(const RateForm& form, const at::Tensor& weight,
                               const at::Tensor& readout, const at::Tensor& states,
                               const at::Tensor& slopes, bool last_only);

}  // namespace tenfold::nn
