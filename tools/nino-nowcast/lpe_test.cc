#include "tools/nino-nowcast/lpe.h"

#include <Eigen/Dense>
#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <set>

#include "common/core/error.h"
#include "common/io/safetensors.h"
#include "common/testing/skip.h"
#include "tools/nino-nowcast/fixtures_for_test.h"
#include "tools/nino-nowcast/sample_architectures_for_test.h"

namespace tenfold::nino_nowcast {
namespace {

using Eigen::MatrixXd;
using Eigen::VectorXd;

// L straight from its definition.
MatrixXd plain_laplacian(const NeuralGraph& g) {
  const Eigen::Index n = g.num_nodes;
  MatrixXd a = MatrixXd::Zero(n, n);
  for (size_t e = 0; e < g.source.size(); ++e) {
    if (g.source[e] == g.target[e]) continue;
    a(g.source[e], g.target[e]) = a(g.target[e], g.source[e]) = 1;
  }
  VectorXd scale = a.rowwise().sum();
  for (double& d : scale) d = d > 0 ? 1 / std::sqrt(d) : 0;
  return MatrixXd::Identity(n, n) - scale.asDiagonal() * a * scale.asDiagonal();
}

VectorXd column(const float* pos, int64_t n, int64_t dim, int64_t j) {
  VectorXd v(n);
  for (int64_t i = 0; i < n; ++i) v[i] = pos[i * dim + j];
  return v;
}

void check_against_dense(const NeuralGraph& g) {
  const LaplacianEncoding encoding = laplacian_encoding(g, 8, 3);
  const MatrixXd laplacian = plain_laplacian(g);
  const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(laplacian, Eigen::EigenvaluesOnly);
  MatrixXd vectors(g.num_nodes, 8);
  for (int64_t j = 0; j < 8; ++j) {
    const double value = encoding.eigenvalues[size_t(j)];
    REQUIRE(value == Approx(solver.eigenvalues()[j + 1]).margin(1e-9));
    vectors.col(j) = column(encoding.pos.data(), g.num_nodes, 8, j);
    REQUIRE((laplacian * vectors.col(j) - value * vectors.col(j)).cwiseAbs().maxCoeff() < 1e-6);
  }
  REQUIRE((vectors.transpose() * vectors - MatrixXd::Identity(8, 8)).cwiseAbs().maxCoeff() < 1e-5);
}

}  // namespace

TEST_CASE("the dense encoding solves the Laplacian of the simple graph") {
  check_against_dense(build_graph(sample_mlp({12, 9, 5}), {}));
  check_against_dense(build_graph(sample_conv({1, 8, 12, 12}, 10, true, true), {}));
  check_against_dense(build_graph(sample_gpt2(20, 8, 12, 3, 2), {}));
  check_against_dense(build_graph(sample_llama(15, 12, 6, 2, 2, 24, true), {}));
}

TEST_CASE("Lanczos finds the eigenvalues of the dense solver with every repetition") {
  const NeuralGraph gpt2 = build_graph(sample_gpt2(900, 64, 32, 4, 2), {});
  REQUIRE(gpt2.num_nodes > 1500);
  check_against_dense(gpt2);  // its 8th and 9th smallest eigenvalues are equal
  check_against_dense(build_graph(sample_llama(500, 24, 6, 2, 2, 48, true), {}));
}

TEST_CASE("Lanczos solves spectra of one repeated value, and long chains") {
  check_against_dense(build_graph(sample_mlp({1100, 5}), {}));
  check_against_dense(build_graph(sample_mlp(std::vector<int64_t>(120, 8)), {}));
}

TEST_CASE("an isolated node has 1 on the diagonal") {
  NeuralGraph g;
  g.num_nodes = 10;
  // A path of nine nodes, one edge in both directions, and a node with only its self-loop.
  for (int32_t i = 0; i < 8; ++i) {
    g.source.push_back(i);
    g.target.push_back(i + 1);
  }
  g.source.insert(g.source.end(), {1, 9});
  g.target.insert(g.target.end(), {0, 9});
  check_against_dense(g);
}

TEST_CASE("signs come from the seed and change nothing else") {
  const NeuralGraph g = build_graph(sample_mlp({12, 9, 5}), {});
  const LaplacianEncoding first = laplacian_encoding(g, 8, 0);
  REQUIRE(laplacian_encoding(g, 8, 0).pos == first.pos);
  std::set<float> factors;
  for (uint64_t seed = 1; seed < 9; ++seed) {
    const LaplacianEncoding other = laplacian_encoding(g, 8, seed);
    for (size_t i = 0; i < other.pos.size(); ++i) {
      if (std::abs(other.pos[i]) > 1e-3) factors.insert(other.pos[i] / first.pos[i]);
    }
  }
  REQUIRE(factors == std::set<float>{-1, 1});
}

TEST_CASE("a graph with too few nodes for the encoding is refused") {
  const NeuralGraph g = build_graph(sample_mlp({4, 3}), {});
  REQUIRE(g.num_nodes == 8);
  REQUIRE_THROWS_WITH(laplacian_encoding(g, 8, 0), Catch::Contains("8 nodes, expected at least 9"));
  REQUIRE(laplacian_encoding(g, 7, 0).pos.size() == 56);
}

TEST_CASE(
    "the columns of the parity samples are eigenvectors, and ours are the smallest eigenvalues") {
  const std::vector<std::string> stems = sample_stems();
  if (stems.empty()) TENFOLD_SKIP("no parity samples");
  for (const std::string& stem : stems) {
    const io::SafeTensors file = io::read_safetensors(stem + ".safetensors");
    if (!file.has("pos")) continue;
    CAPTURE(stem);
    const NeuralGraph g = build_graph(read_architecture(stem + ".json"), {});
    const io::Tensor& pos = file.at("pos", stem);
    const int64_t dim = pos.shape.at(1);
    REQUIRE(pos.shape.at(0) == g.num_nodes);
    const std::vector<float> values = pos.to_float32("pos");
    const LaplacianEncoding encoding = laplacian_encoding(g, dim, 0);
    const MatrixXd laplacian = plain_laplacian(g);
    const VectorXd smallest =
        Eigen::SelfAdjointEigenSolver<MatrixXd>(laplacian, Eigen::EigenvaluesOnly).eigenvalues();
    for (int64_t j = 0; j < dim; ++j) {
      CAPTURE(j);
      const VectorXd v = column(values.data(), g.num_nodes, dim, j);
      REQUIRE(v.norm() == Approx(1).margin(1e-4));
      const double quotient = v.dot(laplacian * v);
      REQUIRE((laplacian * v - quotient * v).cwiseAbs().maxCoeff() < 1e-5);
      // ARPACK may return one copy of a double eigenvalue and skip the other; the dense solver does
      // not.
      REQUIRE(encoding.eigenvalues[size_t(j)] <= quotient + 1e-5);
      REQUIRE(encoding.eigenvalues[size_t(j)] == Approx(smallest[size_t(j) + 1]).margin(1e-9));
    }
  }
}

}  // namespace tenfold::nino_nowcast
