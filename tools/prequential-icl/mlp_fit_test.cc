#include "tools/prequential-icl/mlp_fit.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <numeric>

#include "common/core/error.h"
#include "common/core/philox.h"

namespace tenfold::prequential_icl {
namespace {

using Doubles = std::vector<double>;

// A data set with targets of both kinds.
struct Sample {
  std::vector<float> x, y;
  std::vector<int64_t> labels;
  int64_t points, train_points;

  Sample(const MlpFitOptions& o, int64_t points, int64_t train_points)
      : x(points * o.inputs), y(points * o.outputs), points(points), train_points(train_points) {
    Stream(1, "x").fill_normal(x.data(), points * o.inputs, 0, 1);
    Stream(1, "y").fill_normal(y.data(), points * o.outputs, 0, 1);
    const Stream stream(1, "labels");
    for (int64_t i = 0; i < points; ++i) {
      for (const int64_t n : o.classes) labels.push_back(stream.below(labels.size(), n));
    }
  }
  MlpFitData view() const { return {x.data(), y.data(), labels.data(), points, train_points}; }

  // The points `rows` as a data set of their own.
  Sample at(const MlpFitOptions& o, const std::vector<int64_t>& rows) const {
    const int64_t n = static_cast<int64_t>(rows.size()), k = o.classes.size();
    Sample s(o, n, n);
    for (int64_t i = 0; i < n; ++i) {
      std::copy_n(&x[rows[i] * o.inputs], o.inputs, &s.x[i * o.inputs]);
      std::copy_n(&y[rows[i] * o.outputs], o.outputs, &s.y[i * o.outputs]);
      for (int64_t j = 0; j < k; ++j) s.labels[i * k + j] = labels[rows[i] * k + j];
    }
    return s;
  }
};

// Factor of a unit's value: (point, hidden layer, unit).
using Mask = std::function<double(int64_t, int64_t, int64_t)>;

// Loss and penalty in float64, by plain loops.
double reference_loss(const MlpFitOptions& o, const Doubles& w, const Sample& s,
                      const Mask& mask = nullptr) {
  double total = 0;
  for (int64_t i = 0; i < s.points; ++i) {
    Doubles in(&s.x[i * o.inputs], &s.x[i * o.inputs] + o.inputs);
    size_t at = 0;
    for (int64_t l = 0; l < o.layers; ++l) {
      const int64_t n = l + 1 == o.layers ? o.outputs : o.width;
      Doubles out(n, 0.0);
      for (int64_t u = 0; u < n; ++u) {
        for (const double value : in) out[u] += w[at++] * value;
      }
      for (int64_t u = 0; u < n; ++u) {
        out[u] += w[at++];
        if (l + 1 < o.layers) out[u] = std::max(0.0, out[u]) * (mask ? mask(i, l, u) : 1.0);
      }
      in = out;
    }
    if (at != w.size()) FAIL("another number of weights");
    if (o.classes.empty()) {
      for (int64_t u = 0; u < o.outputs; ++u) {
        total += std::pow(in[u] - s.y[i * o.outputs + u], 2) / o.outputs;
      }
    }
    const double* logits = in.data();
    for (size_t k = 0; k < o.classes.size(); ++k) {
      double sum = 0;
      for (int64_t c = 0; c < o.classes[k]; ++c) sum += std::exp(logits[c]);
      const double right = logits[s.labels[i * o.classes.size() + k]];
      total += (std::log(sum) - right) / o.classes.size();
      logits += o.classes[k];
    }
  }
  total /= s.points;
  size_t at = 0;
  for (int64_t l = 0; l < o.layers; ++l) {
    const int64_t in = l == 0 ? o.inputs : o.width, out = l + 1 == o.layers ? o.outputs : o.width;
    for (const int64_t size : {in * out, out}) {
      double squares = 0;
      for (int64_t i = 0; i < size; ++i, ++at) {
        squares += w[at] * w[at];
        total += o.l1 * std::abs(w[at]);
      }
      total += o.l2 * std::sqrt(squares);
    }
  }
  return total;
}

Doubles finite_differences(const MlpFitOptions& o, const std::vector<float>& weights,
                           const Sample& s, const Mask& mask = nullptr) {
  Doubles w(weights.begin(), weights.end()), gradient;
  for (double& p : w) {
    const double before = p, h = 1e-6;
    p = before + h;
    const double up = reference_loss(o, w, s, mask);
    p = before - h;
    gradient.push_back((up - reference_loss(o, w, s, mask)) / (2 * h));
    p = before;
  }
  return gradient;
}

// Largest difference over the largest expected value.
template <class T>
double relative_difference(const std::vector<T>& found, const Doubles& expected) {
  REQUIRE(found.size() == expected.size());
  double most = 0, scale = 0;
  for (size_t i = 0; i < found.size(); ++i) {
    most = std::max(most, std::abs(double{found[i]} - expected[i]));
    scale = std::max(scale, std::abs(expected[i]));
  }
  return most / scale;
}

MlpFitOptions options_of(int64_t inputs, int64_t width, int64_t outputs, int64_t layers,
                         std::vector<int64_t> classes = {}) {
  MlpFitOptions o;
  o.inputs = inputs;
  o.width = width;
  o.outputs = outputs;
  o.layers = layers;
  o.classes = std::move(classes);
  return o;
}

MlpFitOptions small_options() {
  MlpFitOptions o = options_of(3, 24, 2, 4);
  o.batch = 4;
  o.lr = 1e-2;
  return o;
}

}  // namespace

TEST_CASE("loss and gradient are those of a float64 network, for every shape") {
  const std::vector<MlpFitOptions> shapes = {
      options_of(3, 10, 2, 5),  options_of(1, 1, 1, 2),           options_of(5, 7, 3, 1),
      options_of(2, 24, 17, 3), options_of(48, 16, 7, 3, {3, 4}), options_of(4, 9, 18, 4, {9, 9}),
      options_of(4, 40, 1, 3),  options_of(1, 8, 2, 2, {2}),
  };
  for (const MlpFitOptions& o : shapes) {
    for (const int64_t points : {1, 6, 13, 64}) {
      const Sample s(o, points, points);
      MlpFitOptions no_stop = o;
      no_stop.monitor = Monitor::kNone;
      const auto weights = mlp_initial_weights(o, 3);
      MlpFit fit(no_stop, weights);
      CHECK(fit.loss(s.view(), 0, points) ==
            Approx(reference_loss(o, Doubles(weights.begin(), weights.end()), s)).epsilon(1e-5));
      CHECK(relative_difference(fit.gradient(s.view(), 0, points),
                                finite_differences(o, weights, s)) < 1e-5);
    }
  }
}

TEST_CASE("the gradients of the penalties are those of sum |p| and of the norms of the tensors") {
  for (const bool squares : {false, true}) {
    MlpFitOptions o = options_of(3, 10, 2, 3);
    o.monitor = Monitor::kNone;
    (squares ? o.l2 : o.l1) = .05;
    const Sample s(o, 9, 9);
    auto weights = mlp_initial_weights(o, 4);
    const auto expected = finite_differences(o, weights, s);
    MlpFit fit(o, weights);
    CHECK(relative_difference(fit.gradient(s.view(), 0, 9), expected) < 1e-5);
    // The penalty is no part of the loss that is reported.
    MlpFitOptions plain = o;
    plain.l1 = plain.l2 = 0;
    CHECK(fit.loss(s.view(), 0, 9) == MlpFit(plain, weights).loss(s.view(), 0, 9));
    // Zero weights pull nowhere, instead of dividing by their norm.
    std::fill(weights.begin(), weights.end(), 0.0f);
    fit.reset(weights);
    const auto at_zero = fit.gradient(s.view(), 0, 9);
    CHECK(at_zero == MlpFit(plain, weights).gradient(s.view(), 0, 9));
  }
}

TEST_CASE("an epoch is Adam on clipped gradients of shuffled batches, the last one short") {
  for (const double clip : {.05, 1e9}) {
    MlpFitOptions o = small_options();
    o.clip = clip;
    o.l2 = 1e-3;
    const Sample s(o, 14, 10);
    const auto start = mlp_initial_weights(o, 5);
    MlpFit fit(o, start);
    Doubles w(start.begin(), start.end()), m(w.size(), 0.0), v(w.size(), 0.0);
    MlpFitOptions probe_options = o;
    probe_options.monitor = Monitor::kNone;
    int64_t t = 0;
    for (uint64_t epoch = 0; epoch < 3; ++epoch) {
      double train_loss = 0;
      const auto order = Stream(8, "sgd.order/21", epoch).permutation(10);
      for (const auto& [first, end] : {std::pair(0, 4), std::pair(4, 8), std::pair(8, 10)}) {
        const Sample batch = s.at(o, {order.begin() + first, order.begin() + end});
        MlpFit probe(probe_options, std::vector<float>(w.begin(), w.end()));
        train_loss += probe.loss(batch.view(), 0, batch.points) / 3;
        const auto g = probe.gradient(batch.view(), 0, batch.points);
        const double norm = std::sqrt(std::inner_product(g.begin(), g.end(), g.begin(), 0.0));
        CHECK(norm > .05);
        const double scale = std::min(1.0, clip / (norm + 1e-6));
        ++t;
        for (size_t i = 0; i < w.size(); ++i) {
          m[i] = .9 * m[i] + .1 * scale * g[i];
          v[i] = .999 * v[i] + .001 * scale * g[i] * scale * g[i];
          w[i] -= o.lr * m[i] / (1 - std::pow(.9, t)) /
                  (std::sqrt(v[i] / (1 - std::pow(.999, t))) + 1e-8);
        }
      }
      REQUIRE(fit.run_epoch(s.view(), {8, 21}));
      const MlpFitState state = fit.state();
      CHECK(state.step == t);
      CHECK(state.epoch == static_cast<int64_t>(epoch) + 1);
      CHECK(state.train_loss == Approx(train_loss).epsilon(1e-4));
      CHECK(relative_difference(state.weights, w) < 1e-4);
      CHECK(relative_difference(state.first_moments, m) < 1e-3);
      CHECK(relative_difference(state.second_moments, v) < 1e-3);
    }
  }
}

TEST_CASE("dropout keeps the units that its stream names and scales them") {
  MlpFitOptions o = options_of(3, 70, 2, 3);
  o.dropout = .4;
  o.clip = 1e9;
  o.monitor = Monitor::kNone;
  const Sample s(o, 11, 11);
  const auto weights = mlp_initial_weights(o, 6);
  MlpFit fit(o, weights);
  REQUIRE(fit.run_epoch(s.view(), {9, 5}));

  const uint64_t key = Stream(9, "sgd.dropout/5").bits64(0);
  const auto order = Stream(9, "sgd.order/5", 0).permutation(11);
  int64_t kept = 0;
  const Mask mask = [&](int64_t i, int64_t l, int64_t u) {
    const uint32_t word = static_cast<uint32_t>((i * 2 + l) * 128 + u);  // 70 rounded up to 128
    const auto bits = philox4x32({word / 4, 0, 0, 0},
                                 {static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)});
    return bits[word % 4] >= .4 * 0x1p32 ? 1 / .6 : 0;
  };
  for (int64_t i = 0; i < 11 * 140; ++i) kept += mask(i / 140, i / 70 % 2, i % 70) > 0;
  CHECK(std::abs(kept - .6 * 1540) < 4 * std::sqrt(1540 * .24));
  const Sample batch = s.at(o, order);
  auto expected = finite_differences(o, weights, batch, mask);
  for (double& g : expected) g *= .1;  // the first moment after one step
  CHECK(relative_difference(fit.state().first_moments, expected) < 1e-5);
  CHECK(fit.state().train_loss ==
        Approx(reference_loss(o, Doubles(weights.begin(), weights.end()), batch, mask)));

  // Off where losses are reported, and other units in the next epoch.
  MlpFitOptions plain = o;
  plain.dropout = 0;
  CHECK(fit.loss(s.view(), 0, 11) == MlpFit(plain, fit.state().weights).loss(s.view(), 0, 11));
  MlpFit again(o, weights);
  MlpFitState later = again.state();
  later.epoch = 1;
  again.restore(later);
  again.run_epoch(s.view(), {9, 5});
  CHECK(relative_difference(again.state().first_moments, expected) > .1);
}

TEST_CASE("the stop rule is the reference's: a value a little worse than the best is progress") {
  EarlyStop stop;
  const double losses[] = {1.0,  1.0005, 1.0014, 1.0025, 1.003, .9,
                           .902, .9015,  .9009,  .95,    .96,   .97};
  const double best[] = {1.0, 1.0005, 1.0014, 1.0014, 1.0014, .9,
                         .9,  .9,     .9009,  .9009,  .9009,  .9009};
  const int64_t wait[] = {0, 0, 0, 1, 2, 0, 1, 2, 0, 1, 2, 3};
  for (int i = 0; i < 12; ++i) {
    CHECK(stop.observe(losses[i], 1e-3, 3) == (i == 11));
    CHECK(stop.best == best[i]);
    CHECK(stop.wait == wait[i]);
  }
  EarlyStop strict;  // a negative min_delta asks for progress by that much
  CHECK_FALSE(strict.observe(1.0, -.1, 2));
  CHECK_FALSE(strict.observe(.95, -.1, 2));
  CHECK(strict.best == 1.0);
  CHECK(strict.observe(.91, -.1, 2));
}

TEST_CASE("a fit stops by the loss that it monitors") {
  for (const Monitor monitor : {Monitor::kTrain, Monitor::kValidation}) {
    MlpFitOptions o = small_options();
    o.max_epochs = 300;
    o.monitor = Monitor::kNone;
    const Sample s(o, 14, 10);
    const auto weights = mlp_initial_weights(o, 7);
    MlpFit free(o, weights);
    EarlyStop stop;
    int64_t expected = 0;
    bool stopped = false;
    while (!stopped && free.run_epoch(s.view(), {1, 2})) {
      ++expected;
      stopped = stop.observe(
          monitor == Monitor::kTrain ? free.state().train_loss : free.loss(s.view(), 10, 14), -1e-4,
          5);
    }
    REQUIRE(stopped);
    o.monitor = monitor;
    o.min_delta = -1e-4;
    o.patience = 5;
    MlpFit fit(o, weights);
    const MlpFitResult r = fit.run(s.view(), {1, 2});
    CHECK(r.epochs == expected);
    CHECK(fit.done());
    CHECK(fit.state().weights == free.state().weights);  // of the last epoch, not of the best
    CHECK(r.train_loss == free.loss(s.view(), 0, 10));
    CHECK(r.validation_loss == free.loss(s.view(), 10, 14));
    CHECK_FALSE(fit.run_epoch(s.view(), {1, 2}));
  }
  MlpFitOptions o = small_options();
  o.max_epochs = 4;
  const Sample s(o, 14, 10);
  CHECK(MlpFit(o, mlp_initial_weights(o, 7)).run(s.view(), {1, 2}).epochs == 4);
}

TEST_CASE("a fit goes on from its state as if it had not been cut") {
  MlpFitOptions o = small_options();
  o.dropout = .2;
  o.max_epochs = 12;
  const Sample s(o, 14, 10);
  const auto weights = mlp_initial_weights(o, 8);
  MlpFit whole(o, weights), first(o, weights), second(o, weights);
  const MlpFitResult expected = whole.run(s.view(), {3, 4});
  for (int i = 0; i < 5; ++i) first.run_epoch(s.view(), {3, 4});
  const MlpFitState state = first.state();
  second.restore(state);
  const MlpFitResult found = second.run(s.view(), {3, 4});
  CHECK(found.epochs == expected.epochs);
  CHECK(found.train_loss == expected.train_loss);
  CHECK(second.state().weights == whole.state().weights);
  CHECK(second.state().second_moments == whole.state().second_moments);
  CHECK(second.state().stop.best == whole.state().stop.best);
  MlpFitState broken = state;
  broken.first_moments.pop_back();
  CHECK_THROWS_AS(second.restore(broken), DataError);
}

TEST_CASE("fits in any order, in one object or many, give the same bits") {
  MlpFitOptions o = small_options();
  o.max_epochs = 6;
  const auto weights = mlp_initial_weights(o, 9);
  std::vector<Sample> samples;
  for (const int64_t n : {9, 14, 5}) samples.emplace_back(o, n, n - 2);
  std::vector<std::vector<float>> alone;
  for (size_t i = 0; i < samples.size(); ++i) {
    MlpFit fit(o, weights);
    fit.run(samples[i].view(), {2, i});
    alone.push_back(fit.state().weights);
  }
  CHECK(alone[0] != alone[1]);
  MlpFit fit(o, weights);
  for (const size_t i : {2, 0, 1}) {
    fit.reset(weights);
    fit.run(samples[i].view(), {2, i});
    CHECK(fit.state().weights == alone[i]);
  }
}

TEST_CASE("the loss of a point does not depend on the points beside it") {
  for (const MlpFitOptions& o : {options_of(3, 64, 1, 5), options_of(4, 64, 18, 5, {9, 9})}) {
    const Sample s(o, 150, 100);
    MlpFit fit(o, mlp_initial_weights(o, 10));
    double total = 0;
    for (int64_t i = 0; i < 150; ++i) total += fit.loss(s.view(), i, i + 1) / 150;
    CHECK(fit.loss(s.view(), 0, 150) == Approx(total).epsilon(1e-6));
  }
}

TEST_CASE("a value that is no number shows in the losses") {
  MlpFitOptions o = small_options();
  o.max_epochs = 1;
  Sample s(o, 14, 10);
  s.x[3 * o.inputs + 1] = std::nanf("");
  MlpFit fit(o, mlp_initial_weights(o, 11));
  CHECK(std::isnan(fit.loss(s.view(), 0, 10)));
  CHECK(std::isfinite(fit.loss(s.view(), 10, 14)));
  CHECK(std::isnan(fit.run(s.view(), {0, 0}).train_loss));
}

TEST_CASE("initial weights are uniform within 1/sqrt(fan-in), the same for every fit of a seed") {
  const MlpFitOptions o = options_of(3, 64, 1, 5);
  const auto w = mlp_initial_weights(o, 1);
  REQUIRE(w.size() == static_cast<size_t>(o.parameters()));
  CHECK(o.parameters() == 4 * 64 + 3 * 65 * 64 + 65);
  CHECK(w == mlp_initial_weights(o, 1));
  CHECK(w != mlp_initial_weights(o, 2));
  const auto spread = [&](size_t first, size_t end, double bound) {
    double most = 0, squares = 0;
    for (size_t i = first; i < end; ++i) {
      most = std::max(most, double{std::abs(w[i])});
      squares += w[i] * w[i] / double(end - first);
    }
    CHECK(most <= bound);
    CHECK(most > .9 * bound);
    CHECK(squares == Approx(bound * bound / 3).epsilon(.15));
  };
  spread(0, 256, 1 / std::sqrt(3.0));
  spread(256, 256 + 65 * 64, 1.0 / 8);
  spread(256 + 2 * 65 * 64, 256 + 3 * 65 * 64, 1.0 / 8);
}

TEST_CASE("wrong options, weights and data are refused by name") {
  const auto refused = [](const std::function<void(MlpFitOptions*)>& change, const char* part) {
    MlpFitOptions o = small_options();
    change(&o);
    CHECK_THROWS_WITH(check(o), Catch::Contains(part));
  };
  refused([](auto* o) { o->width = 0; }, "--h-dim: found 0");
  refused([](auto* o) { o->dropout = 1; }, "--dropout");
  refused([](auto* o) { o->clip = 0; }, "--clip");
  refused([](auto* o) { o->lr = std::nan(""); }, "--lr");
  refused([](auto* o) { o->classes = {2, 3}; }, "outputs: found 2, expected 5");
  CHECK_THROWS_AS(MlpFit(small_options(), mlp_initial_weights(small_options(), 0))
                      .gradient(Sample(small_options(), 65, 64).view(), 0, 65),
                  DataError);

  MlpFitOptions o = options_of(2, 8, 5, 2, {2, 3});
  CHECK_THROWS_AS(MlpFit(o, std::vector<float>(7)), DataError);
  MlpFit fit(o, mlp_initial_weights(o, 1));
  Sample s(o, 6, 4);
  s.labels[7] = 3;  // the second label of point 4
  CHECK_THROWS_WITH(fit.run(s.view(), {0, 0}),
                    Catch::Contains("point 4") && Catch::Contains("found 3, expected 0 to 2"));
  s.labels[7] = 2;
  s.train_points = 0;
  CHECK_THROWS_AS(fit.run(s.view(), {0, 0}), DataError);
  s.train_points = 6;
  CHECK_THROWS_AS(fit.run(s.view(), {0, 0}), UsageError);
}

}  // namespace tenfold::prequential_icl
