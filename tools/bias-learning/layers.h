// Networks that the fast kernel does not do: several hidden layers, other activations than ReLU,
// or all weights trained. Whole batches by matrix products, with a hand-written gradient.
//   u_1 = B x + b_1,  h_1 = g_1 phi(u_1),  u_l = W_l h_{l-1} + b_l,
//   h_l = g_l phi(u_l), or where residual h_{l-1} + A_l (g_l phi(u_l)),  y = A h_L + c
// (specification, section 3.1; the residual form from the second hidden layer on, where the sizes
// of what is read and written agree).
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "tools/bias-learning/network.h"

namespace tenfold::bias_learning {

at::Tensor activated(Activation activation, const at::Tensor& u);

// Parameters, or gradients by them; what is undefined is absent, or not wanted. Of one dtype.
struct Layers {
  at::Tensor input;                       // B [N, pixels]; where u_1 is given without b_1 not used
  std::vector<at::Tensor> between, back;  // W_l, A_l [N, N] of the layers from the second on
  at::Tensor readout, output_bias;        // A [classes, N], c [classes]
  std::vector<at::Tensor> bias, gain;     // b_l, g_l [N]; as many as layers
};

struct Pass {
  std::vector<at::Tensor> phi, h;  // [n, N] of every layer
  at::Tensor logits;               // [n, classes]
};

// `first` [n, N]: B x of the images.
Pass forward(const Layers& p, Activation activation, const at::Tensor& first);

// Mean cross-entropy and, written into the tensors of `gradient` that are defined, its gradient.
// `x` [n, pixels] is read where that by B is wanted. Heaviside has no gradient.
double loss_and_gradient(const Layers& p, Activation activation, const at::Tensor& first,
                         const at::Tensor& x, const at::Tensor& labels, Layers& gradient);

}  // namespace tenfold::bias_learning
