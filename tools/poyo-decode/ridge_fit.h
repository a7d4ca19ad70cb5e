// Ridge regression by normal equations, for the linear decoders (specification, section 6).
#pragma once

#include <Eigen/Dense>
#include <vector>

namespace tenfold::poyo_decode {

// W = (X'X + lambda I)^-1 X'Y in float64, every column of X penalised, its constant too.
class RidgeFit {
 public:
  explicit RidgeFit(Eigen::Index features);

  // Adds rows: x [rows, features], y [rows, 2].
  void add(const Eigen::MatrixXd& x, const Eigen::MatrixXd& y);

  Eigen::MatrixXd solve(double lambda) const;  // [features, 2]

 private:
  Eigen::MatrixXd square_, cross_;
};

}  // namespace tenfold::poyo_decode
