#include "tools/poyo-decode/unit_map.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>

#include "common/core/philox.h"
#include "tools/poyo-decode/generator.h"

namespace tenfold::poyo_decode {
namespace {

constexpr double kPi = 3.14159265358979323846;

// A session of neurons whose directions are known.
Recording recording_of(const std::vector<double>& directions) {
  const double seconds = 200;
  const Movement m = generate_movement(ReachTask::kCentreOut, seconds, 1, "g_1");
  Recording r;
  r.session = "g_1";
  r.domain = {{0, seconds}};
  std::vector<std::pair<double, int32_t>> spikes;
  for (size_t u = 0; u < directions.size(); ++u) {
    r.units.push_back("g_1/u" + std::to_string(u));
    const Neuron n{8, 1, directions[u], 0, 0, 0, 0.1, 0.003};
    for (double t : generate_spikes(n, m, 1, std::vector<double>(22, 1.0), 5, r.units.back()))
      spikes.emplace_back(t, int32_t(u));
  }
  std::sort(spikes.begin(), spikes.end());
  for (const auto& [t, unit] : spikes) {
    r.spike_times.push_back(t);
    r.spike_units.push_back(unit);
  }
  for (size_t i = 0; i < m.vx.size(); ++i) {
    r.sample_times.push_back(double(i) * kSampleStep);
    r.target.push_back(float(m.vx[i]));
    r.target.push_back(float(m.vy[i]));
  }
  return r;
}

}  // namespace

TEST_CASE("the direction that a neuron prefers is found") {
  const std::vector<double> directions = {0, 1, kPi / 2, 2.5, -2, -0.7};
  const std::vector<UnitTuning> found = unit_tuning(recording_of(directions));
  for (size_t u = 0; u < directions.size(); ++u) {
    CAPTURE(directions[u]);
    REQUIRE(found[u].direction);
    const double off = std::remainder(*found[u].direction - directions[u], 2 * kPi);
    CHECK(std::abs(off) < 0.15);
    CHECK(*found[u].r2 > 0.08);  // of counts of about one spike
    CHECK(found[u].rate > 5);
  }
}

TEST_CASE("a silent unit and a session without movement have no direction") {
  Recording r = recording_of({0});
  r.units.push_back("g_1/silent");
  CHECK(!unit_tuning(r)[1].direction);
  CHECK(unit_tuning(r)[1].rate == 0);
  r.sample_times.clear();
  r.target.clear();
  CHECK(!unit_tuning(r)[0].direction);
  CHECK(unit_tuning(r)[0].rate > 5);
}

TEST_CASE("components of points on a tilted ellipse are its axes") {
  // (3 cos a, sin a) turned by 30 degrees: variances 9 : 1.
  std::vector<float> rows;
  const double c = std::cos(kPi / 6), s = std::sin(kPi / 6);
  const int64_t n = 360;
  for (int64_t i = 0; i < n; ++i) {
    const double a = 2 * kPi * double(i) / double(n), x = 3 * std::cos(a), y = std::sin(a);
    rows.insert(rows.end(), {float(5 + c * x - s * y), float(-2 + s * x + c * y), 7.0f});
  }
  const PrincipalComponents p = principal_components(rows.data(), n, 3, 2);
  CHECK(p.share[0] == Approx(0.9));
  CHECK(p.share[1] == Approx(0.1));
  CHECK(p.coordinates[0] == Approx(3).epsilon(1e-5));  // i = 0: on the long axis
  CHECK(p.coordinates[1] == Approx(0).margin(1e-5));
  CHECK(std::abs(p.coordinates[2 * 90 + 1]) == Approx(1).epsilon(1e-5));
  CHECK(principal_components(rows.data(), 2, 3, 5).share.size() == 2);
}

TEST_CASE("a map that turns with the directions has resultant 1, either way round") {
  std::vector<double> directions, turned, mirrored, opposed;
  for (int i = 0; i < 12; ++i) {
    directions.push_back(kPi * i / 6);
    turned.push_back(directions.back() + 0.7);
    mirrored.push_back(2.1 - directions.back());
    opposed.push_back(directions.back() + (i % 2 == 0 ? 0.5 : -0.5));
  }
  CHECK(ring_resultant(turned, directions) == Approx(1));
  CHECK(ring_resultant(mirrored, directions) == Approx(1));
  CHECK(ring_resultant(opposed, directions) == Approx(std::cos(0.5)));
  CHECK(ring_resultant(std::vector<double>(12, 1.0), directions) == Approx(0).margin(1e-12));
}

TEST_CASE("ids tell session and subject") {
  const std::vector<std::string> sessions = {"c_20131003", "c_20131003_center_out_reaching"};
  CHECK(session_of_unit("c_20131003_center_out_reaching/group_M1/elec3/unit_0", sessions) ==
        "c_20131003_center_out_reaching");
  CHECK(session_of_unit("c_20131003/u1", sessions) == "c_20131003");
  CHECK(session_of_unit("c_2013/u1", sessions).empty());
  CHECK(subject_of_session("c_20131003_center_out_reaching") == "c");
  CHECK(subject_of_session("g_co_00").empty());
  CHECK(subject_of_session("monkey").empty());
}

}  // namespace tenfold::poyo_decode
