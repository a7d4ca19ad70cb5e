#include "tools/nino-nowcast/trajectories.h"

#include <ATen/TensorOperators.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>

#include "common/io/file.h"
#include "common/io/scratch_for_test.h"
#include "tools/nino-nowcast/meta_data.h"

namespace tenfold::nino_nowcast {
namespace {

// An MLP 6-4-3: 43 parameters.
TrajectoryInfo mlp_info(int64_t runs, int64_t states) {
  TrajectoryInfo info;
  info.name = "T";
  info.arch.params = {
      {"fc.0.weight", {4, 6}}, {"fc.0.bias", {4}}, {"fc.2.weight", {3, 4}}, {"fc.2.bias", {3}}};
  info.runs = runs;
  info.states = states;
  info.every = 10;
  for (int64_t r = 0; r < runs; ++r) info.seeds.push_back(r);
  info.metric_names = {"loss"};
  info.options_json = "{}";
  return info;
}

// Entry p of state s of run r: small, different everywhere, exact in float16.
float entry(int64_t run, int64_t state, int64_t p) {
  return float(run) + float(state) / 64 + float(p % 16) / 1024;
}

std::vector<float> state_values(int64_t run, int64_t state, int64_t count) {
  std::vector<float> values;
  for (int64_t p = 0; p < count; ++p) values.push_back(entry(run, state, p));
  return values;
}

void write_all(const std::string& folder, int64_t runs, int64_t states) {
  const TrajectoryInfo info = mlp_info(runs, states);
  TrajectoryWriter writer(folder, info, false);
  for (int64_t r = 0; r < runs; ++r) {
    for (int64_t s = 0; s < states; ++s) {
      writer.write(r, s, state_values(r, s, info.arch.num_params()).data(), {0.5});
    }
  }
  writer.finish();
}

SamplingOptions sampling() {
  SamplingOptions o;
  o.ctx = 3;
  o.horizons = 8;
  o.spacing = 20;  // two stored states
  o.trajectories = 2;
  o.windows = 4;
  o.seed = 11;
  return o;
}

}  // namespace

TEST_CASE("states come back as they were written, whole and in part") {
  const io::Scratch scratch;
  write_all(scratch.path(), 2, 5);
  const TrajectoryReader reader(scratch.path(), "T");
  const int64_t p = reader.info().arch.num_params();
  std::vector<float> out(size_t(2 * p));
  reader.read(1, 4, out.data(), 2);
  for (int64_t i = 0; i < p; ++i) REQUIRE(out[size_t(2 * i)] == entry(1, 4, i));
  float some[2];
  reader.read_some(0, 2, {40, 7}, some, 1);
  REQUIRE(some[0] == entry(0, 2, 40));
  REQUIRE(some[1] == entry(0, 2, 7));
}

TEST_CASE("nothing is named before it is complete, and nothing is overwritten") {
  const io::Scratch scratch;
  {
    TrajectoryWriter writer(scratch.path(), mlp_info(1, 2), false);
    REQUIRE_FALSE(io::exists(scratch / "T.dat"));
  }
  REQUIRE(io::outcome_of([&] { TrajectoryReader(scratch.path(), "T"); }).code ==
          ExitCode::kInputMissing);
  write_all(scratch.path(), 1, 2);
  REQUIRE_FALSE(io::exists(scratch / "T.dat.partial"));
  const auto again =
      io::outcome_of([&] { TrajectoryWriter(scratch.path(), mlp_info(1, 2), false); });
  REQUIRE(again.code == ExitCode::kCannotCreate);
  REQUIRE(again.says("exists already"));
}

TEST_CASE("a stopped writer goes on; another size is refused") {
  const io::Scratch scratch;
  const std::vector<float> values = state_values(0, 0, 43), more = state_values(0, 1, 43);
  TrajectoryWriter(scratch.path(), mlp_info(1, 2), false).write(0, 0, values.data(), {1});
  REQUIRE(io::outcome_of([&] { TrajectoryWriter(scratch.path(), mlp_info(1, 3), true); }).code ==
          ExitCode::kMismatch);
  TrajectoryWriter writer(scratch.path(), mlp_info(1, 2), true);
  writer.write(0, 1, more.data(), {1});
  writer.finish();
  const TrajectoryReader reader(scratch.path(), "T");
  std::vector<float> out(43);
  reader.read(0, 0, out.data(), 1);
  REQUIRE(out == values);
}

TEST_CASE("a value beyond float16 is an error, not an infinity") {
  const io::Scratch scratch;
  TrajectoryWriter writer(scratch.path(), mlp_info(1, 1), false);
  std::vector<float> values(43, 65504.0f);
  writer.write(0, 0, values.data(), {1});
  for (float bad : {65520.0f, std::numeric_limits<float>::quiet_NaN()}) {
    values[9] = bad;
    const auto done = io::outcome_of([&] { writer.write(0, 0, values.data(), {1}); });
    REQUIRE(done.code == ExitCode::kNumeric);
    REQUIRE(done.says("entry 9"));
  }
}

TEST_CASE("a batch holds four windows of each trajectory, inputs and all states that follow") {
  const io::Scratch scratch;
  write_all(scratch.path(), 3, 60);
  const MetaSampler sampler(scratch.path(), {"T"}, sampling());
  const std::vector<MetaSample> batch = sampler.batch(5, 0);
  REQUIRE(batch.size() == 8);
  for (size_t i = 0; i < batch.size(); ++i) {
    REQUIRE(batch[i].scaled.sizes() == at::IntArrayRef({43, 3}));
    // Window i has K - i targets: the trajectory's used states end at K + c.
    REQUIRE(batch[i].targets.size(1) == 8 - int64_t(i % 4));
  }
  // A window's targets continue its inputs: the raw states are linear in time, so their scaled
  // values are too.
  const MetaSample& s = batch[0];
  const at::Tensor slope = s.scaled.select(1, 2) - s.scaled.select(1, 1);
  const at::Tensor expected = s.scaled.select(1, 2) + slope * 5;
  REQUIRE((s.targets.select(1, 4) - expected).abs().max().item<double>() < 1e-3);
}

TEST_CASE("batches depend on seed, iteration and restart, and on nothing else") {
  const io::Scratch scratch;
  write_all(scratch.path(), 3, 60);
  const MetaSampler sampler(scratch.path(), {"T"}, sampling());
  const std::vector<MetaSample> before = sampler.batch(3, 0);
  sampler.batch(9, 1);
  const std::vector<MetaSample> after = sampler.batch(3, 0);
  for (size_t i = 0; i < before.size(); ++i) {
    REQUIRE(before[i].pos.equal(after[i].pos));
    REQUIRE(before[i].targets.equal(after[i].targets));
  }
  int same = 0;
  for (int64_t i = 0; i < 8; ++i) {
    same += sampler.batch(i, 0)[0].pos.equal(sampler.batch(i, 1)[0].pos) ? 1 : 0;
  }
  REQUIRE(same < 8);
}

TEST_CASE("trajectories with too few states, or of another spacing, are refused") {
  const io::Scratch scratch;
  write_all(scratch.path(), 1, 20);
  const auto few = io::outcome_of([&] { MetaSampler(scratch.path(), {"T"}, sampling()); });
  REQUIRE(few.code == ExitCode::kBadData);
  REQUIRE(few.says("found 20 states"));
  SamplingOptions odd = sampling();
  odd.spacing = 25;
  REQUIRE(io::outcome_of([&] { MetaSampler(scratch.path(), {"T"}, odd); }).says("every 10 steps"));
}

}  // namespace tenfold::nino_nowcast
