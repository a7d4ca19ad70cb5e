// One hidden layer of frozen weights whose pre-activations z = B x are kept:
//   y = A relu(z + b)
// forward, and the gradients of its units (bias-learning, arXiv 2407.00957, specification section
// 9). On the CPU, float32; no gradient for B exists. What is no number stays none.
#pragma once

#include <stdint.h>

namespace tenfold::kernels {

constexpr int64_t kMostClasses = 10;

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

// One vector of biases: of a task, or of a seed of its labels.
struct BiasVector {
  const float* bias;      // [units]
  const int64_t* labels;  // [images], 0 .. classes - 1
  float* gradient;        // [units], written
  double loss;            // written: cross-entropy of softmax(y), summed over the images
};

// Losses of several bias vectors that share z and A, and `scale` times their gradients by the
// biases. A few images at a time go forward, through the loss and back for every vector: z is read
// from memory once.
void relu_readout_bias_gradients(const HiddenRows& in, const float* readout, int64_t classes,
                                 float scale, BiasVector* vectors, int64_t count);

}  // namespace tenfold::kernels
