#include "tools/poyo-decode/neural_fit.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/ones.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/autograd.h>

#include <cmath>

#include "common/core/error.h"
#include "common/core/philox.h"
#include "common/kernels/dropout.h"
#include "common/train/flat_optimizer.h"

namespace tenfold::poyo_decode {

NeuralScore fit(NeuralDecoder& decoder, const NeuralSetting& setting, int64_t epochs) {
  const train::Parameters& p = decoder.parameters();
  train::OptimizerOptions options;
  options.lr = setting.lr;
  options.weight_decay = setting.weight_decay;
  train::FlatOptimizer optimizer(options, p.values().numel(), at::kCPU);
  std::optional<double> best;
  at::Tensor kept;
  int64_t kept_epoch = epochs;
  for (int64_t epoch = 1; epoch <= epochs; ++epoch) {
    for (int64_t i = 0; i < decoder.steps_per_epoch(); ++i) {
      const int64_t step = (epoch - 1) * decoder.steps_per_epoch() + i;
      p.gradient().zero_();
      const at::Tensor loss = decoder.loss(step);
      if (!loss.defined()) continue;
      torch::autograd::backward({loss}, {});
      optimizer.step(p.values(), p.gradient());
      if (!std::isfinite(loss.item<double>()))
        throw NumericError(fmt::format("the loss is not finite at step {} (lr {}, weight decay {})",
                                       step, setting.lr, setting.weight_decay));
    }
    const std::optional<double> r2 = decoder.valid_r2();
    if (!r2 || (best && *r2 <= *best)) continue;
    best = r2;
    kept = p.values().clone();
    kept_epoch = epoch;
  }
  const at::NoGradGuard guard;
  if (kept.defined()) p.values().copy_(kept);
  NeuralScore out;
  static_cast<RowScore&>(out) = decoder.score();
  out.setting = setting;
  out.epoch = kept_epoch;
  return out;
}

at::Tensor dropped(const at::Tensor& x, double rate, uint64_t seed, int64_t step, int64_t site) {
  const Stream stream(seed, "dropout", uint64_t(step));
  const at::Tensor mask = at::ones(x.sizes(), at::TensorOptions().dtype(at::kFloat));
  float* data = mask.data_ptr<float>();
  kernels::dropout(data, rate,
                   {stream.bits32(2 * uint64_t(site)), stream.bits32(2 * uint64_t(site) + 1)}, 0,
                   mask.numel(), data);
  return x * mask;
}

Eigen::VectorXd count_scale(const Eigen::MatrixXd& counts, const std::vector<int64_t>& train) {
  const Eigen::MatrixXd chosen = rows_of(counts, train);
  Eigen::VectorXd scale = Eigen::VectorXd::Zero(counts.cols());
  for (Eigen::Index unit = 0; unit < counts.cols() && !train.empty(); ++unit) {
    const double deviation =
        std::sqrt((chosen.col(unit).array() - chosen.col(unit).mean()).square().mean());
    if (deviation > 0) scale(unit) = 1 / deviation;
  }
  return scale;
}

at::Tensor scaled_counts(const Eigen::MatrixXd& counts, const Eigen::VectorXd& scale) {
  const at::Tensor out =
      at::empty({counts.rows(), counts.cols()}, at::TensorOptions().dtype(at::kFloat));
  using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Eigen::Map<RowMajor>(out.data_ptr<float>(), counts.rows(), counts.cols()) =
      (counts * scale.asDiagonal()).cast<float>();
  return out;
}

}  // namespace tenfold::poyo_decode
