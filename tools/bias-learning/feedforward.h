// What is trained of y = A relu(B x + b), one method and one image set at a time; tasks that share
// the images are trained together (specification, sections 3.1, 3.2, 4). Networks of more layers or
// another activation go through layers.h.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tools/bias-learning/adam.h"
#include "tools/bias-learning/layers.h"
#include "tools/bias-learning/network.h"
#include "tools/bias-learning/preactivations.h"
#include "tools/bias-learning/random_weights.h"

namespace tenfold::bias_learning {

// The rate at which a method starts, and how it goes on: full training keeps it, the others fall to
// 0 over the epochs, lr (1 - e / E).
double default_rate(Method method);
double rate_in(Method method, double start, int64_t epoch, int64_t epochs);

// 100^(e / (E - 1)): how steep the mask's sigmoid is.
double mask_steepness(int64_t epoch, int64_t epochs);

// Mean cross-entropy of logits [n, classes] and, unless `d` is nullptr, its gradient.
double cross_entropy(const float* logits, const int64_t* labels, int64_t n, int64_t classes,
                     float* d);

// One step's images: their pre-activations or, where everything is trained, the images themselves.
struct Batch {
  kernels::HiddenRows z;
  at::Tensor x;           // [n, pixels]
  const int64_t* labels;  // [n]
  double rate, steepness;
};

// What steps write beside the values; tasks take turns with one.
struct Scratch {
  std::vector<float> zero, scaled, sums, gradient, logits, d, gain, factor;
};

class TrainedTask {
 public:
  // `network` as network_of gives it; `weights` are its, at this and every later call.
  TrainedTask(Method method, const Network& network, int64_t classes, const RandomWeights& weights,
              uint64_t seed);

  // One step; the batch's mean loss before it.
  double step(const RandomWeights& weights, const Batch& batch, Scratch& scratch);

  // Whether step_biases takes it.
  bool biases_alone() const {
    return method_ == Method::kBias && network_.plain() && !has_output_bias();
  }
  // The same for tasks of biases alone that share the images: batch.labels [tasks, images] ->
  // losses. z is read once.
  static std::vector<double> step_biases(std::vector<TrainedTask>& tasks,
                                         const RandomWeights& weights, const Batch& batch,
                                         Scratch& scratch);

  // Of images first .. first + count - 1, as at test (masks are hard): logits [count, classes],
  // what the units of all layers do [count, units].
  std::vector<float> logits(const RandomWeights& weights, Preactivations& z, int64_t first,
                            int64_t count) const;
  at::Tensor activations(const RandomWeights& weights, Preactivations& z, int64_t first,
                         int64_t count) const;

  // `weights` with what the method trains of them.
  RandomWeights trained_weights(RandomWeights weights) const;

  int64_t classes() const { return classes_; }

  // [units] of bias, mask (s) and gain; A [classes, N] of readout; B, W, A, b of full; then c of a
  // network with one.
  std::vector<float> values;
  Adam adam;  // empty before the first step

 private:
  void advance(const float* gradient, double rate);
  bool has_output_bias() const;
  Layers layers(const RandomWeights& weights) const;     // at test
  void place(std::vector<float>& v, Layers& out) const;  // views of what is trained
  Pass pass(const RandomWeights& weights, Preactivations& z, int64_t first, int64_t count) const;
  void set_gains(double steepness, Scratch& scratch) const;  // g and, of masks, its slope
  double general_step(const RandomWeights& weights, const Batch& batch, Scratch& scratch);

  Method method_;
  Network network_;
  int64_t classes_;
};

}  // namespace tenfold::bias_learning
