#include "common/core/error.h"
#include "common/kernels/geglu.h"

namespace tenfold::kernels {
namespace {

[[noreturn]] void refuse() {
  throw Unavailable("geglu on CUDA: built without CUDA: build with --config=cuda");
}

}  // namespace

void geglu_cuda(int64_t, int64_t, const float*, float*, void*) { refuse(); }

void geglu_backward_cuda(int64_t, int64_t, const float*, const float*, float*, void*) { refuse(); }

}  // namespace tenfold::kernels
