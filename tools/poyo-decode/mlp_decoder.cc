#include "tools/poyo-decode/mlp_decoder.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/as_strided.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/mse_loss.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <limits>

#include "common/core/error.h"
#include "common/core/philox.h"

namespace tenfold::poyo_decode {
namespace {

constexpr int64_t kRowsAtOnce = 1024;

at::Tensor index_of(const std::vector<int64_t>& rows) {
  return at::from_blob(const_cast<int64_t*>(rows.data()), {int64_t(rows.size())},
                       at::TensorOptions().dtype(at::kLong))
      .clone();
}

}  // namespace

MlpDecoder::MlpDecoder(const Session& session, const BinnedRows& rows, const MlpTaps& taps,
                       const Intervals& training, int64_t hidden, uint64_t seed)
    : session_(session),
      rows_(rows),
      seed_(seed),
      train_(rows_within(rows, training, false)),
      valid_(rows_within(rows, session.recording.valid_domain, true)),
      parameters_(seed) {
  if (train_.empty()) throw DataError("no training trial has samples");
  const int64_t units = rows.counts.cols(), width = taps.before + taps.after + 1;
  // Groups stand apart by zeros in one long matrix, so that a row's features are a slice of it.
  int64_t places = 0;
  for (int64_t i = 0; i < rows.size(); ++i) {
    if (i > 0 && rows.group[size_t(i)] != rows.group[size_t(i - 1)])
      places += std::max(taps.before, taps.after);
    place_.push_back(places++);
  }
  const at::Tensor counts = scaled_counts(rows.counts, count_scale(rows.counts, train_));
  const at::Tensor padded = at::zeros({places + width - 1, units}, counts.options());
  padded.index_copy_(0, index_of(place_) + taps.before, counts);
  slices_ = padded.as_strided({places, width * units}, {units, 1});
  target_ = scaled_counts(rows.target, Eigen::VectorXd::Ones(2));
  first_ = train::Linear(parameters_, "first", width * units, hidden);
  second_ = train::Linear(parameters_, "second", hidden, hidden);
  out_ = train::Linear(parameters_, "out", hidden, 2);
  parameters_.flatten(at::kCPU);
}

int64_t MlpDecoder::steps_per_epoch() const {
  return (int64_t(train_.size()) + kMlpBatch - 1) / kMlpBatch;
}

at::Tensor MlpDecoder::features(const std::vector<int64_t>& rows) const {
  std::vector<int64_t> places;
  for (int64_t row : rows) places.push_back(place_[size_t(row)]);
  return slices_.index_select(0, index_of(places));
}

at::Tensor MlpDecoder::network(at::Tensor x, std::optional<int64_t> step) const {
  int64_t site = 0;
  for (const train::Linear* layer : {&first_, &second_}) {
    x = at::relu((*layer)(x));
    if (step) x = dropped(x, kMlpDropout, seed_, *step, site++);
  }
  return out_(x);
}

at::Tensor MlpDecoder::loss(int64_t step) {
  const int64_t epoch = step / steps_per_epoch(), first = step % steps_per_epoch() * kMlpBatch;
  const int64_t n = int64_t(train_.size());
  if (order_epoch_ != epoch) {
    order_ = Stream(seed_, "row-order", uint64_t(epoch)).permutation(n);
    order_epoch_ = epoch;
  }
  std::vector<int64_t> rows;
  for (int64_t i = first; i < std::min(n, first + kMlpBatch); ++i)
    rows.push_back(train_[size_t(order_[size_t(i)])]);
  return at::mse_loss(network(features(rows), step), target_.index_select(0, index_of(rows)));
}

void MlpDecoder::predict(const std::vector<int64_t>& rows, Eigen::MatrixXd& prediction) const {
  const at::NoGradGuard guard;
  for (size_t i = 0; i < rows.size(); i += size_t(kRowsAtOnce)) {
    const std::vector<int64_t> part(
        rows.begin() + int64_t(i),
        rows.begin() + std::min<int64_t>(int64_t(rows.size()), int64_t(i) + kRowsAtOnce));
    const at::Tensor out = network(features(part), std::nullopt).contiguous();
    const float* values = out.data_ptr<float>();
    for (size_t k = 0; k < part.size(); ++k)
      for (int64_t c = 0; c < 2; ++c) prediction(part[k], c) = values[2 * k + size_t(c)];
  }
}

std::optional<double> MlpDecoder::valid_r2() const {
  Eigen::MatrixXd prediction(rows_.size(), 2);
  predict(valid_, prediction);
  return r2_of_rows(rows_, valid_, prediction);
}

RowScore MlpDecoder::score() const {
  Eigen::MatrixXd prediction =
      Eigen::MatrixXd::Constant(rows_.size(), 2, std::numeric_limits<double>::quiet_NaN());
  predict(valid_, prediction);
  predict(rows_to_decode(rows_, session_.recording.test_domain), prediction);
  return score_rows(session_, rows_, prediction);
}

}  // namespace tenfold::poyo_decode
