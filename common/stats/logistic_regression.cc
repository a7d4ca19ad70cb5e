#include "common/stats/logistic_regression.h"

#include <cmath>

namespace tenfold::stats {

using Eigen::Map;
using Eigen::MatrixXd;
using Eigen::RowVectorXd;
using Eigen::VectorXd;

Objective logistic_objective(const MatrixXd& x, const std::vector<int64_t>& category,
                             int64_t categories, double c) {
  return [&x, &category, categories, c](const VectorXd& at, VectorXd& gradient) {
    const int64_t weights = x.cols() * categories;
    const Map<const MatrixXd> w(at.data(), x.cols(), categories);
    MatrixXd scores = x * w;
    scores.rowwise() += at.tail(categories).transpose();
    scores.colwise() -= VectorXd(scores.rowwise().maxCoeff());
    double entropy = 0;
    for (int64_t i = 0; i < x.rows(); ++i) {
      const double of_truth = scores(i, category[size_t(i)]);
      scores.row(i) = scores.row(i).array().exp();
      const double sum = scores.row(i).sum();
      entropy += std::log(sum) - of_truth;
      // What is left is the derivative by the scores.
      scores.row(i) /= sum;
      scores(i, category[size_t(i)]) -= 1;
    }
    Map<MatrixXd>(gradient.data(), x.cols(), categories).noalias() = c * (x.transpose() * scores);
    gradient.head(weights) += at.head(weights);
    gradient.tail(categories) = c * scores.colwise().sum().transpose();
    return at.head(weights).squaredNorm() / 2 + c * entropy;
  };
}

LogisticRegression::LogisticRegression(const MatrixXd& x, const std::vector<int64_t>& category,
                                       int64_t categories, double c, const LbfgsOptions& options) {
  VectorXd found = VectorXd::Zero((x.cols() + 1) * categories);
  outcome_ = minimise_lbfgs(logistic_objective(x, category, categories, c), found, options);
  weights_ = Map<const MatrixXd>(found.data(), x.cols(), categories);
  intercepts_ = found.tail(categories).transpose();
}

std::vector<int64_t> LogisticRegression::predict(const MatrixXd& x) const {
  const MatrixXd scores = (x * weights_).rowwise() + intercepts_;
  std::vector<int64_t> best(static_cast<size_t>(x.rows()));
  for (int64_t i = 0; i < x.rows(); ++i) scores.row(i).maxCoeff(&best[size_t(i)]);
  return best;
}

}  // namespace tenfold::stats
