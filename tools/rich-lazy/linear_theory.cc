#include "tools/rich-lazy/linear_theory.h"

#include <ATen/Parallel.h>
#include <fmt/format.h>

#include <Eigen/QR>
#include <cmath>
#include <vector>

#include "common/core/error.h"
#include "common/core/philox.h"

namespace tenfold::rich_lazy {
namespace {

// Numbers of one stream, one after the other.
class Numbers {
 public:
  Numbers(uint64_t seed, const std::string& name, int64_t task)
      : stream_(seed, name, uint64_t(task)) {}
  Matrix gaussian(int64_t rows, int64_t columns) {
    Matrix m(rows, columns);
    for (int64_t i = 0; i < m.size(); ++i) m.data()[i] = stream_.normal(next_++);
    return m;
  }
  Matrix orthonormal(int64_t rows, int64_t columns) {
    const Eigen::HouseholderQR<Matrix> qr(gaussian(rows, columns));
    return qr.householderQ() * Matrix::Identity(rows, columns);
  }
  Vector unit(int64_t size) { return gaussian(size, 1).col(0).normalized(); }

 private:
  Stream stream_;
  uint64_t next_ = 0;
};

struct Problem {
  Matrix f;      // [d, d]
  Vector w;      // teacher, of norm 1
  Matrix first;  // W1(0) [hidden, d]
};

Problem draw_problem(const TheoryOptions& o, int64_t rank, Numbers& numbers) {
  const int64_t d = o.inputs, half = d / 2;
  Problem p;
  const Matrix left = numbers.orthonormal(d, d), right = numbers.orthonormal(d, d);
  Vector s = Vector::Ones(d);
  s.head(half).setConstant(o.kappa);
  p.f = left * s.asDiagonal() * right.transpose();
  p.w = numbers.unit(d);
  if (o.start == "random" || o.start == "full") {
    p.first = numbers.orthonormal(o.hidden, rank) * numbers.orthonormal(d, rank).transpose() *
              (o.init_scale / std::sqrt(double(rank)));
    return p;
  }
  const Matrix strong = left.leftCols(half) * o.kappa * right.leftCols(half).transpose();
  Vector along = p.w;
  if (o.start == "aligned-cov") along = p.f * (p.f.transpose() * p.w);
  if (o.start == "partial") along = strong * (strong.transpose() * p.w);
  p.first = o.init_scale * numbers.unit(o.hidden) * along.normalized().transpose();
  return p;
}

double alignment(const Matrix& a, const Matrix& b) {
  return a.cwiseProduct(b).sum() / (a.norm() * b.norm());
}

Matrix initial_kernel(const Problem& p) {
  return p.f.transpose() * (p.first.transpose() * p.first) * p.f;
}

// From a small start gradient descent ends where W1^T W1 = w w^T and ||W2||^2 = 1.
double formula(const Problem& p) {
  const int64_t d = p.w.size();
  const Matrix middle = p.w * p.w.transpose() + Matrix::Identity(d, d);
  return alignment(initial_kernel(p), p.f.transpose() * middle * p.f);
}

double simulate(const TheoryOptions& o, const Problem& p, bool& finished) {
  const double lr = 0.02 / (o.kappa * o.kappa);
  const double enough = o.kappa > 1 ? 1e-5 : 1e-6;
  const int64_t most = o.kappa > 1 ? 200'000 : 20'000;
  const Matrix s = p.f * p.f.transpose();
  Matrix first = p.first;
  Eigen::RowVectorXd second = Eigen::RowVectorXd::Zero(o.hidden), error, weighed;
  finished = false;
  for (int64_t step = 0; step < most; ++step) {
    error = p.w.transpose() - second * first;
    weighed.noalias() = error * s;
    const double loss = weighed.dot(error);
    if (!std::isfinite(loss))
      throw NumericError(fmt::format("step {}: gradient descent diverged", step));
    if (loss < enough * enough) {
      finished = true;
      break;
    }
    const Eigen::RowVectorXd change = weighed * first.transpose();
    first.noalias() += lr * second.transpose() * weighed;
    second += lr * change;
  }
  const Matrix middle =
      first.transpose() * first + second.squaredNorm() * Matrix::Identity(o.inputs, o.inputs);
  return alignment(initial_kernel(p), p.f.transpose() * middle * p.f);
}

// Over random tasks; at kappa 1 in closed form.
double expected(const TheoryOptions& o, int64_t rank, uint64_t seed) {
  const double d = double(o.inputs);
  if (o.kappa == 1) {
    if (o.start == "random" || o.start == "full") {
      Matrix a = Matrix::Zero(o.inputs, o.inputs);
      a.diagonal().head(rank).setOnes();
      return expected_alignment(a);
    }
    const double overlap = o.start == "partial" ? double(o.inputs / 2) / d : 1;
    return (1 + overlap) / std::sqrt(d + 3);
  }
  constexpr int64_t kDraws = 200;
  double sum = 0;
  for (int64_t i = 0; i < kDraws; ++i) {
    Numbers numbers(seed, fmt::format("formula/{}", rank), i);
    sum += formula(draw_problem(o, rank, numbers));
  }
  return sum / double(kDraws);
}

}  // namespace

double expected_alignment(const Matrix& a) {
  const double d = double(a.rows());
  return (1 + 1 / d) * a.trace() / (a.norm() * std::sqrt(d + 3));
}

TheoryRow theory_row(const TheoryOptions& o, int64_t rank, uint64_t seed) {
  std::vector<double> found(size_t(o.tasks), 0.0);
  std::vector<int64_t> unfinished(size_t(o.tasks), 0);
  at::parallel_for(0, o.tasks, 1, [&](int64_t begin, int64_t end) {
    for (int64_t task = begin; task < end; ++task) {
      Numbers numbers(seed, fmt::format("simulation/{}", rank), task);
      bool finished = false;
      found[size_t(task)] = simulate(o, draw_problem(o, rank, numbers), finished);
      unfinished[size_t(task)] = finished ? 0 : 1;
    }
  });
  TheoryRow row;
  row.rank = rank;
  for (size_t i = 0; i < found.size(); ++i) {
    row.ka_mean += found[i] / double(o.tasks);
    row.unfinished += unfinished[i];
  }
  double squares = 0;
  for (const double ka : found) squares += (ka - row.ka_mean) * (ka - row.ka_mean);
  row.ka_se = std::sqrt(squares / double(o.tasks - 1) / double(o.tasks));
  row.ka_theory = expected(o, rank, seed);
  return row;
}

}  // namespace tenfold::rich_lazy
