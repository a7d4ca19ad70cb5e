#include "tools/samba-align/classification.h"

#include <Eigen/SVD>
#include <catch2/catch.hpp>
#include <cmath>

#include "common/core/error.h"
#include "common/core/philox.h"

namespace tenfold::samba_align {
namespace {

using Eigen::MatrixXd;

MatrixXd normal(int64_t rows, int64_t columns, const char* name) {
  const Stream stream(3, name);
  MatrixXd x(rows, columns);
  for (int64_t i = 0; i < rows; ++i)
    for (int64_t j = 0; j < columns; ++j) x(i, j) = stream.normal(uint64_t(i * columns + j));
  return x;
}

// Training windows 0 .. train - 1, then those of the test part, with the labels given.
std::vector<LabelledWindow> windows_of(const std::vector<int64_t>& labels, size_t train) {
  std::vector<LabelledWindow> windows;
  for (size_t i = 0; i < labels.size(); ++i)
    windows.push_back({0, int64_t(i), i < train ? 0 : 2, labels[i]});
  return windows;
}

std::vector<int64_t> drawn_labels(int64_t count, int64_t categories) {
  const Stream stream(1, "labels");
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < count; ++i)
    labels.push_back(int64_t(stream.below(uint64_t(i), uint64_t(categories))));
  return labels;
}

}  // namespace

TEST_CASE("scores are those of the confusion counted by hand") {
  // One feature that is the label, but for the third test window, which looks like category 7.
  const std::vector<int64_t> labels = {2, 7, 2, 7, 2, 7, 2, 2, 2, 7};
  MatrixXd x(10, 1);
  x << -1, 1, -1, 1, -1, 1, -1, -1, 1, 1;
  const auto windows = windows_of(labels, 6);
  const ClassificationScores s =
      classify_windows({"x", x, {}, 0}, windows, split_by_parts(windows), {});
  CHECK(s.categories == std::vector<int64_t>{2, 7});
  CHECK(s.confusion == std::vector<std::vector<int64_t>>{{2, 1}, {0, 1}});
  CHECK(s.train == 6);
  CHECK(s.test == 4);
  CHECK(s.accuracy == Approx(3.0 / 4));
  CHECK(s.balanced_accuracy == Approx((2.0 / 3 + 1) / 2));
  CHECK(s.majority == Approx(3.0 / 4));
  CHECK(s.chance == Approx(1.0 / 2));
}

TEST_CASE("features of the category are told, those of nothing are not") {
  const int64_t n = 600, categories = 4;
  const std::vector<int64_t> labels = drawn_labels(n, categories);
  const auto windows = windows_of(labels, 400);
  MatrixXd x = normal(n, 6, "x");
  const auto accuracy = [&](bool standardise) {
    ClassifierOptions options;
    options.standardise = standardise;
    return classify_windows({"x", x, {}, 0}, windows, split_by_parts(windows), options).accuracy;
  };
  // Chance 1/4, with a binomial deviation of .03 over 200 windows.
  CHECK(std::abs(accuracy(true) - 0.25) < 0.1);
  for (int64_t i = 0; i < n; ++i) x(i, labels[size_t(i)]) += 6;
  CHECK(accuracy(true) > 0.98);
  // Scale and offset of a feature do not matter, but where nothing is standardised.
  x *= 1e-4;
  x.array() += 3;
  CHECK(accuracy(true) > 0.98);
  CHECK(accuracy(false) < 0.5);
}

TEST_CASE("folds lie in the test part, and no frame is learned from and tested") {
  std::vector<LabelledWindow> windows;
  for (int64_t start = 0; start + 15 <= 300; start += 3)
    windows.push_back({0, start, start < 150 ? 0 : 2, 0});
  const Part test = {{150, 300}};
  const auto splits = split_by_folds(windows, test, 5, 15);
  REQUIRE(splits.size() == 5);
  size_t tested = 0;
  for (size_t f = 0; f < 5; ++f) {
    tested += splits[f].test.size();
    CHECK(splits[f].test.size() == 6);  // 30 frames hold windows at 0, 3, .. 15
    CHECK(splits[f].train.size() == 4 * 6);
    for (const int64_t i : splits[f].test) {
      CHECK(windows[size_t(i)].start >= 150 + 30 * int64_t(f));
      CHECK(windows[size_t(i)].start + 15 <= 180 + 30 * int64_t(f));
      for (const int64_t j : splits[f].train)
        CHECK(std::abs(windows[size_t(i)].start - windows[size_t(j)].start) >= 15);
    }
  }
  CHECK(tested == 30);
}

TEST_CASE("a subject is scored by what others teach") {
  std::vector<LabelledWindow> windows;
  for (size_t s = 0; s < 3; ++s)
    for (int64_t part = 0; part < 3; ++part) windows.push_back({s, 10 * part, part, 0});
  const auto splits = split_by_subjects(windows);
  REQUIRE(splits.size() == 3);
  CHECK(splits[1].test == std::vector<int64_t>{5});
  CHECK(splits[1].train == std::vector<int64_t>{0, 6});
}

TEST_CASE("principal scores through the Gram matrix are those of the singular vectors") {
  const MatrixXd x = normal(12, 30, "x");
  const std::vector<int64_t> train = {0, 2, 3, 5, 7, 8, 11};
  const MatrixXd found = principal_scores(x * x.transpose(), train, 4);
  MatrixXd known(7, 30);
  for (int64_t i = 0; i < 7; ++i) known.row(i) = x.row(train[size_t(i)]);
  const Eigen::RowVectorXd mean = known.colwise().mean();
  const Eigen::JacobiSVD<MatrixXd> svd(known.rowwise() - mean, Eigen::ComputeThinV);
  const MatrixXd expected = (x.rowwise() - mean) * svd.matrixV().leftCols(4);
  REQUIRE(found.cols() == 4);
  for (int64_t k = 0; k < 4; ++k) {
    const double sign = found.col(k).dot(expected.col(k)) > 0 ? 1 : -1;
    CHECK((found.col(k) - sign * expected.col(k)).norm() < 1e-10 * expected.col(k).norm());
  }
  // Seven windows have six directions about their mean.
  CHECK(principal_scores(x * x.transpose(), train, 100).cols() == 6);
}

TEST_CASE("a split with nothing to learn is refused") {
  const auto windows = windows_of({1, 1, 1, 1}, 2);
  const MatrixXd x = normal(4, 2, "x");
  CHECK_THROWS_AS(classify_windows({"x", x, {}, 0}, windows, split_by_parts(windows), {}),
                  DataError);
}

}  // namespace tenfold::samba_align
