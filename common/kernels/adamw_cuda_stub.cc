#include "common/core/error.h"
#include "common/kernels/adamw.h"

namespace tenfold::kernels {

void adamw_update_cuda(float*, float*, float*, const float*, const float*, double, int64_t, int64_t,
                       double, const AdamWOptions&, void*) {
  throw Unavailable("AdamW on CUDA: built without CUDA: build with --config=cuda");
}

}  // namespace tenfold::kernels
