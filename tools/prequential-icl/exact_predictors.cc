#include "tools/prequential-icl/exact_predictors.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <Eigen/Dense>
#include <algorithm>

#include "common/core/error.h"

namespace tenfold::prequential_icl {
namespace {

using Matrix = Eigen::MatrixXd;
using Vector = Eigen::VectorXd;

constexpr double kLeastNoise = 1e-4;  // in the formulas, where there is none

at::Tensor table_for(const Batch& batch) {
  return at::zeros({batch.tasks(), batch.size()}, at::TensorOptions().dtype(at::kDouble));
}

// One task: rows [x, 1] (kept inputs only) and targets.
struct Design {
  Matrix x, y;

  Design(const at::Tensor& inputs, const at::Tensor& targets, const std::vector<bool>& kept) {
    const int64_t size = inputs.size(0), x_dim = inputs.size(1), y_dim = targets.size(1);
    const int64_t width = std::count(kept.begin(), kept.end(), true) + 1;
    x.resize(size, width);
    y.resize(size, y_dim);
    const auto a = inputs.accessor<float, 2>(), b = targets.accessor<float, 2>();
    for (int64_t i = 0; i < size; ++i) {
      int64_t column = 0;
      for (int64_t d = 0; d < x_dim; ++d)
        if (kept[size_t(d)]) x(i, column++) = a[i][d];
      x(i, column) = 1;
      for (int64_t k = 0; k < y_dim; ++k) y(i, k) = b[i][k];
    }
  }
};

void solve_task(const Design& design, const LinearPrior& prior, LinearMethod method,
                double* squared, double* expected) {
  const int64_t size = design.x.rows(), width = design.x.cols();
  const double noise = std::max(prior.noise, kLeastNoise), precision = 1 / (noise * noise);
  Matrix p = Matrix::Identity(width, width) * double(width);
  Matrix moment = Matrix::Zero(width, design.y.cols());
  for (int64_t c = 0; c < size; ++c) {
    const Vector q = design.x.row(c).transpose();
    Matrix w;
    if (method == LinearMethod::kLeastSquares) {
      w = c == 0 ? Matrix::Zero(width, design.y.cols())
                 : Matrix(design.x.topRows(c).completeOrthogonalDecomposition().solve(
                       design.y.topRows(c)));
    } else {
      const Eigen::LDLT<Matrix> factor(p);
      w = factor.solve(moment);
      expected[c] = prior.noise * prior.noise + q.dot(factor.solve(q));
    }
    squared[c] =
        (design.y.row(c).transpose() - w.transpose() * q).squaredNorm() / double(design.y.cols());
    p += precision * q * q.transpose();
    moment += precision * q * design.y.row(c);
  }
}

}  // namespace

LinearLosses linear_losses(const Batch& batch, const LinearPrior& prior, LinearMethod method) {
  LinearLosses out{table_for(batch), table_for(batch)};
  const std::vector<bool> all(prior.kept.size(), true);
  const int64_t size = batch.size();
  at::parallel_for(0, batch.tasks(), 8, [&](int64_t first, int64_t end) {
    for (int64_t t = first; t < end; ++t) {
      const Design design(batch.x.select(0, t), batch.y.select(0, t),
                          method == LinearMethod::kBayes ? prior.kept : all);
      solve_task(design, prior, method, out.squared.data_ptr<double>() + t * size,
                 out.expected.data_ptr<double>() + t * size);
    }
  });
  if (method == LinearMethod::kLeastSquares) out.expected = at::Tensor();
  return out;
}

at::Tensor mastermind_bayes_losses(const Batch& batch, const MastermindSizes& sizes) {
  const MastermindOracle oracle(sizes);
  const int64_t size = batch.size(), positions = sizes.code_length, classes = sizes.classes();
  const at::Tensor out = table_for(batch);
  // From one-hot vectors back to colours.
  const at::Tensor guesses =
      batch.x.reshape({batch.tasks(), size, positions, sizes.colours}).argmax(3).contiguous();
  at::parallel_for(0, batch.tasks(), 1, [&](int64_t first, int64_t end) {
    std::vector<double> p(size_t(size * 2 * classes));
    for (int64_t t = first; t < end; ++t) {
      const int64_t* labels = batch.labels.data_ptr<int64_t>() + t * size * 2;
      oracle.predict(guesses.data_ptr<int64_t>() + t * size * positions, labels, size, p.data());
      const std::vector<double> losses = label_losses(p.data(), labels, size, 2, classes);
      std::copy(losses.begin(), losses.end(), out.data_ptr<double>() + t * size);
    }
  });
  return out;
}

at::Tensor marginal_label_losses(const Batch& batch, const std::vector<int64_t>& classes) {
  const int64_t size = batch.size(), variables = int64_t(classes.size());
  if (std::count(classes.begin(), classes.end(), classes[0]) != variables)
    throw DataError(
        "--method marginal: the labels have different numbers of classes, expected one");
  const at::Tensor out = table_for(batch);
  for (int64_t t = 0; t < batch.tasks(); ++t) {
    const std::vector<double> losses = marginal_losses(
        batch.labels.data_ptr<int64_t>() + t * size * variables, size, variables, classes[0]);
    std::copy(losses.begin(), losses.end(), out.data_ptr<double>() + t * size);
  }
  return out;
}

at::Tensor known_function_losses(const Batch& batch, const Family& family,
                                 const at::Tensor& theta) {
  const at::Tensor x = batch.x.contiguous(), parameters = theta.contiguous();
  at::Tensor y = at::empty({batch.tasks(), batch.size(), family.y_dim}, x.options());
  for (int64_t t = 0; t < batch.tasks(); ++t) {
    family.evaluate(parameters.data_ptr<float>() + t * family.parameter_count(),
                    x.data_ptr<float>() + t * batch.size() * family.x_dim, batch.size(),
                    y.data_ptr<float>() + t * batch.size() * family.y_dim);
  }
  return (batch.y - y).to(at::kDouble).square().mean(-1);
}

}  // namespace tenfold::prequential_icl
