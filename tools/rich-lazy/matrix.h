// Matrices of weights before they become float32: W[post, pre].
#pragma once

#include <Eigen/Core>

namespace tenfold::rich_lazy {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

}  // namespace tenfold::rich_lazy
