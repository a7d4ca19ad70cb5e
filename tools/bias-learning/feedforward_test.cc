#include "tools/bias-learning/feedforward.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <map>
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

Network network_with(int64_t layers = 1, Activation activation = Activation::kRelu) {
  Network n;
  n.weights.hidden = kUnits;
  n.weights.layers = layers;
  n.activation = activation;
  return n;
}

Images images_of(const at::Tensor& x) {
  Images images;
  images.count = x.size(0);
  images.pixels.assign(x.data_ptr<float>(), x.data_ptr<float>() + x.numel());
  for (int64_t n = 0; n < images.count; ++n) images.labels.push_back((n * n) % 10);
  return images;
}

std::vector<int64_t> numbers(int64_t n) {
  std::vector<int64_t> out(static_cast<size_t>(n));
  std::iota(out.begin(), out.end(), 0);
  return out;
}

// The first Adam step moves every value by the rate against the sign of its gradient.
void check_first_step(Method method, const Network& network, int64_t classes) {
  const RandomWeights w = draw_weights(network.weights, 3);
  const Images images = images_of(pixels());
  at::Tensor storage;
  const auto z = preactivations_of(images, w, 1 << 30, storage);
  const std::vector<int64_t> rows = numbers(kImages);
  std::vector<int64_t> labels;
  for (int64_t n = 0; n < kImages; ++n) labels.push_back(n % classes);
  TrainedTask task(method, network, classes, w, 3);
  // Away from where masks are undecided and relus have their corner.
  for (size_t i = 0; i < task.values.size(); i += 3) task.values[i] += 0.05f;
  const std::vector<float> before = task.values;
  Scratch scratch;
  const auto step = [&](TrainedTask& moved, double rate) {
    const Batch batch{z->of(rows.data(), kImages), z->x(), labels.data(), rate, 2};
    return moved.step(w, batch, scratch);
  };
  const auto loss = [&](const std::vector<float>& values) {
    TrainedTask moved(method, network, classes, w, 3);
    moved.values = values;
    return step(moved, 0);
  };
  step(task, 1e-3);
  REQUIRE(int64_t(before.size()) == trained_parameters(method, network, classes));
  int64_t checked = 0;
  const bool corners = method == Method::kBias && network.activation == Activation::kRelu;
  const float h = corners ? 2e-3f : 1e-2f;
  const kernels::HiddenRows all = z->of(rows.data(), kImages);
  // A bias moves its unit's corner: no difference across one.
  const auto at_corner = [&](size_t i) {
    for (int64_t n = 0; n < kImages && int64_t(i) < kUnits; ++n)
      if (std::abs(all.z[all.rows[n] * kUnits + int64_t(i)] + before[i]) <= 2 * h) return true;
    return false;
  };
  for (size_t i = 0; i<before.size(); i += before.size()> 1000 ? 199 : 1) {
    if (corners && at_corner(i)) continue;
    std::vector<float> up = before, down = before;
    up[i] += h;
    down[i] -= h;
    const double slope = (loss(up) - loss(down)) / (2 * double(h));
    // m / (1 - beta1) of the first step is the gradient.
    CHECK(task.adam.m[i] / 0.1 == Approx(slope).epsilon(0.02).margin(5e-5));
    checked += std::abs(slope) > 1e-4;
  }
  CHECK(checked > (method == Method::kOutputBias ? classes / 2 : 5));
}

std::map<std::string, DataSet> small_set() {
  DataSet set;
  set.train = set.test = images_of(pixels());
  return {{"mnist", set}};
}

FeedforwardOptions options_of(int64_t cache) {
  FeedforwardOptions o;
  o.networks = {network_with()};
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
  const std::map<std::string, DataSet> data = small_set();
  FeedforwardProgram program(o, data);
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
    check_first_step(method, network_with(), 10);
  }
}

TEST_CASE("so they are with output biases, and of two classes") {
  Network network = network_with();
  network.output_bias = true;
  for (const Method method : {Method::kBias, Method::kMask, Method::kReadout, Method::kFull}) {
    CAPTURE(kMethodNames[size_t(method)]);
    check_first_step(method, network, 2);
  }
  check_first_step(Method::kOutputBias, network_with(), 2);
}

TEST_CASE("so they are of two layers") {
  Network network = network_with(2, Activation::kSigmoid);
  network.weights.residual = true;
  network.output_bias = true;
  for (const Method method :
       {Method::kBias, Method::kMask, Method::kGain, Method::kReadout, Method::kFull}) {
    CAPTURE(kMethodNames[size_t(method)]);
    check_first_step(method, network, 10);
  }
}

TEST_CASE("the general form of one layer of relus steps as the fast one does") {
  Network general = network_with(2);
  general.weights.residual = true;  // an A of zeros: the second layer adds nothing
  const Images images = images_of(pixels());
  RandomWeights w = draw_weights(network_with().weights, 3),
                deep = draw_weights(general.weights, 3);
  std::fill_n(deep.values.begin() + (deep.back(1) - deep.input()), kUnits * kUnits, 0.0f);
  const std::vector<int64_t> rows = numbers(kImages);
  for (const Method method : {Method::kBias, Method::kMask, Method::kGain, Method::kReadout}) {
    CAPTURE(kMethodNames[size_t(method)]);
    TrainedTask fast(method, network_with(), 10, w, 3), other(method, general, 10, deep, 3);
    Scratch a, b;
    at::Tensor storage;
    const auto z = preactivations_of(images, w, 1 << 30, storage);
    const Batch batch{z->of(rows.data(), kImages), z->x(), images.labels.data(), 1e-2, 2};
    for (int step = 0; step < 5; ++step)
      CHECK(fast.step(w, batch, a) == Approx(other.step(deep, batch, b)).epsilon(1e-4));
    const std::vector<float> one = fast.logits(w, *z, 3, 20), two = other.logits(deep, *z, 3, 20);
    for (size_t i = 0; i < one.size(); ++i) CHECK(one[i] == Approx(two[i]).margin(1e-4));
  }
}

TEST_CASE("kept pre-activations give the losses of multiplying anew to 1e-4, halves to 1e-3") {
  const std::vector<double> kept = losses_of(options_of(1 << 30)), naive = losses_of(options_of(0));
  const std::vector<double> half = losses_of(options_of(kImages * kUnits * 2));
  REQUIRE(kept.size() == naive.size());
  REQUIRE(kept.size() == 6 * 17 * 6);
  for (size_t i = 0; i < kept.size(); ++i) {
    CHECK(kept[i] == Approx(naive[i]).epsilon(1e-4));
    CHECK(half[i] == Approx(kept[i]).epsilon(1e-3));
  }
}

TEST_CASE("sets take turns with the memory of their pre-activations") {
  const Images images = images_of(pixels());
  const RandomWeights w = draw_weights(network_with().weights, 3),
                      v = draw_weights(network_with().weights, 4);
  at::Tensor storage, other;
  preactivations_of(images, w, 1 << 30, storage);
  const void* first = storage.data_ptr();
  for (const int64_t budget : {int64_t(1) << 30, kImages * kUnits * 2}) {
    const auto shared = preactivations_of(images, v, budget, storage),
               alone = preactivations_of(images, v, budget, other);
    CHECK(storage.data_ptr() == first);
    const kernels::HiddenRows a = shared->rows(7, 1), b = alone->rows(7, 1);
    for (int64_t i = 0; i < kUnits; ++i)
      CHECK(a.z[a.rows[0] * kUnits + i] == b.z[b.rows[0] * kUnits + i]);
  }
}

TEST_CASE("tasks that share their images are trained as each alone") {
  FeedforwardOptions both = options_of(1 << 30), alone = both;
  both.methods = alone.methods = {"bias"};
  alone.tasks = {both.tasks[1]};
  const std::map<std::string, DataSet> data = small_set();
  FeedforwardProgram a(both, data), b(alone, data);
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
}

TEST_CASE("as many numbers are trained as the specification counts") {
  Network wide;
  wide.weights.hidden = 32000;
  CHECK(trained_parameters(Method::kBias, wide, 10) == 32000);
  CHECK(trained_parameters(Method::kFull, wide, 10) == 25440000);
  CHECK(network_of(Method::kFullEqual, wide, 10).weights.hidden == 40);  // 32 000 / 795
  wide.output_bias = true;
  CHECK(trained_parameters(Method::kBias, wide, 10) == 32010);
  wide.weights = {"uniform", 0.1, 100, 784, 3, true};
  CHECK(trained_parameters(Method::kMask, wide, 10) == 310);
  CHECK(draw_weights(wide.weights, 0).values.size() == size_t(100 * 794 + 4 * 100 * 100));
}

TEST_CASE("full training and the readout's change the weights' digest, other methods do not") {
  FeedforwardOptions o = options_of(1 << 30);
  o.methods = {"bias", "readout", "full", "mask"};
  o.tasks.resize(1);
  o.epochs = o.full_epochs = 1;
  const std::map<std::string, DataSet> data = small_set();
  FeedforwardProgram program(o, data);
  const std::string before = program.weights(program.jobs()[0]).hash();
  for (int64_t s = 0; s < program.total_steps(); ++s) program.step(s);
  const auto after = [&](size_t job) {
    const Job& j = program.jobs()[job];
    return j.trained[0].trained_weights(program.weights(j)).hash();
  };
  CHECK(after(0) == before);
  CHECK(after(3) == before);
  CHECK(after(1) != before);
  CHECK(after(2) != before);
  CHECK(after(1) != after(2));
}

TEST_CASE("biases stepped together, on any number of threads, are those stepped one by one") {
  // Large enough for a second thread to be worth it.
  constexpr int64_t kWide = 4000, kMany = 300, kTasks = 3;
  Network network;
  network.weights.hidden = kWide;
  const RandomWeights w = draw_weights(network.weights, 3);
  std::vector<float> z(size_t(kMany * kWide));
  Stream(2, "z").fill_normal(z.data(), kMany * kWide, 0, 1);
  const std::vector<int64_t> rows = numbers(kMany);
  std::vector<int64_t> labels;
  for (int64_t i = 0; i < kTasks * kMany; ++i) labels.push_back(i * i % 7);
  Batch batch{{z.data(), rows.data(), kMany, kWide}, {}, labels.data(), 0.02, 1};
  const std::vector<TrainedTask> fresh(kTasks, TrainedTask(Method::kBias, network, 10, w, 3));
  Scratch scratch;
  std::vector<TrainedTask> alone = fresh;
  std::vector<double> losses;
  at::set_num_threads(1);
  for (TrainedTask& task : alone) {
    losses.push_back(task.step(w, batch, scratch));
    batch.labels += kMany;
  }
  batch.labels = labels.data();
  for (const int threads : {1, 2, 5}) {
    at::set_num_threads(threads);
    std::vector<TrainedTask> together = fresh;
    const std::vector<double> found = TrainedTask::step_biases(together, w, batch, scratch);
    for (size_t t = 0; t < size_t(kTasks); ++t) {
      CHECK(found[t] == Approx(losses[t]).epsilon(1e-6));
      // m is a tenth of the gradient.
      for (size_t i = 0; i < size_t(kWide); ++i)
        REQUIRE(together[t].adam.m[i] == Approx(alone[t].adam.m[i]).epsilon(1e-3).margin(1e-8));
    }
  }
  at::set_num_threads(1);
}

TEST_CASE("task variance is the variance (n - 1) of relu(z + b)") {
  const RandomWeights w = draw_weights(network_with().weights, 3);
  const Images images = images_of(pixels());
  at::Tensor storage;
  const auto z = preactivations_of(images, w, 1 << 30, storage);
  TrainedTask task(Method::kBias, network_with(), 10, w, 3);
  std::fill(task.values.begin(), task.values.end(), 0.3f);
  const std::vector<double> tv = task_variance(task, w, *z);
  const std::vector<int64_t> rows = numbers(kImages);
  const kernels::HiddenRows all = z->of(rows.data(), kImages);
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
