#include "tools/bias-learning/jacobian.h"

#include <fmt/format.h>

#include <Eigen/Eigenvalues>
#include <cmath>

#include "common/core/error.h"

namespace tenfold::bias_learning {
namespace {

double slope(kernels::RateActivation activation, double u) {
  switch (activation) {
    case kernels::RateActivation::kTanh:
      return 1 - std::tanh(u) * std::tanh(u);
    case kernels::RateActivation::kSigmoid:
      return 1 / (2 + std::exp(u) + std::exp(-u));
    case kernels::RateActivation::kHeaviside:
      return 0;
    default:
      return u > 0;
  }
}

// At the state r [N] with input x [inputs].
Spectrum spectrum_at(const RateNetwork& net, const float* r, const float* x) {
  using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const int64_t n = net.shape.hidden, inputs = net.shape.inputs;
  const Eigen::Map<const Matrix> weight(net.weight(), n, n);
  Eigen::VectorXd u = (weight * Eigen::Map<const Eigen::VectorXf>(r, n)).cast<double>();
  for (int64_t i = 0; i < n; ++i) {
    u(i) += net.bias()[i];
    for (int64_t k = 0; k < inputs; ++k) u(i) += double(net.input()[i * inputs + k]) * x[k];
  }
  Eigen::MatrixXd jacobian = -net.shape.alpha * Eigen::MatrixXd::Identity(n, n);
  Spectrum out;
  for (int64_t i = 0; i < n; ++i) {
    out.active += u(i) > 0;
    jacobian.row(i) +=
        net.shape.beta * slope(net.shape.activation, u(i)) * weight.row(i).cast<double>();
  }
  const Eigen::VectorXcd values =
      Eigen::EigenSolver<Eigen::MatrixXd>(jacobian, false).eigenvalues();
  out.eigenvalues.assign(values.begin(), values.end());
  out.radius = values.cwiseAbs().maxCoeff();
  return out;
}

}  // namespace

void require_steps(const Trials& trial, int64_t count) {
  if (count > trial.steps)
    throw UsageError(
        fmt::format("--jacobian-steps: found {}, expected at most {}", count, trial.steps));
}

std::vector<Spectrum> spectra_along(const RateNetwork& net, const Trials& trial, int64_t count) {
  NetworkBuffers buffers;
  run_network(net, trial, buffers);
  std::vector<Spectrum> out;
  for (int64_t i = 1; i <= count; ++i) {
    const int64_t step = trial.steps * i / count;
    const float* x = trial.x.data() + (trial.constant_input ? 0 : (step - 1) * net.shape.inputs);
    out.push_back(spectrum_at(net, buffers.states.data() + (step - 1) * net.shape.hidden, x));
    out.back().step = step;
  }
  return out;
}

}  // namespace tenfold::bias_learning
