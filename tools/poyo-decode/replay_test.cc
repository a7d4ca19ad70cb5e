#include "tools/poyo-decode/replay.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "common/io/hdf5.h"
#include "common/io/scratch_for_test.h"

namespace tenfold::poyo_decode {
namespace {

// Pieces [0, 3), [5, 5.5), [6, 8) with samples every 20 ms of a velocity that is linear in time.
Recording linear() {
  Recording r;
  r.session = "g_1";
  r.units = {"g_1/u0", "g_1/u1"};
  r.readout = "cursor.vel";
  r.domain = {{0, 3}, {5, 5.5}, {6, 8}};
  r.test_domain = {{6, 8}};
  r.trials.intervals = {{6, 7}, {7, 8}};
  r.phases = {{"reach_period", {{0, 2}, {6.5, 8}}}};
  r.task = "center_out_reaching";
  for (int i = 0; i < 400; ++i) {
    const double t = 0.02 * i;
    if (!contains(r.domain, t)) continue;
    r.sample_times.push_back(t);
    r.target.push_back(float(3 * t));
    r.target.push_back(float(-t));
  }
  for (int i = 0; i < 80; ++i) {
    r.spike_times.push_back(0.1 * i);
    r.spike_units.push_back(i % 2);
  }
  return r;
}

struct Played {
  Dataset dataset{{linear()}, {}};
  Model model;
  Replay replay;

  explicit Played(ReplayOptions options)
      : model(spec(), dataset.units.size(), dataset.sessions.size(), 1) {
    StreamingDecoder decoder(model, dataset.parts[0].unit_rows, dataset.parts[0].row,
                             options.query_offset);
    replay = poyo_decode::replay(dataset.parts[0], options, decoder);
  }
  static ModelSpec spec() {
    ModelSpec s;
    s.dim = 8;
    s.depth = 1;
    s.dim_head = 4;
    s.self_heads = 1;
    s.latents_per_step = 1;
    return s;
  }
};

}  // namespace

TEST_CASE("a replay gives a step every 10 ms of every piece that holds a window") {
  const Replay r = Played({}).replay;
  const Trajectory& t = r.trajectory;
  REQUIRE(t.size() == 201 + 101);
  CHECK(r.skipped == 1);
  CHECK(t.times[0] == Approx(0.99));
  CHECK(t.times[200] == Approx(2.99));
  CHECK(t.times[201] == Approx(6.99));
  CHECK(t.times[301] == Approx(7.99));
  CHECK(t.latency_ms.size() == 302);
  // The last spike before step 1.05 came at 1.0.
  CHECK(t.since_spike_ms[5] - t.latency_ms[5] == Approx(50));
}

TEST_CASE("the movement is interpolated between samples of one piece") {
  ReplayOptions options;
  options.query_offset = 0.004;
  const Trajectory t = Played(options).replay.trajectory;
  for (size_t i = 0; i < t.times.size(); ++i) {
    const bool known = t.times[i] <= 2.98 || (t.times[i] >= 6 && t.times[i] <= 7.98);
    CAPTURE(t.times[i]);
    CHECK(std::isnan(t.truth[2 * i]) == !known);
    if (!known) continue;
    CHECK(t.truth[2 * i] == Approx(3 * t.times[i]));
    CHECK(t.truth[2 * i + 1] == Approx(-t.times[i]));
    CHECK(t.scored[i] == (t.times[i] < 1.98 || t.times[i] > 6.5 ? 1 : 0));
  }
}

TEST_CASE("a part of a recording is played alone") {
  ReplayOptions options;
  options.start = 0.5;
  options.duration = 6.75;
  options.step = 0.25;
  const Trajectory t = Played(options).replay.trajectory;
  const std::vector<double> expected = {1.49, 1.74, 1.99, 2.24, 2.49, 2.74, 2.99, 6.99, 7.24};
  REQUIRE(t.times.size() == expected.size());
  for (size_t i = 0; i < expected.size(); ++i) CHECK(t.times[i] == Approx(expected[i]));
}

TEST_CASE("only scored steps of the domain that is asked for count in R2") {
  const Played played({});
  Replay perfect = played.replay;
  for (size_t i = 0; i < perfect.trajectory.times.size(); ++i) {
    const bool test = perfect.trajectory.times[i] > 6;
    for (size_t c = 0; c < 2; ++c)
      perfect.trajectory.decoded[2 * i + c] = test ? perfect.trajectory.truth[2 * i + c] : 99;
  }
  const SessionScore s = score_of(played.dataset.parts[0], perfect, {{6, 8}});
  CHECK(s.samples == 100);  // 6.99 .. 7.98; beyond it there is no sample
  CHECK(*s.r2 == Approx(1));
  CHECK(*score_of(played.dataset.parts[0], perfect, {{0, 8}}).r2 < 0);
  CHECK(!score_of(played.dataset.parts[0], perfect, {{3, 4}}).r2);
}

TEST_CASE("a file of trajectories holds them as the official library reads them") {
  const Played played({});
  const io::Scratch scratch;
  std::vector<Trajectory> both = {played.replay.trajectory, played.replay.trajectory};
  write_trajectories(scratch / "one.h5", {both[0]});
  const io::Hdf5File one = io::Hdf5File::open(scratch / "one.h5");
  CHECK(one.text_attribute("/g_1", "object") == "Data");
  CHECK(one.text_attribute("/g_1", "session") == "g_1");
  CHECK(one.text_attribute("/g_1/decoded", "object") == "IrregularTimeSeries");
  CHECK(one.doubles("/g_1/decoded/timestamps").values == both[0].times);
  const io::Hdf5Array<double> velocity = one.doubles("/g_1/decoded/vel");
  CHECK(velocity.shape == std::vector<int64_t>{302, 2});
  CHECK(float(velocity.values[11]) == both[0].decoded[11]);
  CHECK(one.doubles("/g_1/decoded/true_vel").values[0] == Approx(3 * 0.99));
  CHECK(one.doubles("/g_1/decoded/latency_ms").values == both[0].latency_ms);
  CHECK(one.doubles("/g_1/domain/start").values == std::vector<double>{0, 5, 6});
  both[1].seed = 4;
  write_trajectories(scratch / "two.h5", both);
  const io::Hdf5File two = io::Hdf5File::open(scratch / "two.h5");
  CHECK(two.has_dataset("/seed_0/g_1/decoded/vel"));
  CHECK(two.has_dataset("/seed_4/g_1/decoded/vel"));
}

TEST_CASE("an excerpt shows the first trials that were decoded") {
  const Played played({});
  log::Result result;
  add_excerpts(result, {played.replay.trajectory}, {{{6, 8}}}, 1);
  REQUIRE(result.series.size() == 1);
  CHECK(result.series[0].first == "trajectory/g_1");
  const log::Series& s = result.series[0].second;
  REQUIRE(s.columns[0].second.size() == 1);  // 6.99, in the trial [6, 7)
  CHECK(*s.columns[0].second[0] == Approx(6.99));
  CHECK(*s.columns[3].second[0] == Approx(3 * 6.99));
  log::Result more;
  add_excerpts(more, {played.replay.trajectory}, {{{6, 8}}}, 5);
  CHECK(more.series[0].second.columns[0].second.size() == 101);
  CHECK(*more.series[0].second.columns[1].second.back() == 2);
}

}  // namespace tenfold::poyo_decode
