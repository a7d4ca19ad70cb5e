// Families of regression tasks (specification, sections 2.1, 2.2, 2.5 and 2.6). A family draws the
// parameters of a task, inputs, and evaluates the task's function; a task is a pure function of its
// stream.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/core/philox.h"

namespace tenfold::prequential_icl {

// Independent streams of one task.
struct TaskStreams {
  Stream parameters, inputs, noise;

  // `split` is "train", "val", ...; tasks of another split or seed share nothing.
  TaskStreams(uint64_t seed, const std::string& split, int64_t task);
};

class Family {
 public:
  virtual ~Family() = default;

  int64_t x_dim = 1, y_dim = 1;
  std::string parameter_name;            // in files; "" where a task has none to show
  std::vector<int64_t> parameter_shape;  // of one task

  int64_t parameter_count() const;

  // One task: theta [parameter_count], x [points, x_dim], y [points, y_dim].
  virtual void sample(const TaskStreams& streams, int64_t points, float* theta, float* x,
                      float* y) const;

  // y [points, y_dim] without noise.
  virtual void evaluate(const float* theta, const float* x, int64_t points, float* y) const = 0;

  // Whether `evaluate` makes sense for inputs moved elsewhere.
  virtual bool has_ood() const { return true; }

 protected:
  virtual void sample_parameters(const Stream& stream, float* theta) const = 0;
  virtual void sample_inputs(const Stream& stream, int64_t points, float* x) const;  // N(0, 1)

  double noise_ = 0;
};

struct LinearOptions {
  int64_t x_dim = 3, y_dim = 1, intrinsic_dim = 3;
  double noise = 0.2;
  bool uniform_inputs = false;
};
// y = [x, 1] w, w ~ N(0, 1 / (intrinsic_dim + 1)), rows that `rows` draws are zero for all tasks.
std::unique_ptr<Family> linear_family(const LinearOptions& options, const Stream& rows);

// y = sum_d sum_l a_{d,l} sin(w_{d,l} x_d), a ~ U(0, 1); w the paper's, or of each task.
std::unique_ptr<Family> sinusoid_family(int64_t x_dim, double noise, bool fixed_frequencies);

// y = sum_{i<=degree} alpha_i C_i(x), x ~ U(-1, 1), alpha ~ N(0, 1 / (degree + 1)).
std::unique_ptr<Family> chebyshev_family(int64_t degree, double noise);

// A network x -> 64 -> 64 -> y of each task: xavier-uniform weights, N(0, 1) biases.
std::unique_ptr<Family> mlp_family(int64_t x_dim, int64_t y_dim, double noise, bool tanh);

// One base network x -> 64 -> y for all tasks, moved by FastFood projections of z ~ N(0, I_10).
std::unique_ptr<Family> lowrank_family(int64_t x_dim, int64_t y_dim, double noise, uint64_t seed);

// 20 states of a linear system of dimension 3, then the next 20.
std::unique_ptr<Family> dynamics_family(double noise);

// The frequencies of the first `x_dim` inputs (at most 10): [x_dim, 3].
std::vector<double> sinusoid_frequencies(int64_t x_dim);

}  // namespace tenfold::prequential_icl
