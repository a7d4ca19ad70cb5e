#include "tools/prequential-icl/evaluation.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/log_softmax.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <cmath>

namespace tenfold::prequential_icl {
namespace {

constexpr int64_t kTokensAtOnce = 4096;
constexpr int64_t kContextsForDimension = 10, kMostVectors = 10000;

std::vector<double> to_vector(const at::Tensor& t) {
  const at::Tensor plain = t.to(at::kDouble).cpu().contiguous();
  return {plain.data_ptr<double>(), plain.data_ptr<double>() + plain.numel()};
}

// Summaries of some contexts of every batch, for their effective dimension.
class SummarySample {
 public:
  explicit SummarySample(const Stream& stream) : stream_(stream) {}

  void add(const at::Tensor& z) {
    for (int64_t i = 0; i < kContextsForDimension && count_ < kMostVectors; ++i) {
      const int64_t c = int64_t(stream_.below(draws_++, uint64_t(z.size(1))));
      const at::Tensor rows =
          z.select(1, c).narrow(0, 0, std::min(z.size(0), kMostVectors - count_));
      rows_.push_back(rows.clone());
      count_ += rows.size(0);
    }
  }
  std::optional<double> dimension() const {
    if (count_ < 2) return std::nullopt;
    const double d = effective_dimension(at::cat(rows_, 0));
    return std::isfinite(d) ? std::optional<double>(d) : std::nullopt;
  }

 private:
  Stream stream_;
  uint64_t draws_ = 0;
  int64_t count_ = 0;
  std::vector<at::Tensor> rows_;
};

struct Sums {
  CurveSum next, train, ood, excess, kl_to, kl_from;
};

void add_divergences(Sums& sums, const at::Tensor& prediction, const at::Tensor& oracle) {
  const at::Tensor model = at::log_softmax(prediction, -1), difference = model - oracle;
  sums.kl_to.add((model.exp() * difference).sum(-1));
  sums.kl_from.add((oracle.exp() * -difference).sum(-1));
}

}  // namespace

void CurveSum::add(const at::Tensor& losses) {
  if (!losses.defined()) return;
  const at::Tensor values = losses.to(at::kDouble);
  const at::Tensor sum = values.sum(0), squares = values.square().sum(0);
  sum_ = sum_.defined() ? sum_ + sum : sum;
  squares_ = squares_.defined() ? squares_ + squares : squares;
  count_ += losses.size(0);
}

Curve CurveSum::curve() const {
  Curve out;
  if (count_ == 0) return out;
  const std::vector<double> sum = to_vector(sum_), squares = to_vector(squares_);
  const double n = double(count_);
  for (size_t i = 0; i < sum.size(); ++i) {
    const double mean = sum[i] / n;
    out.mean.push_back(mean);
    const double variance = n > 1 ? std::max(0.0, (squares[i] - n * mean * mean) / (n - 1)) : 0;
    out.error.push_back(std::sqrt(variance / n));
  }
  return out;
}

double effective_dimension(const at::Tensor& z) {
  const at::Tensor x = z.to(at::kDouble), centred = x - x.mean(0, true);
  const at::Tensor covariance = at::mm(centred.t(), centred);
  // The trace is the sum of the variances, the squared Frobenius norm the sum of their squares.
  const double sum = covariance.trace().item<double>();
  return sum * sum / covariance.square().sum().item<double>();
}

double Evaluation::code_length() const {
  double sum = 0;
  for (size_t i = 0; i < next.mean.size(); ++i)
    if (contexts.first + int64_t(i) >= 1) sum += next.mean[i];
  return sum;
}

double Evaluation::mean_of(const Curve& curve) const {
  double sum = 0;
  for (double v : curve.mean) sum += v;
  return curve.empty() ? std::nan("") : sum / double(curve.mean.size());
}

Evaluation evaluate_learner(const Learner& learner, const DataShape& shape, const Batcher& batcher,
                            const MetaSplit& split, const Contexts& contexts, uint64_t seed,
                            const EvaluationOptions& options) {
  const at::NoGradGuard guard;
  const int64_t tasks =
      options.max_tasks > 0 ? std::min(options.max_tasks, split.tasks()) : split.tasks();
  const int64_t at_once = std::max<int64_t>(1, kTokensAtOnce / split.points());
  const bool polynomial = options.degree >= 0 && learner.spec().has_bottleneck() &&
                          learner.spec().predictor == "polynomial";
  Sums sums;
  SummarySample sample(Stream(seed, "evaluation/summaries"));
  for (int64_t first = 0; first < tasks; first += at_once) {
    const int64_t count = std::min(at_once, tasks - first);
    const Batch batch = batcher.evaluation(first, count, options.ood);
    const std::vector<int64_t> seen =
        draw_seen_points(contexts, Stream(seed, "evaluation/seen", uint64_t(first)));
    const ContextLosses losses =
        context_losses(learner, shape, batch, contexts, {true, true, options.ood}, seen);
    sums.next.add(losses.next);
    sums.train.add(losses.train);
    sums.ood.add(losses.ood);
    if (losses.summaries.defined()) sample.add(losses.summaries);
    if (polynomial && options.degree + 1 < losses.summaries.size(2)) {
      sums.excess.add(
          losses.summaries
              .narrow(2, options.degree + 1, losses.summaries.size(2) - options.degree - 1)
              .norm(2, -1));
    }
    if (options.oracle_log_p.defined() && first < options.oracle_log_p.size(0)) {
      const int64_t known = std::min(count, options.oracle_log_p.size(0) - first);
      add_divergences(sums, losses.next_prediction.narrow(0, 0, known),
                      options.oracle_log_p.narrow(0, first, known)
                          .narrow(1, contexts.first, contexts.count())
                          .to(losses.next_prediction.options()));
    }
  }
  Evaluation out;
  out.contexts = contexts;
  out.tasks = tasks;
  out.next = sums.next.curve();
  out.train = sums.train.curve();
  out.ood = sums.ood.curve();
  out.excess_norm = sums.excess.curve();
  out.kl_to_oracle = sums.kl_to.curve();
  out.kl_from_oracle = sums.kl_from.curve();
  out.effective_z_dim = sample.dimension();
  return out;
}

}  // namespace tenfold::prequential_icl
