#include "common/kernels/edge_tile.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <functional>
#include <limits>
#include <vector>

#include "common/kernels/blocks_for_test.h"
#include "common/kernels/edge_tile_blocks.h"
#include "common/kernels/edge_tile_cases.h"
#include "common/kernels/edge_tile_isa.h"
#include "common/kernels/isa.h"
#include "common/testing/skip.h"

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

struct BlockResult {
  std::vector<float> hidden, value, modulated, sum;
};

BlockResult by_blocks(const EdgeTileCase& c, const EdgeTileData& d, Order order) {
  BlockResult r{d.hidden, d.hidden, d.sum, d.sum};
  run_blocks(gather_add_silu_blocks(r.hidden.data(), d.source_term.data(), d.target_term.data(),
                                    d.source.data(), d.target.data(), c.edges, c.width),
             order);
  run_blocks(bias_silu_blocks(r.value.data(), d.bias.data(), c.edges, c.width), order);
  run_blocks(gather_modulate_sum_blocks(d.hidden.data(), d.bias.data(), d.source_term.data(),
                                        d.source.data(), d.offsets.data(), r.modulated.data(),
                                        c.nodes, c.edges, c.width),
             order);
  run_blocks(segment_sum_blocks(d.hidden.data(), d.offsets.data(), r.sum.data(), c.nodes, c.edges,
                                c.width),
             order);
  return r;
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
      REQUIRE(all_close(sum, expected_sum(c, d), kEdgeTileTolerance));
      REQUIRE(all_close(value, expected_biased(c, d), kEdgeTileTolerance));
    }
  }
}

TEST_CASE("AVX2 and AVX-512 give the same bytes") {
  if (!use_avx512()) TENFOLD_SKIP("no AVX-512 here: only the AVX2 twin is checked");
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

TEST_CASE("the device's blocks, run on the host, agree with the definition in any order") {
  for (const EdgeTileCase& c : kEdgeTileCases) {
    CAPTURE(c.nodes, c.edges, c.width);
    const EdgeTileData d = make_edge_tile_data(c);
    const BlockResult forward = by_blocks(c, d, Order::kForward);
    REQUIRE(all_close(forward.hidden, expected_hidden(c, d), kEdgeTileTolerance));
    REQUIRE(all_close(forward.value, expected_biased(c, d), kEdgeTileTolerance));
    REQUIRE(all_close(forward.modulated, expected_modulated(c, d), kEdgeTileTolerance));
    REQUIRE(all_close(forward.sum, expected_sum(c, d), kEdgeTileTolerance));
    const BlockResult backward = by_blocks(c, d, Order::kBackward);
    REQUIRE(forward.hidden == backward.hidden);
    REQUIRE(forward.value == backward.value);
    REQUIRE(forward.modulated == backward.modulated);
    REQUIRE(forward.sum == backward.sum);
  }
}

TEST_CASE("silu is within 1e-6 of float64 over [-90, 90]") {
  const std::vector<float> x = silu_arguments(), zeros(x.size());
  for (const EdgeTileTable* t : tables()) {
    std::vector<float> y = x;
    t->bias_silu(y.data(), zeros.data(), 1, int64_t(x.size()));
    CAPTURE(t->name);
    REQUIRE(worst_silu_error(x, y) <= kSiluTolerance);
  }
  std::vector<float> y = x;
  for (float& v : y) v = portable::silu<float, uint32_t>(v);
  REQUIRE(worst_silu_error(x, y) <= kSiluTolerance);
}

TEST_CASE("silu has its limits at infinity and keeps NaN") {
  const float inf = std::numeric_limits<float>::infinity();
  std::vector<std::function<float(float)>> ways = {portable::silu<float, uint32_t>};
  for (const EdgeTileTable* t : tables()) ways.push_back([t](float x) { return silu_by(*t, x); });
  for (const auto& silu : ways) {
    REQUIRE(silu(inf) == inf);
    REQUIRE(silu(-inf) == 0);
    REQUIRE(silu(3e38f) == 3e38f);
    REQUIRE(silu(-3e38f) == 0);
    REQUIRE(silu(0) == 0);
    REQUIRE(std::isnan(silu(std::numeric_limits<float>::quiet_NaN())));
  }
}

}  // namespace tenfold::kernels
