#include <catch2/catch.hpp>

#include "common/kernels/cuda_for_test.h"
#include "common/kernels/edge_tile_cases.h"
#include "common/kernels/edge_tile_cuda.h"
#include "common/testing/skip.h"

namespace tenfold::kernels {

TEST_CASE("every tile function on the device agrees with its definition at any width") {
  TENFOLD_NEED_CUDA();
  for (const EdgeTileCase& c : kEdgeTileCases) {
    CAPTURE(c.nodes, c.edges, c.width);
    const EdgeTileData d = make_edge_tile_data(c);
    const OnDevice<float> hidden(d.hidden), value(d.hidden), bias(d.bias), from(d.source_term),
        to(d.target_term), modulated(d.sum), sum(d.sum);
    const OnDevice<int32_t> source(d.source), target(d.target);
    const OnDevice<int64_t> offsets(d.offsets);

    gather_modulate_sum_cuda(hidden.data(), bias.data(), from.data(), source.data(), offsets.data(),
                             modulated.data(), c.nodes, c.edges, c.width, nullptr);
    segment_sum_cuda(value.data(), offsets.data(), sum.data(), c.nodes, c.edges, c.width, nullptr);
    gather_add_silu_cuda(hidden.data(), from.data(), to.data(), source.data(), target.data(),
                         c.edges, c.width, nullptr);
    bias_silu_cuda(value.data(), bias.data(), c.edges, c.width, nullptr);

    REQUIRE(all_close(modulated.host(), expected_modulated(c, d), kEdgeTileTolerance));
    REQUIRE(all_close(sum.host(), expected_sum(c, d), kEdgeTileTolerance));
    REQUIRE(all_close(hidden.host(), expected_hidden(c, d), kEdgeTileTolerance));
    REQUIRE(all_close(value.host(), expected_biased(c, d), kEdgeTileTolerance));
  }
}

TEST_CASE("silu on the device is within 1e-6 of float64 over [-90, 90]") {
  TENFOLD_NEED_CUDA();
  const std::vector<float> x = silu_arguments();
  const OnDevice<float> y(x), zeros(std::vector<float>(x.size()));
  bias_silu_cuda(y.data(), zeros.data(), 1, int64_t(x.size()), nullptr);
  REQUIRE(worst_silu_error(x, y.host()) <= kSiluTolerance);
}

}  // namespace tenfold::kernels
