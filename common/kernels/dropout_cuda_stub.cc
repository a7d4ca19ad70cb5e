#include "common/core/error.h"
#include "common/kernels/dropout.h"

namespace tenfold::kernels {
namespace {

[[noreturn]] void refuse() {
  throw Unavailable("dropout on CUDA: built without CUDA: build with --config=cuda");
}

}  // namespace

void dropout_cuda(const float*, double, std::array<uint32_t, 2>, int64_t, float*, void*) {
  refuse();
}

void add_dropped_cuda(const float*, const float*, double, std::array<uint32_t, 2>, int64_t, float*,
                      void*) {
  refuse();
}

}  // namespace tenfold::kernels
