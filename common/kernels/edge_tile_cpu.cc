#include "common/kernels/edge_tile.h"
#include "common/kernels/edge_tile_isa.h"
#include "common/kernels/isa.h"

namespace tenfold::kernels {
namespace {

const EdgeTileTable& table() { return use_avx512() ? kEdgeTileAvx512 : kEdgeTileAvx2; }

}  // namespace

void gather_add_silu(float* hidden, const float* source_term, const float* target_term,
                     const int32_t* source, const int32_t* target, int64_t tile, int64_t width) {
  table().gather_add_silu(hidden, source_term, target_term, source, target, tile, width);
}

void gather_modulate_sum(const float* scale, const float* scale_bias, const float* source_term,
                         const int32_t* source, const int32_t* target, float* sum, int64_t tile,
                         int64_t width) {
  table().gather_modulate_sum(scale, scale_bias, source_term, source, target, sum, tile, width);
}

void segment_sum(const float* value, const int32_t* target, float* sum, int64_t tile,
                 int64_t width) {
  table().segment_sum(value, target, sum, tile, width);
}

void bias_silu(float* value, const float* bias, int64_t tile, int64_t width) {
  table().bias_silu(value, bias, tile, width);
}

const char* edge_tile_backend() { return table().name; }

}  // namespace tenfold::kernels
