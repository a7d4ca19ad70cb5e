#include "tools/poyo-decode/ridge_fit.h"

namespace tenfold::poyo_decode {

RidgeFit::RidgeFit(Eigen::Index features)
    : square_(Eigen::MatrixXd::Zero(features, features)),
      cross_(Eigen::MatrixXd::Zero(features, 2)) {}

void RidgeFit::add(const Eigen::MatrixXd& x, const Eigen::MatrixXd& y) {
  square_.selfadjointView<Eigen::Lower>().rankUpdate(x.transpose());
  cross_.noalias() += x.transpose() * y;
}

Eigen::MatrixXd RidgeFit::solve(double lambda) const {
  Eigen::MatrixXd penalised = square_;
  penalised.diagonal().array() += lambda;
  return penalised.selfadjointView<Eigen::Lower>().ldlt().solve(cross_);
}

}  // namespace tenfold::poyo_decode
