#include "common/core/error.h"
#include "common/kernels/rate_rnn_cuda.h"

namespace tenfold::kernels {
namespace {

[[noreturn]] void refuse() {
  throw Unavailable("rate_rnn on CUDA: built without CUDA: build with --config=cuda");
}

}  // namespace

void rate_rnn_cuda(const RateRnnNetworks<float>&, float*, float*, void*) { refuse(); }

void rate_rnn_backward_cuda(const RateRnnNetworks<float>&, const float*, float*, float*, void*) {
  refuse();
}

void rate_rnn_gradient_cuda(const RateRnnNetworks<float>&, const float*, const float*, float*,
                            float*, void*) {
  refuse();
}

}  // namespace tenfold::kernels
