#include "tools/bias-learning/feedforward.h"

#include <ATen/ops/empty.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>

#include "common/core/philox.h"
#include "tools/bias-learning/feedforward_program.h"
#include "tools/bias-learning/image_tasks.h"
#include "tools/bias-learning/task_variance.h"

namespace tenfold::bias_learning {
namespace {

constexpr int64_t kUnits = 37, kImages = 60;

at::Tensor pixels() {
  at::Tensor x = at::empty({kImages, kPixels}, at::kFloat);
  Stream(1, "pixels").fill_uniform(x.data_ptr<float>(), x.numel(), 0, 1);
  return x;
}

at::Tensor input_weights(const RandomWeights& w) {
  at::Tensor b = at::empty({kUnits, kPixels}, at::kFloat);
  std::copy(w.input.begin(), w.input.end(), b.data_ptr<float>());
  return b;
}

std::vector<int64_t> numbers(int64_t n) {
  std::vector<int64_t> out(static_cast<size_t>(n));
  std::iota(out.begin(), out.end(), 0);
  return out;
}

// The first Adam step moves every value by the rate against the sign of its gradient.
void check_first_step(Method method) {
  const RandomWeights w = draw_weights({"uniform", 0.1, kUnits}, 3);
  const at::Tensor x = pixels();
  Preactivations z(x, input_weights(w), 1 << 30);
  const std::vector<int64_t> rows = numbers(kImages);
  std::vector<int64_t> labels;
  for (int64_t n = 0; n < kImages; ++n) labels.push_back(n % 10);
  TrainedTask task(method, w, kUnits, 3);
  // Away from where masks are undecided and relus have their corner.
  for (size_t i = 0; i < task.values.size(); i += 3) task.values[i] += 0.05f;
  const std::vector<float> before = task.values;
  const auto loss = [&](const std::vector<float>& values) {
    TrainedTask moved(method, w, kUnits, 3);
    moved.values = values;
    return moved.step(z.of(rows.data(), kImages), x, labels.data(), 0, 2);
  };
  task.step(z.of(rows.data(), kImages), x, labels.data(), 1e-3, 2);
  int64_t checked = 0;
  const float h = method == Method::kBias ? 2e-3f : 1e-2f;
  const kernels::HiddenRows all = z.of(rows.data(), kImages);
  // A bias moves its unit's corner: no difference across one.
  const auto at_corner = [&](size_t i) {
    for (int64_t n = 0; n < kImages; ++n)
      if (std::abs(all.z[all.rows[n] * kUnits + int64_t(i)] + before[i]) <= 2 * h) return true;
    return false;
  };
  for (size_t i = 0; i<before.size(); i += before.size()> 1000 ? 997 : 1) {
    if (method == Method::kBias && at_corner(i)) continue;
    std::vector<float> up = before, down = before;
    up[i] += h;
    down[i] -= h;
    const double slope = (loss(up) - loss(down)) / (2 * double(h));
    // m / (1 - beta1) of the first step is the gradient.
    CHECK(task.adam.m[i] / 0.1 == Approx(slope).epsilon(0.02).margin(5e-5));
    checked += std::abs(slope) > 1e-4;
  }
  CHECK(checked > 5);
}

DataSet small_set() {
  DataSet set;
  for (Images* part : {&set.train, &set.test}) {
    part->count = kImages;
    const at::Tensor x = pixels();
    part->pixels.assign(x.data_ptr<float>(), x.data_ptr<float>() + x.numel());
    for (int64_t n = 0; n < kImages; ++n) part->labels.push_back((n * n) % 10);
  }
  return set;
}

FeedforwardOptions options_of(int64_t cache) {
  FeedforwardOptions o;
  o.weights = {"uniform", 0.1, kUnits};
  o.seeds = {7};
  o.methods = {"bias", "mask", "readout"};
  const auto sources = parse_sources({"mnist"});
  for (const char* task : {"mnist", "mnist-relabel", "mnist-invert"})
    o.tasks.push_back(parse_task(task, sources));
  o.epochs = 17;  // 17 x 6 steps a method and image set: over 100
  o.batch = 10;
  o.cache_bytes = cache;
  return o;
}

std::vector<double> losses_of(const FeedforwardOptions& o) {
  FeedforwardProgram program(o, {{"mnist", small_set()}});
  for (int64_t s = 0; s < program.total_steps(); ++s) program.step(s);
  std::vector<double> out;
  for (const auto& [step, loss] : program.drain_losses()) out.push_back(loss);
  return out;
}

}  // namespace

TEST_CASE("gradients of every method are those of differences of its loss") {
  for (const Method method : {Method::kBias, Method::kMask, Method::kGain, Method::kReadout,
                              Method::kOutputBias, Method::kFull}) {
    CAPTURE(kMethodNames[size_t(method)]);
    check_first_step(method);
  }
}

TEST_CASE("kept pre-activations give the losses of multiplying in every step to 1e-4") {
  const std::vector<double> kept = losses_of(options_of(1 << 30)), naive = losses_of(options_of(0));
  const std::vector<double> half = losses_of(options_of(kImages * kUnits * 2));
  REQUIRE(kept.size() == naive.size());
  REQUIRE(kept.size() == 6 * 17 * 6);
  for (size_t i = 0; i < kept.size(); ++i) {
    CHECK(kept[i] == Approx(naive[i]).epsilon(1e-4));
    CHECK(half[i] == Approx(kept[i]).epsilon(1e-2));
  }
}

TEST_CASE("tasks that share their images are trained as each alone") {
  FeedforwardOptions both = options_of(1 << 30), alone = both;
  both.methods = alone.methods = {"bias"};
  alone.tasks = {both.tasks[1]};
  FeedforwardProgram a(both, {{"mnist", small_set()}}), b(alone, {{"mnist", small_set()}});
  for (int64_t s = 0; s < b.total_steps(); ++s) {
    a.step(s);
    b.step(s);
  }
  CHECK(a.jobs()[0].trained[1].values == b.jobs()[0].trained[0].values);
  CHECK(a.jobs()[0].trained[0].values != b.jobs()[0].trained[0].values);
}

TEST_CASE("rates fall linearly but for full training; the mask's steepness goes from 1 to 100") {
  CHECK(rate_in(Method::kBias, 0.02, 5, 20) == Approx(0.015));
  CHECK(rate_in(Method::kFull, 0.001, 5, 20) == Approx(0.001));
  CHECK(mask_steepness(0, 1) == 1);
  CHECK(mask_steepness(0, 20) == 1);
  CHECK(mask_steepness(19, 20) == Approx(100));
  CHECK(trained_parameters(Method::kFull, 32000) == 25440000);
}

TEST_CASE("task variance is the variance (n - 1) of relu(z + b)") {
  const RandomWeights w = draw_weights({"uniform", 0.1, kUnits}, 3);
  Preactivations z(pixels(), input_weights(w), 1 << 30);
  const std::vector<float> bias(size_t(kUnits), 0.3f);
  const std::vector<double> tv = task_variance(z, bias);
  const std::vector<int64_t> rows = numbers(kImages);
  const kernels::HiddenRows all = z.of(rows.data(), kImages);
  for (int64_t i = 0; i < kUnits; ++i) {
    double mean = 0, squares = 0;
    const auto h = [&](int64_t n) {
      return std::max(double(all.z[all.rows[n] * kUnits + i]) + 0.3, 0.0);
    };
    for (int64_t n = 0; n < kImages; ++n) mean += h(n) / kImages;
    for (int64_t n = 0; n < kImages; ++n) squares += (h(n) - mean) * (h(n) - mean);
    CHECK(tv[size_t(i)] == Approx(squares / (kImages - 1)).epsilon(1e-4).margin(1e-9));
  }
}

TEST_CASE("units that vary in one task each are clustered by it, dead ones dropped") {
  std::vector<std::vector<double>> tv(2, std::vector<double>(21, 0.0));
  for (size_t i = 0; i < 20; ++i) tv[i % 2][i] = 1 + double(i);  // unit 20 never varies
  const UnitClusters found = cluster_units(tv, 2, 1);
  REQUIRE(found.units.size() == 20);
  CHECK(found.sizes == std::vector<int64_t>{10, 10});
  CHECK(found.mean[0] == std::vector<double>{1, 0});
  for (size_t u = 0; u < 20; ++u) CHECK(found.labels[u] == int64_t(u % 2));
}

}  // namespace tenfold::bias_learning
