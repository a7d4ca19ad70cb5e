#include "tools/poyo-decode/streaming_decoder.h"

#include <ATen/core/grad_mode.h>

#include <catch2/catch.hpp>
#include <cmath>

#include "common/core/error.h"
#include "tools/poyo-decode/batch_builder.h"
#include "tools/poyo-decode/generator.h"

namespace tenfold::poyo_decode {
namespace {

constexpr double kOffset = 0.01, kTolerance = 1e-5;

Recording session(double shift = 0) {
  GeneratorOptions options;
  options.units = 9;
  options.duration = 12;
  Recording r = generate(options, 4, "g_1");
  for (double& t : r.spike_times) t += shift;
  for (double& t : r.sample_times) t += shift;
  return r;
}

ModelSpec small_spec() {
  ModelSpec spec;
  spec.dim = 24;
  spec.depth = 2;
  spec.dim_head = 16;
  spec.self_heads = 3;
  spec.latents_per_step = 3;
  return spec;
}

// Weights far from their start, so that every part of the model counts.
Model lively_model(const ModelSpec& spec, const Dataset& dataset) {
  const at::NoGradGuard guard;
  Model model(spec, dataset.units.size(), dataset.sessions.size(), 7);
  for (const train::Parameter& p : model.parameters().all()) {
    at::Tensor value = p.value.detach();
    std::vector<float> noise(size_t(value.numel()));
    Stream(9, p.name).fill_normal(noise.data(), value.numel(), 0, 0.05);
    for (int64_t i = 0; i < value.numel(); ++i) value.data_ptr<float>()[i] += noise[size_t(i)];
  }
  return model;
}

// What a batch of one window says, [2].
at::Tensor by_batch(const Model& model, const Dataset& dataset, double t) {
  const at::NoGradGuard guard;
  BatchOptions options;
  options.window = model.spec().window;
  options.delimiters = model.spec().delimiters;
  BatchBuilder builder(dataset, options);
  TokenBatch batch = builder.build({{0, t - options.window}}, 0);
  batch.query_begin = {0};
  batch.query_count = {1};
  batch.query_time = {options.window - kOffset};
  batch.query_session = {0};
  batch.sessions = {dataset.parts[0].row};
  return model.forward(batch, std::nullopt)[0];
}

// Feeds the spikes before t.
class Feed {
 public:
  Feed(const Recording& r, StreamingDecoder& decoder) : recording_(r), decoder_(decoder) {}
  std::array<float, 2> until(double t) {
    for (; next_ < recording_.spike_times.size() && recording_.spike_times[next_] < t; ++next_)
      decoder_.push(recording_.spike_times[next_], recording_.spike_units[next_]);
    return decoder_.advance(t);
  }

 private:
  const Recording& recording_;
  StreamingDecoder& decoder_;
  size_t next_ = 0;
};

double largest_difference(const ModelSpec& spec, double shift, double step) {
  const Dataset dataset({session(shift)}, {});
  const Model model = lively_model(spec, dataset);
  StreamingDecoder decoder(model, dataset.parts[0].unit_rows, dataset.parts[0].row, kOffset);
  Feed feed(dataset.parts[0].recording, decoder);
  double most = 0, low = 1e9, high = -1e9;
  for (double t = shift + spec.window; t < shift + 12; t += step) {
    const std::array<float, 2> found = feed.until(t);
    const at::Tensor expected = by_batch(model, dataset, t);
    for (int c = 0; c < 2; ++c)
      most = std::max(most, std::abs(double(found[size_t(c)]) - expected[c].item<double>()));
    low = std::min(low, double(found[0]));
    high = std::max(high, double(found[0]));
  }
  CHECK(high - low > 0.001);  // the spikes matter
  return most;
}

}  // namespace

TEST_CASE("a stream gives what a batch of the same windows gives") {
  CHECK(largest_difference(small_spec(), 0, 0.13) < kTolerance);
  ModelSpec paper;  // 1.3 M parameters
  CHECK(largest_difference(paper, 0, 2.1) < kTolerance);
}

TEST_CASE("a stream gives what a batch gives under every ablation") {
  ModelSpec spec = small_spec();
  spec.delimiters = false;
  CHECK(largest_difference(spec, 0, 1.3) < kTolerance);
  spec.value_rotation = false;
  CHECK(largest_difference(spec, 0, 1.3) < kTolerance);
  spec.rotate = "full-head";
  CHECK(largest_difference(spec, 0, 1.3) < kTolerance);
  spec.time_embedding = false;
  CHECK(largest_difference(spec, 0, 1.3) < kTolerance);
}

TEST_CASE("a stream that begins an hour into the day gives the same") {
  CHECK(largest_difference(small_spec(), 3600, 0.27) < kTolerance);
}

TEST_CASE("a stream does not see a spike that lies at or after its step") {
  const Dataset dataset({session()}, {});
  const Model model = lively_model(small_spec(), dataset);
  StreamingDecoder a(model, dataset.parts[0].unit_rows, dataset.parts[0].row),
      b(model, dataset.parts[0].unit_rows, dataset.parts[0].row);
  for (StreamingDecoder* d : {&a, &b}) d->push(0.5, 2);
  b.push(1.0, 3);
  CHECK(a.advance(1.0) == b.advance(1.0));
  CHECK(a.advance(1.01) != b.advance(1.01));
}

TEST_CASE("a stream forgets spikes that left the window and grows with those in it") {
  const Dataset dataset({session()}, {});
  const Model model = lively_model(small_spec(), dataset);
  StreamingDecoder decoder(model, dataset.parts[0].unit_rows, dataset.parts[0].row),
      fresh(model, dataset.parts[0].unit_rows, dataset.parts[0].row);
  for (int i = 0; i < 5000; ++i) decoder.push(i * 0.0005, i % 9);
  decoder.advance(2.5);
  CHECK(decoder.held_spikes() == 2000);
  for (int i = 3000; i < 5000; ++i) fresh.push(i * 0.0005, i % 9);
  const std::array<float, 2> one = decoder.advance(2.5), other = fresh.advance(2.5);
  CHECK(one[0] == Approx(other[0]).margin(kTolerance));
  CHECK(one[1] == Approx(other[1]).margin(kTolerance));
}

TEST_CASE("a stream refuses spikes and steps that go back, and unknown units") {
  const Dataset dataset({session()}, {});
  const Model model = lively_model(small_spec(), dataset);
  StreamingDecoder decoder(model, dataset.parts[0].unit_rows, dataset.parts[0].row);
  decoder.push(1, 0);
  CHECK_THROWS_AS(decoder.push(0.9, 0), DataError);
  CHECK_THROWS_AS(decoder.push(std::nan(""), 0), DataError);
  CHECK_THROWS_AS(decoder.push(2, 9), DataError);
  CHECK_THROWS_AS(decoder.push(2, -1), DataError);
  decoder.advance(3);
  CHECK_THROWS_AS(decoder.advance(2.99), DataError);
  decoder.push(1, 0);  // a late spike is still taken
}

}  // namespace tenfold::poyo_decode
