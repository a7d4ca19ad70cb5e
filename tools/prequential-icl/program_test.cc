// Training programs: many seeds, resume, masks; and the SGD learners.

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "tools/prequential-icl/learner_program.h"
#include "tools/prequential-icl/sgd_program.h"

namespace tenfold::prequential_icl {
namespace {

// Steps as small as these gain nothing from a second thread.
const bool kOneThread = [] {
  at::set_num_threads(1);
  return true;
}();

TaskConfig task_of(const std::string& name, int64_t points = 10) {
  TaskConfig c;
  c.task = name;
  c.small = true;
  c.n_tasks = 20;
  c.n_val_tasks = 6;
  c.n_samples = points;
  c.resolve("");
  return c;
}

LearnerOptions tiny(const std::string& arch = "transformer") {
  LearnerOptions o;
  o.model.arch = arch;
  o.model.h_dim = o.model.pred_h_dim = 16;
  o.model.n_layers = 1;
  o.model.z_dim = 8;
  o.batch_size = 8;
  o.lr = 1e-3;
  return o;
}

at::Tensor weights(const LearnerProgram& p, size_t member = 0) {
  return p.members()[member].learner->parameters().values();
}

train::Archive saved(train::Program& program) {
  train::Archive archive = train::Archive::for_saving();
  program.visit_state(archive);
  return archive;
}

void load(train::Program& program, const train::Archive& from, const std::string& without = "") {
  train::Archive archive = train::Archive::for_loading(from.weights(), from.state(), "test");
  archive.skip_when_loading(without);
  program.visit_state(archive);
}

}  // namespace

TEST_CASE("seeds side by side equal their single runs, bit for bit") {
  REQUIRE(kOneThread);
  LearnerProgram both(task_of("linear"), tiny(), {3, 8}, at::kCPU);
  at::set_num_threads(2);
  both.steps(0, 5);
  at::set_num_threads(1);
  for (size_t i = 0; i < 2; ++i) {
    LearnerProgram alone(task_of("linear"), tiny(), {i == 0 ? 3 : 8}, at::kCPU);
    for (int64_t s = 0; s < 5; ++s) alone.step(s);
    CHECK(weights(alone).equal(weights(both, i)));
  }
}

TEST_CASE("training lowers the loss") {
  LearnerOptions options = tiny();
  options.lr = 1e-2;
  options.batch_size = 20;
  LearnerProgram program(task_of("linear"), options, {1}, at::kCPU);
  program.step(0);
  const double first = program.drain_losses().back().second;
  for (int64_t s = 1; s < 200; ++s) program.step(s);
  CHECK(program.drain_losses().back().second < 0.7 * first);
}

TEST_CASE("a resumed run goes on to the same bits, and every item of its state matters") {
  const auto fresh = [] { return LearnerProgram(task_of("linear"), tiny(), {1}, at::kCPU); };
  LearnerProgram whole = fresh();
  for (int64_t s = 0; s < 4; ++s) whole.step(s);
  whole.evaluate(4);
  const train::Archive half = saved(whole);
  for (int64_t s = 4; s < 7; ++s) whole.step(s);
  whole.evaluate(7);
  const train::Archive end = saved(whole);
  const auto differs = [&](const std::string& without) {
    LearnerProgram other = fresh();
    load(other, half, without);
    for (int64_t s = 4; s < 7; ++s) other.step(s);
    other.evaluate(7);
    const train::Archive archive = saved(other);
    for (const auto& [name, tensor] : end.weights().tensors)
      if (archive.weights().tensors.at(name).data != tensor.data) return true;
    for (const auto& [name, tensor] : end.state().tensors)
      if (archive.state().tensors.at(name).data != tensor.data) return true;
    return false;
  };
  CHECK(!differs(""));
  // An item that starts at zero and is no part of the state would go unnoticed; those are named.
  const std::vector<std::string> unread = {"1/momentum_product", "1/last_loss"};
  for (const std::string& name : half.names()) {
    INFO(name);
    const bool without_effect = std::count(unread.begin(), unread.end(), name) > 0;
    CHECK(differs(name) == !without_effect);
  }
}

TEST_CASE("loss-from and random lengths leave out the contexts that they name") {
  const auto gradient = [](LearnerOptions options, const TaskConfig& task) {
    LearnerProgram program(task, options, {1}, at::kCPU);
    program.step(0);
    return program.members()[0].learner->parameters().gradient().clone();
  };
  LearnerOptions plain = tiny(), suffix = tiny(), last = tiny();
  suffix.loss_from = 9;
  last.min_train_samples = 9;
  const TaskConfig task = task_of("linear");
  // Only context 9 of 10 points counts either way.
  CHECK(gradient(suffix, task).equal(gradient(last, task)));
  CHECK(!gradient(suffix, task).equal(gradient(plain, task)));

  LearnerOptions whole = tiny("decoder"), cut = tiny("decoder"), full = tiny("decoder");
  for (LearnerOptions* o : {&whole, &cut, &full}) o->model.positions = "sinusoid";
  cut.shortest = cut.longest = 5;
  full.shortest = full.longest = 10;
  CHECK(gradient(full, task_of("hmm")).allclose(gradient(whole, task_of("hmm")), 1e-4, 1e-7));
  // A sequence cut to five observations is predicted up to its fifth.
  LearnerOptions short_one = whole;
  CHECK(gradient(cut, task_of("hmm")).allclose(gradient(short_one, task_of("hmm", 5)), 1e-3, 1e-6));
}

TEST_CASE("an HMM learner is compared with exact Bayes, whose own divergence would be zero") {
  LearnerOptions options = tiny("mamba1");
  options.oracle_sequences = 3;
  LearnerProgram program(task_of("hmm", 12), options, {1}, at::kCPU);
  program.evaluate(0);
  const TrainingPoint& p = program.members()[0].curve[0];
  CHECK(p.kl_to_oracle > 0.1);
  CHECK(p.kl_from_oracle > 0.1);
  const at::Tensor sums = program.members()[0].oracle_log_p.exp().sum(2);
  CHECK((sums - 1).abs().max().item<float>() < 1e-5f);
}

TEST_CASE("a smoothed constant is constant, and edges are mirrored") {
  for (double v : gaussian_smooth(std::vector<double>(30, 2.5), 20)) CHECK(v == Approx(2.5));
  const std::vector<double> smooth = gaussian_smooth({1, 0, 0, 0, 0, 0}, 1);
  const double w0 = 1, w1 = std::exp(-0.5), w2 = std::exp(-2.0), w3 = std::exp(-4.5),
               w4 = std::exp(-8.0);
  const double total = w0 + 2 * (w1 + w2 + w3 + w4);
  CHECK(smooth[0] == Approx((w0 + w1) / total));
  CHECK(smooth[1] == Approx((w1 + w2) / total));
}

TEST_CASE("fit sizes run from 5 to n_max, evenly in the logarithm") {
  int64_t low = 1000, high = 0, below = 0;
  for (int64_t fit = 0; fit < 4000; ++fit) {
    const int64_t n = draw_fit_size(1, fit, 500);
    low = std::min(low, n);
    high = std::max(high, n);
    below += n < 50 ? 1 : 0;
  }
  CHECK(low >= 4);
  CHECK(low <= 5);
  CHECK(high < 500);
  CHECK(high > 480);
  CHECK(std::abs(double(below) / 4000 - 0.5) < 0.03);
}

TEST_CASE("many fits give what each gives alone, and resume to the same bits") {
  SgdOptions options;
  options.fits = 20;
  options.n_max = 40;
  options.n_test = 30;
  options.fit.width = 8;
  options.fit.lr = 1e-2;
  options.fit.max_epochs = 120;
  const TaskConfig task = task_of("linear");
  SgdProgram all(task, options, {5});
  int64_t step = 0;
  for (; step < 2; ++step) all.step(step);
  const train::Archive half = saved(all);
  for (; !all.finished(); ++step) all.step(step);
  CHECK(all.records().size() == 20);

  SgdProgram resumed(task, options, {5});
  load(resumed, half);
  for (int64_t s = 2; !resumed.finished(); ++s) resumed.step(s);
  for (size_t i = 0; i < 20; ++i) {
    CHECK(resumed.records()[i].fit == all.records()[i].fit);
    CHECK(resumed.records()[i].loss_test == all.records()[i].loss_test);
    CHECK(resumed.records()[i].epochs == all.records()[i].epochs);
  }
  // The first fit of a run of one fit is the first fit of twenty.
  options.fits = 1;
  SgdProgram one(task, options, {5});
  for (int64_t s = 0; !one.finished(); ++s) one.step(s);
  for (const FitRecord& r : all.records()) {
    if (r.fit != 0) continue;
    CHECK(r.loss_test == one.records()[0].loss_test);
    CHECK(r.n == one.records()[0].n);
  }
}

}  // namespace tenfold::prequential_icl
