#include "tools/rich-lazy/recipes.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "common/io/scratch_for_test.h"

namespace tenfold::rich_lazy {
namespace {

const Stream kStream(5, "recipe");

// Of pairs of entries that `pairs` sums up.
double correlation(const Matrix& m, double mean_product) {
  return mean_product / (m.squaredNorm() / double(m.size()));
}

double reciprocal_correlation(const Matrix& m) {
  const double all = m.cwiseProduct(m.transpose()).sum() - m.diagonal().squaredNorm();
  return correlation(m, all / double(m.size() - m.rows()));
}

double chain_correlation(const Matrix& m) {
  // sum over i, j, k of W_ij W_jk, but for what stands at i = k or a diagonal.
  const Matrix off = m - Matrix(m.diagonal().asDiagonal());
  const Matrix two = off * off;
  const double n = double(m.rows());
  return correlation(m, (two.sum() - two.trace()) / (n * (n - 1) * (n - 2)));
}

}  // namespace

TEST_CASE("the Gaussian has variance g^2 / N") {
  const Matrix m = gaussian(kStream, 300, 1.25);
  CHECK(m.squaredNorm() / 300 == Approx(1.25 * 1.25).epsilon(0.02));
  CHECK(m.mean() == Approx(0).margin(0.001));
}

TEST_CASE("Dale's columns have one sign, and rows mean 0 where they are balanced") {
  const Matrix balanced = dale(kStream, 400, true), plain = dale(kStream, 400, false);
  CHECK((balanced.leftCols(320).array() >= 0).all());
  CHECK((balanced.rightCols(80).array() <= 0).all());
  CHECK(balanced.rightCols(80).isApprox(4 * plain.rightCols(80)));
  CHECK(balanced.mean() == Approx(0).margin(0.02));
  CHECK(plain.mean() == Approx(0.6 * std::sqrt(2 / M_PI)).epsilon(0.02));
}

TEST_CASE("motifs have the reciprocal and the chain correlation that was asked for") {
  const Matrix plain = motif(kStream, 400, 0, 0), twice = motif(kStream, 400, 0.6, 0),
               against = motif(kStream, 400, -0.4, 0), chains = motif(kStream, 400, 0, 0.3);
  CHECK(reciprocal_correlation(plain) == Approx(0).margin(0.02));
  CHECK(reciprocal_correlation(twice) == Approx(0.6).margin(0.02));
  CHECK(reciprocal_correlation(against) == Approx(-0.4).margin(0.02));
  CHECK(chain_correlation(plain) == Approx(0).margin(0.01));
  CHECK(chain_correlation(chains) == Approx(0.3).margin(0.05));
  CHECK(twice.squaredNorm() / double(twice.size()) == Approx(1).epsilon(0.03));
  // Both 0: the Gaussian's own numbers.
  CHECK(plain.isApprox(gaussian(kStream, 400, 1) * 20));
}

TEST_CASE("a matrix along the task has rank 1 and the direction between the means") {
  Vector a(3), b(3);
  a << 1, 2, 0;
  b << 1, 0, 2;
  Matrix wanted(3, 3);
  wanted << 0, 0, 0, 0, 0.5, -0.5, 0, -0.5, 0.5;
  CHECK(aligned(a, b).isApprox(wanted));
  CHECK_THROWS_AS(aligned(a, a), NumericError);
}

TEST_CASE("shuffled entries are the same numbers elsewhere") {
  const Matrix m = gaussian(kStream, 20, 1), s = shuffle_entries(Stream(1, "s"), m);
  CHECK_FALSE(s.isApprox(m));
  std::vector<double> before(m.data(), m.data() + m.size()), after(s.data(), s.data() + s.size());
  std::sort(before.begin(), before.end());
  std::sort(after.begin(), after.end());
  CHECK(before == after);
}

TEST_CASE("shuffled targets keep every unit's connections in and out, and what it sends") {
  Matrix m = gaussian(kStream, 40, 1);
  for (int64_t i = 0; i < m.size(); ++i) {
    if (kStream.uniform(uint64_t(5000 + i)) < 0.8) m.data()[i] = 0;
  }
  const Matrix s = shuffle_targets(Stream(1, "s"), m);
  const auto ones = [](const Matrix& w) { return Matrix((w.array() != 0).cast<double>()); };
  CHECK(ones(m).rowwise().sum() == ones(s).rowwise().sum());
  CHECK(ones(m).colwise().sum() == ones(s).colwise().sum());
  CHECK(m.colwise().sum().isApprox(s.colwise().sum(), 1e-12));
  CHECK(ones(m).cwiseProduct(ones(s)).sum() < 0.5 * ones(m).sum());
}

TEST_CASE("blocks connect types by their probability, weight and sign") {
  const io::Scratch folder;
  io::write_file_atomic(folder / "types.csv", "type,fraction,sign\nE,0.7,1\nI,0.3,-1\n");
  io::write_file_atomic(folder / "pairs.csv",
                        "type_pre,type_post,p,mean_weight\nE,E,0.5,2\nI,E,1,3\nE,I,0.1,4\n");
  const BlockTypes types = read_block_types(folder / "types.csv", folder / "pairs.csv");
  const Matrix m = block(kStream, 200, types);
  const Matrix ee = m.topLeftCorner(140, 140), ie = m.topRightCorner(140, 60),
               ei = m.bottomLeftCorner(60, 140), ii = m.bottomRightCorner(60, 60);
  CHECK(((ee.array() == 0) || (ee.array() == 2)).all());
  CHECK((ee.array() != 0).cast<double>().mean() == Approx(0.5).margin(0.02));
  CHECK((ie.array() == -3).all());
  CHECK((ei.array() != 0).cast<double>().mean() == Approx(0.1).margin(0.02));
  CHECK((ii.array() == 0).all());
}

TEST_CASE("block files that make no sense are refused with their line") {
  const io::Scratch folder;
  const auto refused = [&](const std::string& types, const std::string& pairs,
                           const std::string& words) {
    io::write_file_atomic(folder / "t.csv", types);
    io::write_file_atomic(folder / "p.csv", pairs);
    const io::Outcome o =
        io::outcome_of([&] { read_block_types(folder / "t.csv", folder / "p.csv"); });
    CAPTURE(o.message);
    CHECK(o.code == ExitCode::kBadData);
    CHECK(o.says(words));
  };
  const std::string types = "type,fraction,sign\nE,1,1\n",
                    pairs = "type_pre,type_post,p,mean_weight\n";
  refused("type,fraction,sign\nE,0.7,1\n", pairs + "E,E,1,1\n", "found a sum of 0.7, expected 1");
  refused("type,fraction,sign\nE,1,1\nE,0,1\n", pairs + "E,E,1,1\n",
          "t.csv:3: type E stands twice");
  refused("type,sign\nE,1\n", pairs + "E,E,1,1\n", "expected one called fraction");
  refused(types, pairs + "E,X,1,1\n", "p.csv:2: type_post: found X");
  refused(types, pairs + "E,E,1.5,1\n", "p.csv:2: p: found 1.5, expected 0..1");
  refused(types, pairs + "E,E,1,1\nE,E,1,2\n", "p.csv:3: the pair E, E stands twice");
}

}  // namespace tenfold::rich_lazy
