// A multilayer perceptron on the counts around a bin (specification, section 6.4).
#pragma once

#include <cstdint>

#include "tools/poyo-decode/neural_fit.h"

namespace tenfold::poyo_decode {

// Rows before and after a bin whose counts are its inputs; 0 where they are in another group.
struct MlpTaps {
  int64_t before = 47, after = 2;
};

constexpr double kMlpDropout = 0.3;
constexpr int64_t kMlpBatch = 128, kMlpEpochs = 50;

// Two hidden layers with ReLU and dropout; plain MSE over the rows of `training`. Weights, dropout
// and order of the rows are functions of the seed. Throws DataError where no training trial has
// samples.
class MlpDecoder : public NeuralDecoder {
 public:
  MlpDecoder(const Session& session, const BinnedRows& rows, const MlpTaps& taps,
             const Intervals& training, int64_t hidden, uint64_t seed);

  const train::Parameters& parameters() const override { return parameters_; }
  int64_t steps_per_epoch() const override;
  at::Tensor loss(int64_t step) override;
  std::optional<double> valid_r2() const override;
  RowScore score() const override;

  at::Tensor features(
      const std::vector<int64_t>& rows) const;  // [rows, taps * units], oldest first

 private:
  at::Tensor network(at::Tensor x, std::optional<int64_t> step) const;
  void predict(const std::vector<int64_t>& rows, Eigen::MatrixXd& prediction) const;

  const Session& session_;
  const BinnedRows& rows_;
  uint64_t seed_;
  std::vector<int64_t> train_, valid_;  // rows
  std::vector<int64_t> place_;          // [rows] of slices_
  std::vector<int64_t> order_;          // of the training rows in epoch order_epoch_
  int64_t order_epoch_ = -1;
  at::Tensor slices_;  // [places, taps * units], slices of one matrix
  at::Tensor target_;  // [rows, 2]
  train::Parameters parameters_;
  train::Linear first_, second_, out_;
};

}  // namespace tenfold::poyo_decode
