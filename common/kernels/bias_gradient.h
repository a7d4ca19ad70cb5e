// One hidden layer of frozen weights whose pre-activations z = B x are kept:
//   y = A relu(z + b)
// forward, and what any gradient of its units needs, in two passes over the units (bias-learning,
// arXiv 2407.00957, specification section 9). On the CPU, float32; no gradient for B exists.
#pragma once

#include <stdint.h>

namespace tenfold::kernels {

// Rows of z that belong together: image n of a batch is row rows[n] of z [*, units].
struct HiddenRows {
  const float* z;
  const int64_t* rows;  // [images]
  int64_t images, units;
};

// logits [images, classes] are written. bias [units]; readout A [classes, units]. classes <= 10.
void relu_readout(const HiddenRows& in, const float* bias, const float* readout, int64_t classes,
                  float* logits);

enum class UnitSum { kOn, kValue };

// sums [classes, units], columns first .. end - 1 are written (both multiples of 16, or end =
// units):
//   kOn: sum over images of 1[z + b > 0] d, kValue: sum of relu(z + b) d
// with d [images, classes] the loss by the logits. With them the gradients are
//   b_i: sum_k A_ki on_ki;  A_ki: value_ki;  a gain g_i of y = A (g relu): sum_k A_ki value_ki.
void relu_readout_sums(const HiddenRows& in, const float* bias, const float* d, int64_t classes,
                       UnitSum kind, int64_t first, int64_t end, float* sums);

}  // namespace tenfold::kernels
