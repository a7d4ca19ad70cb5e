#include "tools/samba-align/haemodynamic_response.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <nlohmann/json.hpp>

#include "common/io/file.h"
#include "common/testing/fixtures.h"
#include "common/testing/skip.h"

namespace tenfold::samba_align {
namespace {

DoubleGamma of(const std::vector<double>& six) {
  return {six[0], six[1], six[2], six[3], six[4], six[5]};
}

}  // namespace

TEST_CASE("the response term peaks at d1 s1 with height c1, the undershoot at d2 s2 with c2") {
  for (const double rate : {10.0, 50.0, 200.0}) {
    CAPTURE(rate);
    const auto h = response_kernel({6.3, 12, 0.9, 0.7, 0.77, 0}, rate);
    CHECK(h.size() == size_t(30 * rate));
    CHECK(h[0] == 0);
    // A parabola on a grid of 0.1 s is off by its fourth-order remainder.
    CHECK(time_to_peak_s(h, rate) == Approx(6.3 * 0.9).margin(0.02 / rate));
    CHECK(*std::max_element(h.begin(), h.end()) == Approx(0.77).epsilon(2e-3));
    const auto u = response_kernel({6, 13, 0.9, 0.75, 0, 0.5}, rate);
    const auto lowest = std::min_element(u.begin(), u.end());
    CHECK(*lowest == Approx(-0.5).epsilon(1e-3));
    CHECK(double(lowest - u.begin()) / rate == Approx(13 * 0.75).margin(1 / rate));
  }
  CHECK(response_kernel({6, 12, 0.9, 0.9, 1, 0.35}, 200, 10).size() == 2000);
}

TEST_CASE("the time to the peak is not tied to the grid") {
  double last = 0;
  for (double d = 6; d < 6.05; d += 0.01) {  // steps of 9 ms where the grid has 20
    const double at = time_to_peak_s(response_kernel({d, 12, 0.9, 0.7, 1, 0}, 50), 50);
    CHECK(at == Approx(0.9 * d).margin(1e-4));
    CHECK(at > last);
    last = at;
  }
}

TEST_CASE("width and undershoot of curves with known ones") {
  // A triangle of height 1 on 2..6 s: half of it is 2 s wide, wherever the grid lies.
  std::vector<double> h(100, 0.0);
  for (size_t n = 0; n < h.size(); ++n) {
    h[n] = std::max(0.0, 1 - std::abs(double(n) / 10 - 4) / 2);
  }
  h[80] = -0.25;
  CHECK(fwhm_s(h, 10) == Approx(2));
  CHECK(time_to_peak_s(h, 10) == Approx(4));
  CHECK(undershoot_ratio(h) == Approx(0.25));
  // Of t exp(-t): the half lies at -W(-1/2e) = 0.2319610 and 2.6783470.
  std::vector<double> gamma(2000);
  for (size_t n = 0; n < gamma.size(); ++n) {
    gamma[n] = double(n) / 100 * std::exp(-double(n) / 100);
  }
  CHECK(fwhm_s(gamma, 100) == Approx(2.6783470 - 0.2319610).margin(1e-4));
  CHECK(fwhm_s({0, -1, -2}, 1) == 0);
  CHECK(undershoot_ratio({0, -1, -2}) == 0);
}

TEST_CASE("kernels are those of the released model") {
  const std::string folder =
      testing::fixtures_folder("samba-align", ".json", "tools/samba-align/haemodynamic_response.h");
  if (folder.empty()) TENFOLD_SKIP("no fixtures of samba-align");
  int kernels = 0;
  for (const std::string& name : io::list_folder(folder)) {
    if (name.size() < 5 || name.substr(name.size() - 5) != ".json") continue;
    const auto file = nlohmann::json::parse(io::read_text(folder + "/" + name));
    for (const auto& [key, section] : file.items()) {
      if (key.rfind("double_gamma", 0) != 0 && key.rfind("hrf_module", 0) != 0) continue;
      CAPTURE(name, key);
      const bool module = section.contains("params_out");
      const auto six = section.at(module ? "params_out" : "params").get<std::vector<double>>();
      const auto expected = section.at("kernel").get<std::vector<double>>();
      const double rate = section.value("rate", 10.0);
      const auto h = response_kernel(of(six), rate, double(expected.size()) / rate);
      REQUIRE(h.size() == expected.size());
      double worst = 0, largest = 0;
      for (size_t i = 0; i < h.size(); ++i) {
        worst = std::max(worst, std::abs(h[i] - expected[i]));
        largest = std::max(largest, std::abs(expected[i]));
      }
      CHECK(worst < 2e-4 * largest);
      ++kernels;
    }
  }
  CHECK(kernels > 0);
}

}  // namespace tenfold::samba_align
