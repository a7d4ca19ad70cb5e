#include "tools/nino-nowcast/lpe.h"

#include <Spectra/SymEigsSolver.h>
#include <fmt/format.h>

#include <Eigen/Dense>
#include <algorithm>
#include <cmath>

#include "common/core/error.h"
#include "common/core/philox.h"

namespace tenfold::nino_nowcast {
namespace {

using Eigen::Index;
using Eigen::MatrixXd;
using Eigen::VectorXd;

constexpr double kMostResidual = 1e-5;
constexpr double kTolerance = 1e-9;  // of Lanczos, relative to the eigenvalue
constexpr double kSameValue = 1e-7;  // eigenvalues nearer than this count as equal
constexpr Index kMostRestarts = 300;

// The undirected simple graph: distinct neighbours of every node, without the node itself.
struct Neighbours {
  std::vector<int64_t> begin;  // [N + 1]
  std::vector<int32_t> node;

  explicit Neighbours(const NeuralGraph& graph);
  Index size() const { return static_cast<Index>(begin.size()) - 1; }
};

Neighbours::Neighbours(const NeuralGraph& graph)
    : begin(static_cast<size_t>(graph.num_nodes) + 1, 0) {
  const size_t edges = graph.source.size();
  for (size_t e = 0; e < edges; ++e) {
    if (graph.source[e] == graph.target[e]) continue;
    ++begin[size_t(graph.source[e]) + 1];
    ++begin[size_t(graph.target[e]) + 1];
  }
  for (size_t i = 1; i < begin.size(); ++i) begin[i] += begin[i - 1];
  node.resize(static_cast<size_t>(begin.back()));
  std::vector<int64_t> next(begin.begin(), begin.end() - 1);
  for (size_t e = 0; e < edges; ++e) {
    const int32_t s = graph.source[e], t = graph.target[e];
    if (s == t) continue;
    node[size_t(next[size_t(s)]++)] = t;
    node[size_t(next[size_t(t)]++)] = s;
  }
  int64_t kept = 0;
  for (size_t i = 0; i + 1 < begin.size(); ++i) {
    const auto first = node.begin() + begin[i], last = node.begin() + next[i];
    std::sort(first, last);
    const auto end = std::unique(first, last);
    begin[i] = kept;
    kept = std::copy(first, end, node.begin() + kept) - node.begin();
  }
  begin.back() = kept;
  node.resize(static_cast<size_t>(kept));
}

// 2 - L = I + D^-1/2 A D^-1/2: its largest eigenvalues are the smallest of L. Eigenpairs already
// found are moved to 0, the lower end of the spectrum.
class ShiftedLaplacian {
 public:
  using Scalar = double;

  explicit ShiftedLaplacian(const Neighbours& graph) : graph_(graph), scale_(graph.size()) {
    for (Index i = 0; i < graph.size(); ++i) {
      const int64_t degree = graph.begin[size_t(i) + 1] - graph.begin[size_t(i)];
      scale_[i] = degree > 0 ? 1 / std::sqrt(double(degree)) : 0;
    }
  }

  Index rows() const { return graph_.size(); }
  Index cols() const { return graph_.size(); }

  void perform_op(const double* in, double* out) const {
    const Eigen::Map<const VectorXd> x(in, rows());
    Eigen::Map<VectorXd> y(out, rows());
    const VectorXd scaled = scale_.cwiseProduct(x);
    for (Index i = 0; i < rows(); ++i) {
      double sum = 0;
      for (int64_t e = graph_.begin[size_t(i)]; e < graph_.begin[size_t(i) + 1]; ++e) {
        sum += scaled[graph_.node[size_t(e)]];
      }
      y[i] = x[i] + scale_[i] * sum;
    }
    if (found_.cols() > 0) y -= found_ * found_values_.cwiseProduct(found_.transpose() * x);
  }

  void deflate(const MatrixXd& vectors, const VectorXd& values) {
    found_ = vectors;
    found_values_ = values;
  }

 private:
  const Neighbours& graph_;
  VectorXd scale_;
  MatrixXd found_;
  VectorXd found_values_;
};

struct Eigenpairs {
  VectorXd values;   // of 2 - L, descending
  MatrixXd vectors;  // columns, orthonormal
};

Eigenpairs dense_pairs(const ShiftedLaplacian& op, Index count) {
  const Index n = op.rows();
  MatrixXd matrix(n, n);
  VectorXd unit = VectorXd::Zero(n);
  for (Index i = 0; i < n; ++i) {
    unit[i] = 1;
    op.perform_op(unit.data(), matrix.col(i).data());
    unit[i] = 0;
  }
  const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(matrix);
  if (solver.info() != Eigen::Success)
    throw NumericError("Laplacian encoding: the eigensolver failed");
  return {solver.eigenvalues().tail(count).reverse(),
          solver.eigenvectors().rightCols(count).rowwise().reverse()};
}

Eigenpairs lanczos(ShiftedLaplacian& op, Index count) {
  for (Index basis = 60; basis <= 480; basis *= 2) {
    Spectra::SymEigsSolver<ShiftedLaplacian> solver(op, count, std::min(op.rows(), basis));
    solver.init();
    solver.compute(Spectra::SortRule::LargestAlge, kMostRestarts, kTolerance);
    if (solver.info() == Spectra::CompInfo::Successful) {
      return {solver.eigenvalues(), solver.eigenvectors()};
    }
  }
  throw NumericError("Laplacian encoding: Lanczos did not converge");
}

// Puts `extra` among `pairs` by its value and drops the last one.
void insert_pair(Eigenpairs& pairs, const Eigenpairs& extra) {
  Index i = pairs.values.size() - 1;
  for (; i > 0 && pairs.values[i - 1] < extra.values[0]; --i) {
    pairs.values[i] = pairs.values[i - 1];
    pairs.vectors.col(i) = pairs.vectors.col(i - 1).eval();
  }
  pairs.values[i] = extra.values[0];
  pairs.vectors.col(i) = extra.vectors.col(0);
}

// Lanczos sees a repeated eigenvalue once (heads and neurons are interchangeable, so they are
// common): look for missed copies in what the pairs found leave over, until none is left.
Eigenpairs sparse_pairs(ShiftedLaplacian& op, Index count) {
  Eigenpairs pairs = lanczos(op, count);
  for (;;) {
    op.deflate(pairs.vectors, pairs.values);
    const Eigenpairs rest = lanczos(op, 1);
    if (rest.values[0] <= pairs.values[count - 1] + kSameValue) break;
    insert_pair(pairs, rest);
  }
  op.deflate({}, {});
  return pairs;
}

void check_residual(const ShiftedLaplacian& op, const Eigenpairs& pairs) {
  VectorXd image(op.rows());
  for (Index j = 0; j < pairs.values.size(); ++j) {
    op.perform_op(pairs.vectors.col(j).data(), image.data());
    const double residual = (image - pairs.values[j] * pairs.vectors.col(j)).cwiseAbs().maxCoeff();
    // Written so that NaN fails, too.
    if (residual <= kMostResidual) continue;
    throw NumericError(
        fmt::format("Laplacian encoding: residual {:.1e} of eigenvector {}, expected at most {}",
                    residual, j, kMostResidual));
  }
}

}  // namespace

LaplacianEncoding laplacian_encoding(const NeuralGraph& graph, int64_t dim, uint64_t seed) {
  const int64_t n = graph.num_nodes;
  if (n < dim + 1) {
    throw DataError(
        fmt::format("the graph has {} nodes, expected at least {} for a Laplacian encoding of {}",
                    n, dim + 1, dim));
  }
  const Neighbours neighbours(graph);
  ShiftedLaplacian op(neighbours);
  const Eigenpairs pairs = n < kDenseNodes ? dense_pairs(op, dim + 1) : sparse_pairs(op, dim + 1);
  check_residual(op, pairs);

  const Stream signs(seed, "lpe-sign");
  LaplacianEncoding encoding;
  encoding.pos.resize(static_cast<size_t>(n * dim));
  for (int64_t j = 0; j < dim; ++j) {
    encoding.eigenvalues.push_back(2 - pairs.values[j + 1]);
    const double scale = (signs.bits32(uint64_t(j)) & 1 ? -1 : 1) / pairs.vectors.col(j + 1).norm();
    for (int64_t i = 0; i < n; ++i) {
      encoding.pos[size_t(i * dim + j)] = static_cast<float>(scale * pairs.vectors(i, j + 1));
    }
  }
  return encoding;
}

}  // namespace tenfold::nino_nowcast
