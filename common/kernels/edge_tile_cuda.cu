#include "common/kernels/blocks_cuda.h"
#include "common/kernels/edge_tile_blocks.h"
#include "common/kernels/edge_tile_cuda.h"

namespace tenfold::kernels {

void gather_add_silu_cuda(float* hidden, const float* source_term, const float* target_term,
                          const int32_t* source, const int32_t* target, int64_t tile, int64_t width,
                          void* stream) {
  launch("gather_add_silu",
         gather_add_silu_blocks(hidden, source_term, target_term, source, target, tile, width),
         stream);
}

void gather_modulate_sum_cuda(const float* scale, const float* scale_bias, const float* source_term,
                              const int32_t* source, const int64_t* offsets, float* sum,
                              int64_t nodes, int64_t tile, int64_t width, void* stream) {
  launch("gather_modulate_sum",
         gather_modulate_sum_blocks(scale, scale_bias, source_term, source, offsets, sum, nodes,
                                    tile, width),
         stream);
}

void segment_sum_cuda(const float* value, const int64_t* offsets, float* sum, int64_t nodes,
                      int64_t tile, int64_t width, void* stream) {
  launch("segment_sum", segment_sum_blocks(value, offsets, sum, nodes, tile, width), stream);
}

void bias_silu_cuda(float* value, const float* bias, int64_t tile, int64_t width, void* stream) {
  launch("bias_silu", bias_silu_blocks(value, bias, tile, width), stream);
}

}  // namespace tenfold::kernels
