#include "tools/rich-lazy/ensemble.h"

#include <fmt/format.h>

#include <catch2/catch.hpp>
#include <cmath>

#include "common/core/error.h"

namespace tenfold::rich_lazy {
namespace {

TrainConfig small() {
  TrainConfig c;
  c.hidden = 20;
  c.ranks = {"1", "5", "full"};
  c.eval_batches = 2;
  c.ntk_trials = 4;
  return c;
}

Setting setting_of(TrainConfig c, const std::vector<int64_t>& seeds = {0}) {
  c.validate({});
  return read_setting(c, seeds);
}

const Model& find(const Ensemble& e, const std::string& name) {
  for (const Model& m : e.models()) {
    if (m.key.name() == name) return m;
  }
  FAIL("no model " << name);
  return e.models()[0];
}

}  // namespace

TEST_CASE("ranks of a seed share the draw, the norm, and input and output weights") {
  TrainConfig c = small();
  const Setting s = setting_of(c, {0, 1});
  const Ensemble e(s);
  REQUIRE(e.models().size() == 6);
  const Weights &one = find(e, "2AF/gauss/rank-1/seed-0/lr-0.003").initial,
                &full = find(e, "2AF/gauss/rank-20/seed-0/lr-0.003").initial,
                &other = find(e, "2AF/gauss/rank-20/seed-1/lr-0.003").initial;
  double fro_one = 0, fro_full = 0;
  for (size_t i = 0; i < 400; ++i) {
    fro_one += std::pow(one.flat()[i], 2);
    fro_full += std::pow(full.flat()[i], 2);
  }
  CHECK(fro_one == Approx(fro_full));
  CHECK(std::vector<float>(one.flat().begin() + 400, one.flat().end()) ==
        std::vector<float>(full.flat().begin() + 400, full.flat().end()));
  CHECK(full.flat() != other.flat());
  c.fresh_io = true;
  const Setting fresh = setting_of(c);
  const Ensemble f(fresh);
  CHECK(f.models()[0].initial.flat()[400] != f.models()[2].initial.flat()[400]);
  // Within 1 / sqrt(fan-in): 3 inputs, 20 units.
  for (size_t i = 400; i < 460; ++i) CHECK(std::abs(one.flat()[i]) <= 1 / std::sqrt(3.0f));
  for (size_t i = 460; i < 520; ++i) CHECK(std::abs(one.flat()[i]) <= 1 / std::sqrt(20.0f));
}

TEST_CASE("a network among others is the network alone, to the bit") {
  TrainConfig all = small();
  all.task = {"DMS", "2AF"};
  const Setting many = setting_of(all, {3, 1});
  Ensemble batched(many);
  for (int64_t step = 0; step < 32; step += 16) batched.steps(step, 16);
  TrainConfig one = small();
  one.ranks = {"5"};
  const Setting single = setting_of(one, {1});
  Ensemble alone(single);
  for (int64_t step = 0; step < 32; ++step) alone.step(step);
  const std::string name = "2AF/gauss/rank-5/seed-1/lr-0.003";
  CHECK(find(batched, name).losses == find(alone, name).losses);
  CHECK(find(batched, name).weights.flat() == find(alone, name).weights.flat());
}

TEST_CASE("networks trained by tensor operators are those trained one by one") {
  const auto check = [](TrainConfig c) {
    c.task = {"2AF", "CXT"};
    const Setting s = setting_of(c, {3, 1});
    Ensemble fast(s), tensors(s, at::Device(at::kCPU));
    for (int64_t step = 0; step < 50; step += 10) {
      fast.steps(step, 10);
      tensors.steps(step, 10);
      if (step == 20) {  // as a checkpoint is written and read
        train::Archive saved = train::Archive::for_saving();
        tensors.visit_state(saved);
      }
    }
    tensors.settle();
    for (size_t i = 0; i < fast.models().size(); ++i) {
      const Model &a = fast.models()[i], &b = tensors.models()[i];
      CAPTURE(a.key.name());
      REQUIRE(a.losses.size() == 50);
      REQUIRE(b.losses.size() == 50);
      for (size_t k = 0; k < 50; ++k) REQUIRE(b.losses[k] == Approx(a.losses[k]).epsilon(1e-4));
      for (size_t k = 0; k < a.weights.flat().size(); ++k)
        REQUIRE(b.weights.flat()[k] == Approx(a.weights.flat()[k]).margin(1e-4));
      CHECK(b.weights.flat() != b.initial.flat());
    }
  };
  TrainConfig c = small();
  check(c);
  c.freeze_io = true;
  c.alpha = 0.5;
  c.lr = {"0.001", "0.01"};
  check(c);
  c.freeze_io = false;
  c.optimizer = "adam";
  c.lr = {"0.0003"};  // it divides by gradients that are all rounding
  check(c);
}

TEST_CASE("by tensor operators too a network that diverges stops alone") {
  TrainConfig c = small();
  c.ranks = {"full"};
  c.lr = {"1e6", "0.003"};
  const Setting s = setting_of(c);
  Ensemble fast(s), tensors(s, at::Device(at::kCPU));
  for (int64_t step = 0; step < 160; step += 16) {
    fast.steps(step, 16);
    tensors.steps(step, 16);
  }
  tensors.settle();
  const Model &bad = tensors.models()[0], &good = tensors.models()[1];
  REQUIRE(bad.diverged_at >= 0);
  CHECK(int64_t(bad.losses.size()) == bad.diverged_at);
  REQUIRE(good.losses.size() == 160);
  for (size_t k = 0; k < 160; ++k)
    REQUIRE(good.losses[k] == Approx(fast.models()[1].losses[k]).epsilon(1e-3));
}

TEST_CASE("training lowers the loss, and frozen weights stay") {
  TrainConfig c = small();
  c.freeze_io = true;
  c.ranks = {"full"};
  const Setting s = setting_of(c);
  Ensemble e(s);
  for (int64_t step = 0; step < 480; step += 16) e.steps(step, 16);
  const Model& m = e.models()[0];
  CHECK(*final_loss(m) < 0.9 * m.losses[0]);
  CHECK(std::equal(m.initial.flat().begin() + 400, m.initial.flat().end(),
                   m.weights.flat().begin() + 400));
  CHECK(m.initial.flat()[0] != m.weights.flat()[0]);
}

TEST_CASE("a network that diverges stops alone") {
  TrainConfig c = small();
  c.ranks = {"full"};
  c.lr = {"1e6", "0.003"};
  const Setting s = setting_of(c);
  Ensemble e(s);
  for (int64_t step = 0; step < 160; step += 16) e.steps(step, 16);
  const Model &bad = e.models()[0], &good = e.models()[1];
  REQUIRE(bad.diverged_at >= 0);
  CHECK(int64_t(bad.losses.size()) == bad.diverged_at);
  CHECK(good.diverged_at < 0);
  CHECK(good.losses.size() == 160);
  CHECK_FALSE(e.all_diverged());
  CHECK(choose_rates(e.models(), 10) == std::vector<bool>{false, true});
  const auto measures = measure_models(s, e.models());
  CHECK_FALSE(measures[0]);
  CHECK(measures[1]);
}

TEST_CASE("the loss log has iteration 0, then means of whole windows") {
  Model m;
  for (int i = 0; i < 10; ++i) m.losses.push_back(i);
  // iteration 0; mean of 1..4; mean of 5..8; 9 stands in no whole window.
  CHECK(loss_log(m, 4) == std::vector<double>{0, 2.5, 6.5});
  CHECK(*final_loss(m) == 4.5);
  m.losses.assign(500, 1.0);
  m.losses.resize(700, 3.0);
  CHECK(*final_loss(m) == 3);
  CHECK_FALSE(final_loss(Model()));
}

TEST_CASE("of several rates the least mean of the last 20 logs wins, the first of equals") {
  const auto model = [](double lr, double early, double late, int64_t seed = 0) {
    Model m;
    m.key.lr = lr;
    m.key.seed = seed;
    m.losses.assign(100, early);
    m.losses.resize(300, late);
    return m;
  };
  std::vector<Model> models = {model(1, 9, 0.5), model(2, 0, 0.4), model(3, 0, 0.4),
                               model(1, 0, 11, 1), model(2, 0, 12, 1)};
  CHECK(choose_rates(models, 10) == std::vector<bool>{false, true, false, false, false});
  CHECK(choose_rates({model(1, 9, 11)}, 10) == std::vector<bool>{true});
  models[1].diverged_at = 300;
  CHECK(choose_rates(models, 10)[2]);
}

TEST_CASE("ranks swept by default follow the number of units") {
  const auto ranks = [](int64_t hidden, const std::string& init = "gauss") {
    TrainConfig c;
    c.hidden = hidden;
    c.init = init;
    std::vector<int64_t> out;
    for (const ModelKey& k : model_keys(setting_of(c))) out.push_back(k.rank);
    return out;
  };
  CHECK(ranks(100) == std::vector<int64_t>{1, 30, 100});
  CHECK(ranks(300) == std::vector<int64_t>{1, 30, 100, 300});
  CHECK(ranks(600) == std::vector<int64_t>{1, 30, 100, 300, 600});
  CHECK(ranks(20) == std::vector<int64_t>{1, 20});
  CHECK(ranks(50, "dale") == std::vector<int64_t>{50, 50, 50});  // and its controls
}

TEST_CASE("the parameters of the paper's networks are counted as there") {
  const Setting s = setting_of(TrainConfig());
  CHECK(s.shape(Task::kTwoAlternatives).size() == 91800);
  CHECK(s.shape(Task::kContext).size() == 93000);
  CHECK(s.shape(Task::kSequentialDigits).size() == 101400);
}

TEST_CASE("the note of several networks says of how many its loss is the mean") {
  const auto note = [](const std::vector<std::string>& ranks) {
    TrainConfig c = small();
    c.ranks = ranks;
    const Setting s = setting_of(c);
    Ensemble e(s);
    CHECK(e.note().empty());
    e.steps(0, 1);
    double mean = 0;
    for (const Model& m : e.models()) mean += m.losses[0] / double(ranks.size());
    return std::pair(e.note(), fmt::format("{:.4f}", mean));
  };
  const auto [one, loss] = note({"1"});
  CHECK(one == "loss " + loss);
  const auto [three, mean] = note({"1", "5", "full"});
  CHECK(three == "mean loss of 3 networks " + mean);
}

TEST_CASE("one direction along the task starts the same whatever its control's rank") {
  TrainConfig c = small();
  c.init = "aligned";
  c.ranks = {};
  const Setting alone = setting_of(c);
  c.ranks = {"1"};
  const Setting one = setting_of(c);
  const std::vector<ModelKey> keys = model_keys(alone), of_one = model_keys(one);
  CHECK(keys[0].rank == 1);
  CHECK(keys[2].rank == 20);
  CHECK(of_one[2].rank == 1);
  CHECK(initial_weights(alone, keys)[0].flat() == initial_weights(one, of_one)[0].flat());
}

TEST_CASE("settings that make no sense are refused with their numbers") {
  const auto refused = [](auto change, const std::string& words) {
    TrainConfig c = small();
    change(c);
    try {
      model_keys(setting_of(c));
      FAIL("expected: " << words);
    } catch (const UsageError& e) {
      CAPTURE(e.what());
      CHECK(std::string(e.what()).find(words) != std::string::npos);
    }
  };
  refused([](TrainConfig& c) { c.ranks = {"21"}; }, "rank 21 > 20 hidden units");
  refused([](TrainConfig& c) { c.ranks = {"0"}; }, "--ranks");
  refused([](TrainConfig& c) { c.ntk_trials = 65; },
          "--ntk-trials 65 > 64 evaluation trials of 2AF (--eval-batches 2 x --batch 32)");
  refused([](TrainConfig& c) { c.ntk_trials = c.eval_batches = 100000; }, "GB");
  refused([](TrainConfig& c) { c.init = "celegans"; }, "--hidden: found 20, expected 297");
  refused([](TrainConfig& c) { c.init = "worm"; }, "--init: found 'worm'");
  refused([](TrainConfig& c) { c.init = "block"; }, "--block-types");
  refused([](TrainConfig& c) { c.spectrum = "power:1"; }, "--ranks 1, expected full");
  refused([](TrainConfig& c) { c.lr = {"0.1", "0.10"}; }, "--lr: found a rate twice");
}

}  // namespace tenfold::rich_lazy
