// What is trained of y = A relu(B x + b), one method and one image set at a time; tasks that share
// the images are trained together (specification, sections 3.1, 3.2, 4).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tools/bias-learning/adam.h"
#include "tools/bias-learning/preactivations.h"
#include "tools/bias-learning/random_weights.h"

namespace tenfold::bias_learning {

enum class Method { kBias, kFull, kMask, kGain, kReadout, kOutputBias, kRandom };
extern const std::vector<std::string> kMethodNames;  // in this order
Method method_named(const std::string& name);

// The rate at which a method starts, and how it goes on: full training keeps it, the others fall to
// 0 over the epochs, lr (1 - e / E).
double default_rate(Method method);
double rate_in(Method method, double start, int64_t epoch, int64_t epochs);

// 100^(e / (E - 1)): how steep the mask's sigmoid is.
double mask_steepness(int64_t epoch, int64_t epochs);

// How many numbers a method trains per task.
int64_t trained_parameters(Method method, int64_t hidden);

// Mean cross-entropy of logits [n, 10] and, unless `d` is nullptr, its gradient.
double cross_entropy(const float* logits, const int64_t* labels, int64_t n, float* d);

class TrainedTask {
 public:
  TrainedTask(Method method, const RandomWeights& weights, int64_t hidden, uint64_t seed);

  // One step on the images so numbered; the batch's mean loss before it. `labels` are the batch's.
  // Full training reads the images themselves, every other method their pre-activations alone.
  double step(const kernels::HiddenRows& z, const at::Tensor& x, const int64_t* labels, double rate,
              double steepness);

  // Logits [count, 10] as at test: masks are hard.
  std::vector<float> logits(const kernels::HiddenRows& z, const at::Tensor& x) const;

  // [N] of bias, mask (s) and gain; else what the method trains.
  std::vector<float> values;
  Adam adam;

 private:
  double full_step(const at::Tensor& x, const int64_t* labels, double rate);

  Method method_;
  const RandomWeights& weights_;
  int64_t hidden_;
  std::vector<float> zero_, scaled_, sums_, gradient_;
};

}  // namespace tenfold::bias_learning
