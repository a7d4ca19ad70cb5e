// Minimising a smooth function by limited-memory BFGS (Nocedal and Wright 2006, algorithm 7.5).
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <functional>

namespace tenfold::stats {

struct LbfgsOptions {
  double gradient_max = 1e-4;  // the largest entry of a gradient that is small enough
  int64_t iterations = 300;
  int64_t memory = 10;  // steps that the curvature is taken from
};

struct LbfgsOutcome {
  double value = 0, gradient_max = 0;
  int64_t iterations = 0;
  bool converged = false;  // false: iterations ran out, or no step went down any more
};

// The value at x; fills the gradient, which is as long as x.
using Objective = std::function<double(const Eigen::VectorXd& x, Eigen::VectorXd& gradient)>;

// From x, in place.
LbfgsOutcome minimise_lbfgs(const Objective& objective, Eigen::VectorXd& x,
                            const LbfgsOptions& options);

}  // namespace tenfold::stats
