#include "common/kernels/blocks_cuda.h"
#include "common/kernels/dropout.h"
#include "common/kernels/dropout_body.h"

namespace tenfold::kernels {

void dropout_cuda(const float* x, double rate, std::array<uint32_t, 2> key, int64_t n, float* out,
                  void* stream) {
  launch("dropout", DropoutBlocks{nullptr, x, dropout_draws(rate, key), n, out}, stream);
}

void add_dropped_cuda(const float* x, const float* branch, double rate, std::array<uint32_t, 2> key,
                      int64_t n, float* out, void* stream) {
  launch("add_dropped", DropoutBlocks{x, branch, dropout_draws(rate, key), n, out}, stream);
}

}  // namespace tenfold::kernels
