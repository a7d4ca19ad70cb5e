#include "tools/samba-align/classification.h"

#include <fmt/format.h>

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <set>

#include "common/core/error.h"
#include "common/stats/logistic_regression.h"

namespace tenfold::samba_align {
namespace {

using Eigen::MatrixXd;
using Eigen::RowVectorXd;
using Eigen::VectorXd;

constexpr double kRounding = 1e-12;  // of the greatest variance: below it, none

MatrixXd rows_of(const MatrixXd& x, const std::vector<int64_t>& rows) {
  MatrixXd out(int64_t(rows.size()), x.cols());
  for (size_t i = 0; i < rows.size(); ++i) out.row(int64_t(i)) = x.row(rows[i]);
  return out;
}

int64_t place_of(const std::vector<int64_t>& categories, int64_t label) {
  return std::lower_bound(categories.begin(), categories.end(), label) - categories.begin();
}

std::vector<int64_t> categories_of(const std::vector<LabelledWindow>& windows,
                                   const std::vector<int64_t>& chosen) {
  std::set<int64_t> found;
  for (const int64_t i : chosen) found.insert(windows[size_t(i)].label);
  return {found.begin(), found.end()};
}

// To mean 0 and deviation 1 on the training rows; what does not vary there becomes 0.
void standardise(MatrixXd& train, MatrixXd& test) {
  const RowVectorXd mean = train.colwise().mean();
  train.rowwise() -= mean;
  test.rowwise() -= mean;
  const RowVectorXd deviation = (train.colwise().squaredNorm() / double(train.rows())).cwiseSqrt();
  const RowVectorXd scale =
      (deviation.array() > kRounding * mean.array().abs()).select(deviation.cwiseInverse(), 0.0);
  train = train.array().rowwise() * scale.array();
  test = test.array().rowwise() * scale.array();
}

void add_rates(ClassificationScores& s) {
  double right = 0, recall = 0, present = 0, most = 0;
  for (size_t k = 0; k < s.categories.size(); ++k) {
    double count = 0;
    for (const int64_t n : s.confusion[k]) count += double(n);
    right += double(s.confusion[k][k]);
    most = std::max(most, count);
    if (count == 0) continue;
    recall += double(s.confusion[k][k]) / count;
    ++present;
  }
  s.accuracy = right / double(s.test);
  s.majority = most / double(s.test);
  s.balanced_accuracy = recall / present;
  s.chance = 1 / double(s.categories.size());
}

}  // namespace

std::vector<WindowSplit> split_by_parts(const std::vector<LabelledWindow>& windows) {
  WindowSplit split;
  for (size_t i = 0; i < windows.size(); ++i) {
    if (windows[i].part == 0) split.train.push_back(int64_t(i));
    if (windows[i].part == 2) split.test.push_back(int64_t(i));
  }
  return {split};
}

std::vector<WindowSplit> split_by_folds(const std::vector<LabelledWindow>& windows,
                                        const Part& test, int64_t folds, int64_t frames) {
  std::vector<int64_t> in_time = frame_numbers(test);
  std::sort(in_time.begin(), in_time.end());
  // Of a window of the test part; none where it crosses a border.
  const auto fold_of = [&](const LabelledWindow& w) {
    const auto of_frame = [&](int64_t f) {
      const auto at = std::lower_bound(in_time.begin(), in_time.end(), f);
      return (at - in_time.begin()) * folds / int64_t(in_time.size());
    };
    const int64_t first = of_frame(w.start);
    return first == of_frame(w.start + (frames - 1) * w.stride) ? first : int64_t(-1);
  };
  std::vector<WindowSplit> splits(static_cast<size_t>(folds));
  for (size_t i = 0; i < windows.size(); ++i) {
    const int64_t fold = windows[i].part == 2 ? fold_of(windows[i]) : -1;
    for (int64_t f = 0; fold >= 0 && f < folds; ++f) {
      WindowSplit& split = splits[size_t(f)];
      (f == fold ? split.test : split.train).push_back(int64_t(i));
    }
  }
  return splits;
}

std::vector<WindowSplit> split_by_subjects(const std::vector<LabelledWindow>& windows) {
  std::set<size_t> subjects;
  for (const LabelledWindow& w : windows) subjects.insert(w.subject);
  std::vector<WindowSplit> splits;
  for (const size_t subject : subjects) {
    WindowSplit& split = splits.emplace_back();
    for (size_t i = 0; i < windows.size(); ++i) {
      const bool own = windows[i].subject == subject;
      if (own && windows[i].part == 2) split.test.push_back(int64_t(i));
      if (!own && windows[i].part == 0) split.train.push_back(int64_t(i));
    }
  }
  return splits;
}

ClassificationScores classify_windows(const FeatureSet& features,
                                      const std::vector<LabelledWindow>& windows,
                                      const std::vector<WindowSplit>& splits,
                                      const ClassifierOptions& options) {
  ClassificationScores scores;
  std::vector<int64_t> all;
  for (const WindowSplit& split : splits) {
    all.insert(all.end(), split.train.begin(), split.train.end());
    all.insert(all.end(), split.test.begin(), split.test.end());
  }
  scores.categories = categories_of(windows, all);
  const size_t count = scores.categories.size();
  scores.confusion.assign(count, std::vector<int64_t>(count));
  for (const WindowSplit& split : splits) {
    const std::vector<int64_t> learned = categories_of(windows, split.train);
    if (split.test.empty() || learned.size() < 2) {
      throw DataError(
          fmt::format("found {} labelled windows to test and {} categories to learn in a split, "
                      "expected 1 and 2 at least",
                      split.test.size(), learned.size()));
    }
    const MatrixXd x = features.gram.size() == 0
                           ? features.x
                           : principal_scores(features.gram, split.train, features.components);
    MatrixXd train = rows_of(x, split.train), test = rows_of(x, split.test);
    if (options.standardise) standardise(train, test);
    std::vector<int64_t> category;
    for (const int64_t i : split.train)
      category.push_back(place_of(learned, windows[size_t(i)].label));
    const stats::LogisticRegression fit(train, category, int64_t(learned.size()), options.c);
    const std::vector<int64_t> predicted = fit.predict(test);
    for (size_t i = 0; i < split.test.size(); ++i) {
      const int64_t truth = windows[size_t(split.test[i])].label;
      const int64_t found = learned[size_t(predicted[i])];
      ++scores.confusion[size_t(place_of(scores.categories, truth))]
                        [size_t(place_of(scores.categories, found))];
    }
    scores.train += int64_t(split.train.size());
    scores.test += int64_t(split.test.size());
    scores.features = std::max(scores.features, int64_t(x.cols()));
    scores.iterations = std::max(scores.iterations, fit.outcome().iterations);
  }
  add_rates(scores);
  return scores;
}

MatrixXd principal_scores(const MatrixXd& gram, const std::vector<int64_t>& train,
                          int64_t components) {
  // Inner products with the training windows, of deviations from the training mean.
  MatrixXd known(gram.rows(), int64_t(train.size()));
  for (size_t j = 0; j < train.size(); ++j) known.col(int64_t(j)) = gram.col(train[j]);
  const RowVectorXd mean = rows_of(known, train).colwise().mean();
  known.rowwise() -= mean;
  known.colwise() -= VectorXd(known.rowwise().mean());
  const Eigen::SelfAdjointEigenSolver<MatrixXd> solver(rows_of(known, train));
  const VectorXd& values = solver.eigenvalues();  // ascending
  const int64_t most = std::min(components, values.size() - 1);
  int64_t kept = 0;
  while (kept < most && values[values.size() - 1 - kept] > kRounding * values[values.size() - 1])
    ++kept;
  MatrixXd scores(gram.rows(), kept);
  for (int64_t k = 0; k < kept; ++k) {
    const int64_t at = values.size() - 1 - k;
    scores.col(k) = known * solver.eigenvectors().col(at) / std::sqrt(values[at]);
  }
  return scores;
}

}  // namespace tenfold::samba_align
