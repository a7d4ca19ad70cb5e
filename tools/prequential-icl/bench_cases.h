// What `bench` times: the shapes of the specification's sections 8a and 9.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tools/prequential-icl/batches.h"
#include "tools/prequential-icl/mlp_fit.h"
#include "tools/prequential-icl/model_spec.h"

namespace tenfold::prequential_icl {

constexpr const char* kReferenceSource =
    "specification section 8a: reference modules in Python, one thread, CPU seconds, on another "
    "machine";

const std::vector<std::string> kBenchModels = {"transformer", "two-stream", "mamba1", "mamba2"};
const std::vector<std::string> kBenchShapes = {"small", "paper"};

// A training step of the prequential objective on the linear task (x_dim 3, y_dim 1).
struct StepCase {
  std::string shape;
  ModelSpec spec;         // .arch names the model
  int64_t points, batch;  // S, tasks
  double lr;
  double reference_cpu_s;  // 0: none known

  std::string name() const { return spec.arch + "/" + shape; }
};

// small: S 32, B 64, h 64, 2 layers; paper: S 1000, B 2, h 256, 4 layers.
StepCase step_case(const std::string& model, const std::string& shape);

// Batches [points, x, y] of fresh tasks.
std::vector<Batch> step_batches(const StepCase& c, int64_t count, uint64_t seed);

// Floating-point operations of forward and backward pass on one batch: matrix products (the masked
// half of attention left out), and 6 an element for the scans. The way back counts twice the way
// there.
double step_flops(const StepCase& c);

// The SGD learner: fits of 100 points (80 to train on), 50 epochs each, and points to test on.
struct SgdCase {
  static constexpr int64_t kFits = 256, kTrain = 80, kPoints = 100, kTest = 1000, kEpochs = 50;

  MlpFitOptions options;
  std::vector<float> initial;
  std::vector<std::vector<float>> x, y;  // one a fit: [kPoints + kTest, x_dim or 1]
};
SgdCase sgd_case(uint64_t seed);

// Of the matrix products of one fit.
double fit_flops(const SgdCase& c);

}  // namespace tenfold::prequential_icl
