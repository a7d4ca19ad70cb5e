// Whether frozen features tell the stimulus: logistic regression over grouped splits
// (specification, section 3.9).
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <string>
#include <vector>

#include "tools/samba-align/labelled_windows.h"
#include "tools/samba-align/parts.h"

namespace tenfold::samba_align {

// One row a window, or the windows' inner products, of which the principal components of every
// split's training windows are taken.
struct FeatureSet {
  std::string name;
  Eigen::MatrixXd x;       // [windows, features]
  Eigen::MatrixXd gram;    // [windows, windows]; empty: x are the features
  int64_t components = 0;  // of the Gram matrix, at most
};

// Numbers of windows.
struct WindowSplit {
  std::vector<int64_t> train, test;
};

// Fitted on the training part, scored on the test part.
std::vector<WindowSplit> split_by_parts(const std::vector<LabelledWindow>& windows);
// The test part in `folds` folds, contiguous in time, each scored by what the others teach; windows
// of `frames` frames that cross a border are left out.
std::vector<WindowSplit> split_by_folds(const std::vector<LabelledWindow>& windows,
                                        const Part& test, int64_t folds, int64_t frames);
// Each subject's test part, scored by what the other subjects' training parts teach.
std::vector<WindowSplit> split_by_subjects(const std::vector<LabelledWindow>& windows);

struct ClassifierOptions {
  double c = 0.1;  // inverse strength of the prior
  bool standardise = true;
};

struct ClassificationScores {
  std::vector<int64_t> categories;              // ascending: of all windows of the splits
  std::vector<std::vector<int64_t>> confusion;  // [true][predicted]
  int64_t train = 0, test = 0;                  // windows, over all splits
  int64_t features = 0, iterations = 0;         // the most of any split
  double accuracy = 0, majority = 0, chance = 0;
  double balanced_accuracy = 0;  // mean recall of the categories that the test windows have
};

// The predictions of all splits together. Every window has a label of 0 or more. Throws DataError
// where a split has no window to test or fewer than two categories to learn.
ClassificationScores classify_windows(const FeatureSet& features,
                                      const std::vector<LabelledWindow>& windows,
                                      const std::vector<WindowSplit>& splits,
                                      const ClassifierOptions& options);

// Scores of the windows' first principal components, [windows, at most `components`]: the
// components are those of the windows `train`, `gram` [windows, windows] holds the inner products.
// Components without variance are left out.
Eigen::MatrixXd principal_scores(const Eigen::MatrixXd& gram, const std::vector<int64_t>& train,
                                 int64_t components);

}  // namespace tenfold::samba_align
