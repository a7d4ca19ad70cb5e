// A recurrent network on windows of counts, or on whole trials of them (specification, section
// 6.5).
#pragma once

#include <cstdint>
#include <functional>

#include "tools/poyo-decode/gru_network.h"
#include "tools/poyo-decode/neural_fit.h"
#include "tools/poyo-decode/windows.h"

namespace tenfold::poyo_decode {

constexpr int64_t kGruBatch = 8, kGruEpochs = 100;

// The stretches of a session that a recurrent network reads.
struct GruSequences {
  std::vector<Sequence> valid, test;
  int64_t skipped = 0;  // intervals of the test domain that are shorter than a window
  // Those of a training batch; a function of the step.
  std::function<std::vector<Sequence>(int64_t step)> batch;
  int64_t steps_per_epoch = 0;
};

// Windows of `window` seconds in bins of `bin`, drawn over the trials of `training` as POYO's are
// (Sampling::kTrials), and for valid and test trials those of evaluation_windows. Counts are
// multiplied by `scale` [units]. The session must outlive what is returned. Throws DataError where
// no training trial is as long as a window.
GruSequences window_sequences(const Session& session, const Intervals& training, double window,
                              double bin, const Eigen::VectorXd& scale, uint64_t seed);

// Whole trials of sample_bins, one query a row.
GruSequences trial_sequences(const Session& session, const BinnedRows& rows,
                             const Intervals& training, const Eigen::VectorXd& scale,
                             uint64_t seed);

class GruDecoder : public NeuralDecoder {
 public:
  GruDecoder(const Session& session, GruSequences sequences, int64_t hidden, uint64_t seed);

  const train::Parameters& parameters() const override { return parameters_; }
  int64_t steps_per_epoch() const override { return sequences_.steps_per_epoch; }
  at::Tensor loss(int64_t step) override;  // plain MSE over all samples of 8 sequences
  std::optional<double> valid_r2() const override;
  RowScore score() const override;  // samples in several windows have their mean; no bins

 private:
  SessionScore decoded(const std::vector<Sequence>& sequences, const Intervals& where) const;

  const Session& session_;
  GruSequences sequences_;
  uint64_t seed_;
  train::Parameters parameters_;
  GruNetwork network_;
};

}  // namespace tenfold::poyo_decode
