// How the small networks of single sessions are fitted (specification, sections 6.4 and 6.5):
// AdamW at a constant rate, the epoch of the best R2 on the valid trials kept.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>

#include "common/train/parameters.h"
#include "tools/poyo-decode/row_score.h"

namespace tenfold::poyo_decode {

struct NeuralSetting {
  int64_t hidden = 256;
  double lr = 1e-3, weight_decay = 1e-2;
};

// A network and the session that it is to decode.
class NeuralDecoder {
 public:
  virtual ~NeuralDecoder() = default;
  virtual const train::Parameters& parameters() const = 0;
  virtual int64_t steps_per_epoch() const = 0;
  // Of training batch `step`, with dropout; undefined where the batch has no sample.
  virtual at::Tensor loss(int64_t step) = 0;
  virtual std::optional<double> valid_r2() const = 0;  // none: nothing is scored there
  virtual RowScore score() const = 0;
};

struct NeuralScore : RowScore {
  NeuralSetting setting;
  int64_t epoch = 0;  // whose weights were kept, from 1; without a valid R2 the last
};

// Throws NumericError where a loss is NaN or inf.
NeuralScore fit(NeuralDecoder& decoder, const NeuralSetting& setting, int64_t epochs);

// x with each element 0 with probability `rate`, else x / (1 - rate); `site` tells the layers of
// one step apart. A function of (seed, step, site).
at::Tensor dropped(const at::Tensor& x, double rate, uint64_t seed, int64_t step, int64_t site);

// [rows, units] float32: counts over their standard deviation over the rows `train`; 0 for units
// that do not vary there, of which nothing was learned.
at::Tensor scaled_counts(const Eigen::MatrixXd& counts, const Eigen::VectorXd& scale);
Eigen::VectorXd count_scale(const Eigen::MatrixXd& counts, const std::vector<int64_t>& train);

}  // namespace tenfold::poyo_decode
