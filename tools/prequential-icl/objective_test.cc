// Losses by context, evaluation, exact predictors.

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/inverse.h>
#include <ATen/ops/ones.h>

#include <catch2/catch.hpp>
#include <cmath>

#include "tools/prequential-icl/evaluation.h"
#include "tools/prequential-icl/exact_predictors.h"
#include "tools/prequential-icl/learner_program.h"
#include "tools/prequential-icl/task_source.h"

namespace tenfold::prequential_icl {
namespace {

TaskConfig config_of(const std::string& task, int64_t tasks, int64_t points) {
  TaskConfig c;
  c.task = task;
  c.small = true;
  c.n_tasks = 4;
  c.n_val_tasks = tasks;
  c.n_samples = points;
  c.resolve("");
  return c;
}

ModelSpec tiny(const std::string& arch, const DataShape& shape) {
  ModelSpec s;
  s.arch = arch;
  s.h_dim = s.pred_h_dim = 16;
  s.n_layers = 1;
  s.z_dim = 8;
  s.mamba_head_dim = 8;
  return fitted_spec(s, shape);
}

double item(const at::Tensor& t) { return t.item<double>(); }

}  // namespace

TEST_CASE("context c asks about point c + 1, and train-risk about a point that it holds") {
  const at::NoGradGuard guard;
  const TaskConfig config = config_of("sinusoid", 3, 6);
  const TaskSource source(config, 1);
  const MetaSplit split = source.draw("val", 1, 3, 6, true);
  const Batch batch = Batcher(source.shape(), split, 1, "points", at::kCPU).stored(0, 3);
  const Learner learner(tiny("transformer", source.shape()), 2, at::kCPU);
  const Contexts contexts = contexts_of(learner.spec(), source.shape().kind, 1, 6);
  CHECK(contexts.first == 1);
  CHECK(contexts.last == 5);
  const std::vector<int64_t> seen = {0, 1, 0, 3, 2};
  const ContextLosses losses =
      context_losses(learner, source.shape(), batch, contexts, {true, true, true}, seen);
  const at::Tensor z = learner.summaries(batch.points);
  for (int64_t c = 1; c < 6; ++c) {
    const auto loss = [&](const at::Tensor& x, const at::Tensor& y) {
      return (learner.predict(x, z.narrow(1, c, 1)) - y).square().mean(2).squeeze(1);
    };
    const int64_t j = seen[size_t(c - 1)];
    const at::Tensor next = loss(batch.x.narrow(1, c, 1), batch.y.narrow(1, c, 1));
    const at::Tensor past = loss(batch.x.narrow(1, j, 1), batch.y.narrow(1, j, 1));
    CHECK((losses.next.select(1, c - 1) - next).abs().max().item<float>() < 1e-5f);
    CHECK((losses.train.select(1, c - 1) - past).abs().max().item<float>() < 1e-5f);
  }
  CHECK(!losses.ood.defined());  // `stored` carries no copy
  const Batch moved = Batcher(source.shape(), split, 1, "points", at::kCPU).evaluation(0, 3, true);
  const ContextLosses away =
      context_losses(learner, source.shape(), moved, contexts, {true, false, true}, {});
  const at::Tensor zm = learner.summaries(moved.points);
  const at::Tensor expected = (learner.predict(moved.x_ood.narrow(1, 3, 1), zm.narrow(1, 3, 1)) -
                               moved.y_ood.narrow(1, 3, 1))
                                  .square()
                                  .mean(2);
  CHECK((away.ood.narrow(1, 2, 1) - expected).abs().max().item<float>() < 1e-5f);
}

TEST_CASE("a seen point is drawn uniformly from the points of the context") {
  std::vector<int64_t> counts(5);
  for (uint64_t s = 0; s < 2000; ++s) {
    const std::vector<int64_t> seen = draw_seen_points({1, 5}, Stream(1, "seen", s));
    for (int64_t c = 1; c <= 5; ++c) REQUIRE((seen[size_t(c - 1)] >= 0 && seen[size_t(c - 1)] < c));
    ++counts[size_t(seen[4])];
  }
  for (int64_t n : counts) CHECK(std::abs(n - 400) < 80);
}

TEST_CASE("the loss of labels is the mean over variables of their cross-entropies") {
  DataShape shape{DataKind::kLabels, {2}, {2, 3}};
  const at::Tensor logits = at::empty({1, 1, 5}, at::TensorOptions().dtype(at::kFloat));
  const float values[] = {1, 2, 0.5, 0, -1};
  std::copy(values, values + 5, logits.data_ptr<float>());
  at::Tensor labels = at::empty({1, 1, 2}, at::TensorOptions().dtype(at::kLong));
  labels[0][0][0] = 0;
  labels[0][0][1] = 2;
  const double first = std::log(std::exp(1) + std::exp(2)) - 1,
               second = std::log(std::exp(.5) + 1 + std::exp(-1)) + 1;
  CHECK(item(prediction_loss(shape, logits, {}, labels).squeeze()) == Approx((first + second) / 2));
}

TEST_CASE("no learner without a bottleneck trains on a context that it lacks") {
  const DataShape real{DataKind::kRegression, {0}, {0}}, tokens{DataKind::kTokens, {}, {50}};
  CHECK(contexts_of(tiny("two-stream", real), real.kind, 1, 9).first == 0);
  CHECK(contexts_of(tiny("two-stream", real), real.kind, 4, 9).first == 3);
  CHECK(contexts_of(tiny("transformer", real), real.kind, 4, 9).first == 4);
  CHECK(contexts_of(tiny("decoder", tokens), tokens.kind, 1, 9).first == 1);
}

TEST_CASE("the effective dimension of an isotropic cloud is its dimension, of a line 1") {
  at::Tensor cloud = at::empty({4000, 6}, at::TensorOptions().dtype(at::kFloat));
  Stream(1, "cloud").fill_normal(cloud.data_ptr<float>(), cloud.numel(), 5, 1);
  CHECK(effective_dimension(cloud) == Approx(6).epsilon(0.02));
  CHECK(effective_dimension(cloud.narrow(1, 0, 1).matmul(at::ones({1, 6}))) ==
        Approx(1).epsilon(1e-3));
}

TEST_CASE("an evaluation repeats to the last bit, and its error bars are those of the sample") {
  const TaskConfig config = config_of("linear", 30, 8);
  const TaskSource source(config, 1);
  const MetaSplit split = source.draw("val", 1, 30, 8, true);
  const Batcher batcher(source.shape(), split, 1, "points/val", at::kCPU);
  const Learner learner(tiny("transformer", source.shape()), 2, at::kCPU);
  const Contexts contexts = contexts_of(learner.spec(), source.shape().kind, 1, 8);
  const auto run = [&] {
    return evaluate_learner(learner, source.shape(), batcher, split, contexts, 1, {});
  };
  const Evaluation a = run(), b = run();
  CHECK(a.next.mean == b.next.mean);
  CHECK(a.train.mean == b.train.mean);
  CHECK(a.ood.mean == b.ood.mean);
  CHECK(a.effective_z_dim == b.effective_z_dim);
  const at::NoGradGuard guard;
  const at::Tensor losses =
      context_losses(learner, source.shape(), batcher.evaluation(0, 30, false), contexts,
                     {true, false, false}, {})
          .next;
  double sum = 0;
  for (int64_t c = 0; c < 7; ++c) {
    const at::Tensor column = losses.select(1, c).to(at::kDouble);
    CHECK(a.next.mean[size_t(c)] == Approx(item(column.mean())));
    CHECK(a.next.error[size_t(c)] == Approx(item(column.std()) / std::sqrt(30.0)));
    sum += item(column.mean());
  }
  CHECK(a.code_length() == Approx(sum));
}

TEST_CASE(
    "linear Bayes is the posterior mean, ridge the same, and its expected loss the published one") {
  const TaskConfig config = config_of("linear", 2000, 24);
  const TaskSource source(config, 4);
  const MetaSplit split = source.draw("val", 4, 2000, 24, false);
  const Batch batch =
      Batcher(source.shape(), split, 4, "points/val", at::kCPU).evaluation(0, 2000, false);
  const LinearPrior prior{0.2, {true, true, true}};
  const LinearLosses bayes = linear_losses(batch, prior, LinearMethod::kBayes),
                     ridge = linear_losses(batch, prior, LinearMethod::kRidge),
                     plain = linear_losses(batch, prior, LinearMethod::kLeastSquares);
  CHECK((bayes.squared - ridge.squared).abs().max().item<double>() < 1e-10);
  const double published[] = {1.042, .812, .577, .392, .243, .164};
  for (int64_t c = 0; c <= 5; ++c) {
    const at::Tensor expected = bayes.expected.select(1, c);
    // Both are means over some thousand draws.
    const double error = item(expected.std()) * std::sqrt(1.0 / 2000 + 1.0 / 4000);
    CHECK(std::abs(item(expected.mean()) - published[c]) < 4 * error + 0.001);
  }
  CHECK(item(bayes.expected.select(1, 20).mean()) == Approx(.0503).epsilon(0.02));
  // The realised error scatters about the expected one.
  for (int64_t c : {0, 3, 10, 23}) {
    const at::Tensor difference = (bayes.squared - bayes.expected).select(1, c);
    CHECK(std::abs(item(difference.mean())) < 4 * item(difference.std()) / std::sqrt(2000.0));
  }
  // One task, context 5, by the formula.
  const at::Tensor x = at::cat({batch.x[7], at::ones({24, 1})}, 1).to(at::kDouble),
                   y = batch.y[7].to(at::kDouble);
  const at::Tensor p =
      4 * at::eye(4, x.options()) + x.narrow(0, 0, 5).t().matmul(x.narrow(0, 0, 5)) / 0.04;
  const at::Tensor w =
      at::inverse(p).matmul(x.narrow(0, 0, 5).t().matmul(y.narrow(0, 0, 5))) / 0.04;
  CHECK(bayes.squared[7][5].item<double>() ==
        Approx(item((x[5].matmul(w) - y[5]).square().squeeze())));
  CHECK(bayes.expected[7][5].item<double>() ==
        Approx(0.04 + item(x[5].matmul(at::inverse(p)).dot(x[5]))));
  // Least squares fits as many points as it has weights exactly; Bayes is better on average.
  CHECK(item(plain.squared.select(1, 6).mean()) > item(bayes.squared.select(1, 6).mean()));
  CHECK(item(plain.squared.select(1, 0).mean()) ==
        Approx(item(batch.y.select(1, 0).to(at::kDouble).square().mean())));
}

TEST_CASE("who knows the function errs by the noise, and by nothing where there is none") {
  for (const auto& [task, noise] :
       {std::pair("linear", 0.04), std::pair("sinusoid", 0.0), std::pair("mlp", 0.0)}) {
    INFO(task);
    const TaskConfig config = config_of(task, 300, 20);
    const TaskSource source(config, 4);
    const MetaSplit split = source.draw("val", 4, 300, 20, false);
    const Batch batch =
        Batcher(source.shape(), split, 4, "points/val", at::kCPU).evaluation(0, 300, false);
    const at::Tensor losses =
        known_function_losses(batch, *source.family("val"), split.param.begin()->second);
    CHECK(item(losses.mean()) == Approx(noise).epsilon(0.06).margin(1e-10));
  }
}

TEST_CASE("the predictors of Mastermind agree with their published curve") {
  const TaskConfig config = config_of("mastermind", 1000, 24);
  const TaskSource source(config, 4);
  const MetaSplit split = source.draw("val", 4, 1000, 24, false);
  const Batch batch =
      Batcher(source.shape(), split, 4, "points/val", at::kCPU).evaluation(0, 1000, false);
  const at::Tensor bayes = mastermind_bayes_losses(batch, mastermind_sizes(config)),
                   marginal = marginal_label_losses(batch, source.shape().y_vals);
  const std::vector<std::pair<int64_t, double>> published = {
      {0, 1.195}, {1, .988}, {2, .623}, {3, .235}};
  for (const auto& [c, loss] : published)
    CHECK(item(bayes.select(1, c).mean()) == Approx(loss).margin(0.06));
  CHECK(item(bayes.narrow(1, 1, 23).sum(1).mean()) == Approx(1.95).margin(0.1));
  CHECK(item(marginal.select(1, 0).mean()) == Approx(std::log(5)));
}

}  // namespace tenfold::prequential_icl
