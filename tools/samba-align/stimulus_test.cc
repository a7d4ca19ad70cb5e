#include "tools/samba-align/stimulus.h"

#include <catch2/catch.hpp>
#include <cmath>

namespace tenfold::samba_align {
namespace {

constexpr double kLong = 200000;  // seconds

double mean_dwell(const std::vector<StimulusSegment>& s) {
  return (s.back().onset) / double(s.size() - 1);
}

}  // namespace

TEST_CASE("dwells are at least the minimum and have the rule's mean") {
  StimulusOptions o;
  const auto sum = draw_stimulus(o, kLong, 1);
  for (size_t i = 0; i + 1 < sum.size(); ++i) REQUIRE(sum[i].duration >= 4);
  CHECK(mean_dwell(sum) == Approx(4 + 6).epsilon(0.02));
  o.dwell_rule = "max";
  o.dwell_mean = 10;
  const auto max = draw_stimulus(o, kLong, 1);
  int shortest = 0;
  for (size_t i = 0; i + 1 < max.size(); ++i) shortest += max[i].duration < 4 + 1e-9;
  // E max(m, Exp(t)) = m + t exp(-m / t); the minimum itself has probability 1 - exp(-m / t).
  CHECK(mean_dwell(max) == Approx(4 + 10 * std::exp(-0.4)).epsilon(0.02));
  CHECK(double(shortest) / double(max.size()) == Approx(1 - std::exp(-0.4)).epsilon(0.04));
}

TEST_CASE("segments follow one another to the end, categories uniform over all") {
  const auto s = draw_stimulus({}, 5000, 2);
  double end = 0;
  int counts[4] = {}, repeated = 0;
  for (size_t i = 0; i < s.size(); ++i) {
    CHECK(s[i].onset == Approx(end));
    end = s[i].onset + s[i].duration;
    ++counts[s[i].category];
    repeated += i > 0 && s[i].category == s[i - 1].category;
  }
  CHECK(end == Approx(5000));
  for (const int n : counts) CHECK(n / double(s.size()) == Approx(0.25).margin(0.08));
  CHECK(repeated / double(s.size()) == Approx(0.25).margin(0.08));  // the same one may repeat
  CHECK(draw_stimulus({}, 5000, 3)[0].duration != s[0].duration);
}

TEST_CASE("a sample has the category of the segment it lies in") {
  const std::vector<StimulusSegment> s{{0, 1, 2}, {1, 0.5, 0}, {1.5, 9, 3}};
  CHECK(categories_at(s, 4, 8) == std::vector<int32_t>{2, 2, 2, 2, 0, 0, 3, 3});
}

TEST_CASE("a block pattern drives a quarter of the parcels, its own for each category") {
  const Matrix a = draw_pattern({}, 20, 1);
  for (int64_t k = 0; k < 4; ++k) {
    for (int64_t p = 0; p < 20; ++p) CHECK((a(p, k) != 0) == (p / 5 == k));
  }
  StimulusOptions three;
  three.categories = 3;
  const Matrix b = draw_pattern(three, 10, 1);  // begins 0, 3, 6; ceil(10 / 4) = 3 long
  for (int64_t k = 0; k < 3; ++k) {
    for (int64_t p = 0; p < 10; ++p) CHECK((b(p, k) != 0) == (p >= 3 * k && p < 3 * k + 3));
  }
}

TEST_CASE("a dense pattern has a spread of 0.8; a subject's own differs by a tenth") {
  StimulusOptions o;
  o.stim_pattern = "dense";
  const Matrix a = draw_pattern(o, 5000, 1);
  CHECK(std::sqrt(a.squaredNorm() / double(a.size())) == Approx(0.8).epsilon(0.02));
  const Matrix own = with_individual_pattern(a, 1, "sub-02/pattern");
  const Matrix ratio = own.cwiseQuotient(a);
  CHECK(ratio.mean() == Approx(1).margin(0.005));
  CHECK(std::sqrt((ratio.array() - 1).square().mean()) == Approx(0.1).epsilon(0.05));
}

}  // namespace tenfold::samba_align
