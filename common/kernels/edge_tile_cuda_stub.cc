#include "common/core/error.h"
#include "common/kernels/edge_tile_cuda.h"

namespace tenfold::kernels {
namespace {

[[noreturn]] void refuse() {
  throw Unavailable("edge_tile on CUDA: built without CUDA: build with --config=cuda");
}

}  // namespace

void gather_add_silu_cuda(float*, const float*, const float*, const int32_t*, const int32_t*,
                          int64_t, int64_t, void*) {
  refuse();
}

void gather_modulate_sum_cuda(const float*, const float*, const float*, const int32_t*,
                              const int64_t*, float*, int64_t, int64_t, int64_t, void*) {
  refuse();
}

void segment_sum_cuda(const float*, const int64_t*, float*, int64_t, int64_t, int64_t, void*) {
  refuse();
}

void bias_silu_cuda(float*, const float*, int64_t, int64_t, void*) { refuse(); }

}  // namespace tenfold::kernels
