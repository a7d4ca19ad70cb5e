#include "common/kernels/blocks_cuda.h"
#include "common/kernels/geglu.h"
#include "common/kernels/geglu_body.h"

namespace tenfold::kernels {

void geglu_cuda(int64_t rows, int64_t width, const float* hidden, float* out, void* stream) {
  launch("geglu", GegluBlocks{rows, width, hidden, nullptr, out}, stream);
}

void geglu_backward_cuda(int64_t rows, int64_t width, const float* hidden, const float* d_out,
                         float* d_hidden, void* stream) {
  launch("geglu backward", GegluBlocks{rows, width, hidden, d_out, d_hidden}, stream);
}

}  // namespace tenfold::kernels
