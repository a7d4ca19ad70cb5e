#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/gru.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/upsample_linear1d.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "common/core/error.h"
#include "common/core/philox.h"
#include "tools/poyo-decode/baseline_methods.h"
#include "tools/poyo-decode/generator.h"
#include "tools/poyo-decode/gru_decoder.h"
#include "tools/poyo-decode/kalman_decoder.h"
#include "tools/poyo-decode/mlp_decoder.h"

namespace tenfold::poyo_decode {
namespace {

Dataset prepared(Recording r) { return Dataset({std::move(r)}, DatasetOptions()); }

Recording generated(double seconds = 60, int64_t units = 12) {
  GeneratorOptions options;
  options.duration = seconds;
  options.units = units;
  options.gain = 2;
  return generate(options, 3, "g_1");
}

BaselineOptions quick(const std::string& method) {
  BaselineOptions o;
  o.method = method;
  if (!uses_seed(o)) return o;
  o.epochs = 3;
  o.hidden = {8};
  o.lr = {1e-2};
  o.weight_decay = {1e-2};
  return o;
}

const std::vector<std::string> kMethods = {"wiener", "ridge", "kalman", "mlp", "gru"};

BaselineScore fitted(const Dataset& d, const BaselineOptions& o, uint64_t seed = 0) {
  return fit_baseline(d.parts[0], training_trials(d.parts[0].recording), o, 0, seed);
}

Sequence sequence_of(int64_t steps, int64_t units, uint64_t number) {
  Sequence s;
  s.steps = steps;
  s.counts.resize(size_t(steps * units));
  Stream(9, "counts", number).fill_normal(s.counts.data(), steps * units, 0, 1);
  for (int64_t t = 0; t < steps; ++t) {
    s.samples.push_back(t);
    s.place.push_back(double(t));
  }
  return s;
}

}  // namespace

TEST_CASE("bins count the spikes and average the velocities that lie in them") {
  Recording r = generated();
  const Dataset d = prepared(r);
  const BinnedRows rows = session_bins(d.parts[0], 0.05);
  CHECK(rows.counts.sum() == r.spikes());
  for (int64_t bin : {0, 17, 600, 1199}) {
    Eigen::RowVectorXd counts = Eigen::RowVectorXd::Zero(12);
    for (int64_t i = 0; i < r.spikes(); ++i)
      if (std::abs(r.spike_times[size_t(i)] - rows.time[size_t(bin)]) < 0.025)
        counts(r.spike_units[size_t(i)]) += 1;
    CHECK((rows.counts.row(bin) - counts).norm() == 0);
    double sum = 0;  // samples are 10 ms apart
    for (int64_t i = 5 * bin; i < 5 * bin + 5; ++i) sum += r.target[size_t(2 * i)] / 20;
    CHECK(rows.target(bin, 0) == Approx(sum / 5).margin(1e-6));
  }
}

TEST_CASE("an MLP reads the scaled counts of a second up to two bins later, oldest first") {
  const Dataset d = prepared(generated());
  const Session& s = d.parts[0];
  const BinnedRows rows = session_bins(s, 0.02);
  const Intervals training = training_trials(s.recording);
  MlpDecoder decoder(s, rows, {47, 2}, training, 4, 0);
  const Eigen::MatrixXd train = rows_of(rows.counts, rows_within(rows, training, false));
  for (int64_t row : {0, 3, 500, 2999}) {
    const at::Tensor x = decoder.features({row});
    REQUIRE(x.size(1) == 50 * 12);
    for (int64_t tap = 0; tap < 50; ++tap) {
      const int64_t other = row - 47 + tap;
      for (int64_t unit = 0; unit < 12; ++unit) {
        const double mean = train.col(unit).mean();
        const double deviation =
            std::sqrt(train.col(unit).squaredNorm() / double(train.rows()) - mean * mean);
        const double expected =
            other < 0 || other >= rows.size() ? 0 : rows.counts(other, unit) / deviation;
        CHECK(x[0][tap * 12 + unit].item<float>() == Approx(expected).margin(1e-5));
      }
    }
  }
}

TEST_CASE("around samples, counts of another trial are not read") {
  Recording r = generated();
  r.trials.intervals = {{0, 30.005}, {30.005, 60}};
  const Dataset d = prepared(r);
  const BinnedRows rows = sample_bins(d.parts[0], 0.1);
  REQUIRE(rows.counts.row(3000).sum() * rows.counts.row(3001).sum() > 0);
  MlpDecoder decoder(d.parts[0], rows, {2, 1}, {{0, 60}}, 4, 0);
  const at::Tensor last = decoder.features({3000}), next = decoder.features({3001});
  CHECK(last.slice(1, 36, 48).abs().sum().item<float>() == 0);  // the row after
  CHECK(next.slice(1, 0, 24).abs().sum().item<float>() == 0);   // the two before
  CHECK(decoder.features({3002}).slice(1, 0, 12).abs().sum().item<float>() == 0);
}

TEST_CASE("dropout zeroes its share, keeps the mean, and is a function of seed, step and layer") {
  const at::Tensor x = at::zeros({400, 100}).fill_(2);
  const at::Tensor y = dropped(x, 0.3, 5, 7, 0);
  CHECK(y.eq(0).to(at::kFloat).mean().item<float>() == Approx(0.3).margin(0.01));
  CHECK(y.max().item<float>() == Approx(2 / 0.7).epsilon(1e-4));
  CHECK(y.equal(dropped(x, 0.3, 5, 7, 0)));
  CHECK_FALSE(y.equal(dropped(x, 0.3, 6, 7, 0)));
  CHECK_FALSE(y.equal(dropped(x, 0.3, 5, 8, 0)));
  CHECK_FALSE(y.equal(dropped(x, 0.3, 5, 7, 1)));
}

TEST_CASE("sequences of different lengths give what torch's two-layer GRU gives each alone") {
  const at::NoGradGuard guard;
  const int64_t units = 5, hidden = 6;
  train::Parameters p(1);
  const GruNetwork network(p, units, hidden);
  std::vector<at::Tensor> weights;
  for (const train::Parameter& one : p.all()) weights.push_back(one.value);
  REQUIRE(weights.size() == 18);
  const std::vector<at::Tensor> recurrent(weights.begin(), weights.begin() + 16);
  for (const std::vector<int64_t>& lengths :
       {std::vector<int64_t>{3, 7, 5, 7}, std::vector<int64_t>{4, 4}, std::vector<int64_t>{1}}) {
    std::vector<Sequence> all;
    for (int64_t n : lengths) all.push_back(sequence_of(n, units, all.size()));
    std::vector<const Sequence*> pointers;
    for (const Sequence& s : all) pointers.push_back(&s);
    const SequenceBatch batch = packed(pointers, units);
    const at::Tensor out = network(batch, std::nullopt);
    std::stable_sort(all.begin(), all.end(),
                     [](const Sequence& a, const Sequence& b) { return a.steps > b.steps; });
    int64_t first = 0;
    for (Sequence& s : all) {
      const at::Tensor x = at::from_blob(s.counts.data(), {1, s.steps, units});
      const at::Tensor y = at::linear(std::get<0>(at::gru(x, at::zeros({4, 1, hidden}), recurrent,
                                                          true, 2, 0.0, false, true, true)),
                                      weights[16], weights[17])[0];
      CHECK((out.narrow(0, first, s.steps) - y).abs().max().item<float>() < 1e-6);
      first += s.steps;
    }
    CHECK(first == out.size(0));
  }
}

TEST_CASE("outputs between bins are torch's linear interpolation with half-pixel centres") {
  const at::NoGradGuard guard;
  train::Parameters p(2);
  const GruNetwork network(p, 3, 4);
  Sequence coarse = sequence_of(10, 3, 0), fine = coarse;
  fine.samples.clear();
  fine.place.clear();
  for (int64_t j = 0; j < 25; ++j) {  // 25 samples in 10 bins
    fine.samples.push_back(j);
    fine.place.push_back((double(j) + 0.5) * 10 / 25 - 0.5);
  }
  const at::Tensor bins = network(packed({&coarse}, 3), std::nullopt).t().unsqueeze(0);
  const at::Tensor expected = at::upsample_linear1d(bins, {25}, false)[0].t();
  const at::Tensor found = network(packed({&fine}, 3), std::nullopt);
  CHECK((found - expected).abs().max().item<float>() < 1e-6);
}

TEST_CASE("windows hold the spikes and samples of their second, and cover valid and test trials") {
  const Dataset d = prepared(generated());
  const Recording& r = d.parts[0].recording;
  const Intervals training = training_trials(r);
  const GruSequences found =
      window_sequences(d.parts[0], training, 1, 0.02, Eigen::VectorXd::Ones(12), 0);
  const EvaluationWindows test = evaluation_windows(r.test_domain, 1);
  REQUIRE(found.test.size() == test.starts.size());
  for (size_t w = 0; w < test.starts.size(); ++w) {
    const Sequence& s = found.test[w];
    CHECK(s.steps == 50);
    double spikes = 0, counted = 0;
    for (double t : r.spike_times) spikes += t >= test.starts[w] && t < test.starts[w] + 1;
    for (float c : s.counts) counted += c;
    CHECK(counted == spikes);
    for (size_t q = 0; q < s.samples.size(); ++q)
      CHECK((s.place[q] + 0.5) * 0.02 + test.starts[w] ==
            Approx(r.sample_times[size_t(s.samples[q])]));
  }
  for (int64_t step = 0; step < 2 * found.steps_per_epoch; ++step) {
    const std::vector<Sequence> batch = found.batch(step);
    REQUIRE(batch.size() == size_t(kGruBatch));
    for (const Sequence& s : batch)
      for (int64_t i : s.samples) CHECK(contains(training, r.sample_times[size_t(i)]));
  }
}

TEST_CASE("a network repeats by its seed, differs by it, and keeps its best epoch") {
  const Dataset d = prepared(generated());
  for (const std::string method : {"mlp", "gru"}) {
    CAPTURE(method);
    BaselineOptions o = quick(method);
    const BaselineScore a = fitted(d, o, 1), b = fitted(d, o, 1), c = fitted(d, o, 2);
    CHECK(a.score.test.decoded.prediction == b.score.test.decoded.prediction);
    CHECK(a.score.test.decoded.prediction != c.score.test.decoded.prediction);
    REQUIRE(a.score.valid_r2);
    // Epochs go on from each other: the best of five is the best of the first n, where it is the
    // n-th.
    o.epochs = 5;
    const BaselineScore more = fitted(d, o, 1);
    CHECK(*more.score.valid_r2 >= *a.score.valid_r2);
    o.epochs = std::get<int64_t>(more.hyper_parameters.back().second);
    const BaselineScore until = fitted(d, o, 1);
    CHECK(until.score.test.decoded.prediction == more.score.test.decoded.prediction);
  }
}

TEST_CASE("every method decodes a session, and none does without its spikes") {
  Recording silent = generated(90);
  const Dataset d = prepared(silent);
  silent.spike_times.clear();
  silent.spike_units.clear();
  const Dataset nothing = prepared(silent);
  for (const std::string& method : kMethods) {
    CAPTURE(method);
    BaselineOptions o = quick(method);
    if (method == "ridge") o.bin = 0.1;
    if (uses_seed(o)) o.epochs = 12;
    const BaselineScore s = fitted(d, o);
    CHECK(s.score.test.r2.value() > 0.3);
    if (s.score.test_r2) CHECK(*s.score.test_r2 == Approx(*s.score.test.r2).margin(0.05));
    CHECK(fitted(nothing, o).score.test.r2.value() < 0.05);
  }
}

TEST_CASE("the Kalman filter's lag is the one by which counts lead the velocity") {
  const Dataset d = prepared(generated());
  const Session& session = d.parts[0];
  for (int64_t lead = 0; lead <= 3; ++lead) {
    CAPTURE(lead);
    BinnedRows rows = session_bins(session, 0.05);
    rows.counts.resize(rows.size(), 3);
    for (int64_t i = 0; i < rows.size(); ++i) {
      const Eigen::RowVectorXd v = rows.target.row(std::min(i + lead, rows.size() - 1));
      rows.counts.row(i) << 5 + 2 * v(0), 4 - 3 * v(1), 9 + v(0) + v(1);
    }
    const KalmanScore s = kalman_decoder(session, rows, training_trials(session.recording), 3);
    CHECK(s.lag == lead);
    CHECK(s.test_r2.value() > 0.98);
  }
}

TEST_CASE("a position that stands still is not part of the state") {
  Recording r = generated();
  std::fill(r.position.begin(), r.position.end(), 0.0f);
  const BaselineScore still = fitted(prepared(r), quick("kalman"));
  CHECK(std::get<int64_t>(still.hyper_parameters[1].second) == 0);
  r.position.clear();
  const BaselineScore without = fitted(prepared(r), quick("kalman"));
  CHECK(still.score.test.r2 == without.score.test.r2);
}

TEST_CASE("units that are silent in training change no prediction") {
  Recording r = generated();
  Recording more = r;
  more.units.push_back("g_1/silent");
  // It fires in a test trial only.
  const double t = r.test_domain[0].start + 0.3;
  const auto at = std::upper_bound(more.spike_times.begin(), more.spike_times.end(), t);
  more.spike_units.insert(more.spike_units.begin() + (at - more.spike_times.begin()), 12);
  more.spike_times.insert(at, t);
  const Dataset d = prepared(more), base = prepared(r);
  for (const std::string method : {"wiener", "kalman"}) {
    CAPTURE(method);
    CHECK(fitted(d, quick(method)).score.test.r2.value() ==
          Approx(fitted(base, quick(method)).score.test.r2.value()).epsilon(1e-6));
  }
  const BinnedRows rows = session_bins(d.parts[0], 0.02);
  const Eigen::VectorXd scale =
      count_scale(rows.counts, rows_within(rows, training_trials(more), false));
  CHECK(scale(12) == 0);
  CHECK(scale.head(12).minCoeff() > 0);
  for (const std::string method : {"mlp", "gru"})
    CHECK(std::isfinite(fitted(d, quick(method)).score.test.r2.value()));
}

TEST_CASE("a velocity that stands still gives no R2, and no valid trials no choice") {
  Recording r = generated();
  for (size_t i = 1; i < r.target.size(); i += 2) r.target[i] = 0;
  Recording blind = generated();
  blind.train_domain.clear();
  blind.valid_domain.clear();
  const Dataset still = prepared(r), no_valid = prepared(blind);
  for (const std::string& method : kMethods) {
    CAPTURE(method);
    const BaselineScore a = fitted(still, quick(method));
    CHECK_FALSE(a.score.test.r2);
    CHECK(a.score.test.r2_x);
    CHECK_FALSE(a.score.valid_r2);
    const BaselineScore b = fitted(no_valid, quick(method));
    CHECK_FALSE(b.score.valid_r2);
    CHECK(b.score.test.r2);
  }
}

TEST_CASE("trials too short to fit anything are an error that names the session") {
  Recording r = generated();
  for (Interval& trial : r.trials.intervals) trial.end = trial.start + 0.004;
  const Dataset d = prepared(r);
  for (const std::string method : {"kalman", "gru"}) {
    CAPTURE(method);
    CHECK_THROWS_WITH(fitted(d, quick(method)), Catch::Contains("g_1_s3: "));
    CHECK_THROWS_AS(fitted(d, quick(method)), Error);
  }
  for (Interval& trial : r.trials.intervals) trial.end = trial.start + 0.3;  // less than the taps
  const Dataset short_trials = prepared(r);
  for (const std::string method : {"wiener", "kalman", "mlp"}) {
    CAPTURE(method);
    CHECK(fitted(short_trials, quick(method)).score.test.r2);
  }
}

TEST_CASE("files of counts are read around their samples, others in bins") {
  Recording r = generated();
  BaselineOptions o = quick("mlp");
  const Dataset fine = prepared(r);
  CHECK_FALSE(reads_samples(fine.parts[0], o));
  Recording counts = r;
  counts.sample_times.clear();
  counts.target.clear();
  counts.position.clear();
  for (int64_t i = 5; i < r.samples(); i += 10) {
    counts.sample_times.push_back(r.sample_times[size_t(i)]);
    counts.target.push_back(r.target[size_t(2 * i)]);
    counts.target.push_back(r.target[size_t(2 * i + 1)]);
  }
  const Dataset coarse = prepared(counts);
  CHECK(reads_samples(coarse.parts[0], o));
  o.rows = "bins";
  CHECK_FALSE(reads_samples(coarse.parts[0], o));
  for (const std::string method : {"kalman", "mlp", "gru"}) {
    const BaselineScore s = fitted(coarse, quick(method));
    CAPTURE(method);
    CHECK(std::isfinite(s.score.test.r2.value()));
    if (method == "kalman") CHECK(std::get<int64_t>(s.hyper_parameters[0].second) == 0);
  }
}

}  // namespace tenfold::poyo_decode
