#include "common/kernels/edge_tile.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <limits>
#include <vector>

#include "common/kernels/edge_tile_body.h"
#include "common/kernels/edge_tile_cases.h"
#include "common/kernels/edge_tile_isa.h"
#include "common/kernels/isa.h"

namespace tenfold::kernels {
namespace {

// The tables that this processor can run.
std::vector<const EdgeTileTable*> tables() {
  if (use_avx512()) return {&kEdgeTileAvx2, &kEdgeTileAvx512};
  return {&kEdgeTileAvx2};
}

std::vector<float> hidden_by(const EdgeTileTable& t, const EdgeTileCase& c, const EdgeTileData& d) {
  std::vector<float> hidden = d.hidden;
  t.gather_add_silu(hidden.data(), d.source_term.data(), d.target_term.data(), d.source.data(),
                    d.target.data(), c.edges, c.width);
  return hidden;
}

std::vector<float> modulated_by(const EdgeTileTable& t, const EdgeTileCase& c,
                                const EdgeTileData& d) {
  std::vector<float> sum = d.sum;
  t.gather_modulate_sum(d.hidden.data(), d.bias.data(), d.source_term.data(), d.source.data(),
                        d.target.data(), sum.data(), c.edges, c.width);
  return sum;
}

float silu_by(const EdgeTileTable& t, float x) {
  const float zero = 0;
  t.bias_silu(&x, &zero, 1, 1);
  return x;
}

}  // namespace

TEST_CASE("every tile function agrees with its definition at any width") {
  for (const EdgeTileCase& c : kEdgeTileCases) {
    const EdgeTileData d = make_edge_tile_data(c);
    for (const EdgeTileTable* t : tables()) {
      CAPTURE(t->name, c.nodes, c.edges, c.width);
      REQUIRE(all_close(hidden_by(*t, c, d), expected_hidden(c, d), kEdgeTileTolerance));
      REQUIRE(all_close(modulated_by(*t, c, d), expected_modulated(c, d), kEdgeTileTolerance));

      std::vector<float> sum = d.sum, value = d.hidden;
      t->segment_sum(value.data(), d.target.data(), sum.data(), c.edges, c.width);
      t->bias_silu(value.data(), d.bias.data(), c.edges, c.width);
      std::vector<double> expected_sum(d.sum.begin(), d.sum.end()), expected_value;
      for (size_t k = 0; k < value.size(); ++k) {
        const size_t column = k % size_t(c.width), edge = k / size_t(c.width);
        expected_sum[size_t(d.target[edge] * c.width) + column] += d.hidden[k];
        expected_value.push_back(silu_float64(double(d.hidden[k]) + d.bias[column]));
      }
      REQUIRE(all_close(sum, expected_sum, kEdgeTileTolerance));
      REQUIRE(all_close(value, expected_value, kEdgeTileTolerance));
    }
  }
}

TEST_CASE("AVX2 and AVX-512 give the same bytes") {
  if (!use_avx512()) return;
  for (const EdgeTileCase& c : kEdgeTileCases) {
    const EdgeTileData d = make_edge_tile_data(c);
    CAPTURE(c.width);
    REQUIRE(hidden_by(kEdgeTileAvx2, c, d) == hidden_by(kEdgeTileAvx512, c, d));
    REQUIRE(modulated_by(kEdgeTileAvx2, c, d) == modulated_by(kEdgeTileAvx512, c, d));
  }
}

TEST_CASE("a list cut into tiles gives the same bytes as one tile") {
  const EdgeTileCase c{6, 100, 32};
  const EdgeTileData d = make_edge_tile_data(c);
  std::vector<float> whole = d.sum, parts = d.sum;
  segment_sum(d.hidden.data(), d.target.data(), whole.data(), c.edges, c.width);
  for (int64_t first = 0; first < c.edges; first += 33) {
    segment_sum(d.hidden.data() + first * c.width, d.target.data() + first, parts.data(),
                std::min<int64_t>(33, c.edges - first), c.width);
  }
  REQUIRE(whole == parts);
}

TEST_CASE("silu is within 1e-6 of float64 over [-90, 90]") {
  for (const EdgeTileTable* t : tables()) {
    std::vector<float> x;
    for (float v = -90; v <= 90; v += 0.00137f) x.push_back(v);
    for (float v = 80; v > 1e-37f; v *= 0.93f) x.insert(x.end(), {v, -v});
    std::vector<float> y = x;
    const std::vector<float> zeros(x.size());
    t->bias_silu(y.data(), zeros.data(), 1, int64_t(x.size()));
    double worst = 0;
    for (size_t i = 0; i < x.size(); ++i) {
      const double expected = silu_float64(x[i]);
      worst = std::max(worst, std::abs((y[i] - expected) / expected));
    }
    CAPTURE(t->name);
    REQUIRE(worst <= kSiluTolerance);
  }
}

TEST_CASE("silu has its limits at infinity and keeps NaN") {
  const float inf = std::numeric_limits<float>::infinity();
  for (const EdgeTileTable* t : tables()) {
    REQUIRE(silu_by(*t, inf) == inf);
    REQUIRE(silu_by(*t, -inf) == 0);
    REQUIRE(silu_by(*t, 3e38f) == 3e38f);
    REQUIRE(silu_by(*t, -3e38f) == 0);
    REQUIRE(silu_by(*t, 0) == 0);
    REQUIRE(std::isnan(silu_by(*t, std::numeric_limits<float>::quiet_NaN())));
  }
}

}  // namespace tenfold::kernels
