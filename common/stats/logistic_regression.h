// Multinomial logistic regression with a Gaussian prior on the weights.
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <vector>

#include "common/stats/lbfgs.h"

namespace tenfold::stats {

// The minimum of |W|^2 / 2 + c * sum over rows of the cross-entropy of softmax(x W + b): the
// intercepts b are free. c is the inverse of the strength of the prior.
class LogisticRegression {
 public:
  // x [rows, features], category of every row 0 .. categories - 1; finite. From zero weights, until
  // the largest entry of the gradient is small or the iterations run out.
  LogisticRegression(const Eigen::MatrixXd& x, const std::vector<int64_t>& category,
                     int64_t categories, double c, const LbfgsOptions& options = {});

  // The most probable category of every row; the smallest of equals.
  std::vector<int64_t> predict(const Eigen::MatrixXd& x) const;

  const Eigen::MatrixXd& weights() const { return weights_; }           // [features, categories]
  const Eigen::RowVectorXd& intercepts() const { return intercepts_; }  // [categories]
  const LbfgsOutcome& outcome() const { return outcome_; }

 private:
  Eigen::MatrixXd weights_;
  Eigen::RowVectorXd intercepts_;
  LbfgsOutcome outcome_;
};

// The function that is minimised, for parameters [features * categories weights, category by
// category; then the intercepts]. x and category outlive it.
Objective logistic_objective(const Eigen::MatrixXd& x, const std::vector<int64_t>& category,
                             int64_t categories, double c);

}  // namespace tenfold::stats
