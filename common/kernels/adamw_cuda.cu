#include "common/kernels/adamw_body.h"
#include "common/kernels/blocks_cuda.h"

namespace tenfold::kernels {

void adamw_update_cuda(float* parameters, float* first_moment, float* second_moment,
                       const float* gradient, const float* decay, double uniform_decay, int64_t n,
                       int64_t step, double gradient_scale, const AdamWOptions& options,
                       void* stream) {
  const AdamWBlocks blocks{parameters,
                           first_moment,
                           second_moment,
                           gradient,
                           decay,
                           static_cast<float>(uniform_decay),
                           n,
                           adamw_step(options, step, gradient_scale)};
  launch("AdamW", blocks, stream);
}

}  // namespace tenfold::kernels
