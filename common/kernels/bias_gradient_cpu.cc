#include "common/kernels/bias_gradient.h"
#include "common/kernels/bias_gradient_isa.h"
#include "common/kernels/isa.h"

namespace tenfold::kernels {
namespace {

const BiasGradientTable& table() { return use_avx512() ? kBiasGradientAvx512 : kBiasGradientAvx2; }

}  // namespace

void relu_readout(const HiddenRows& in, const float* bias, const float* readout, int64_t classes,
                  float* logits) {
  table().readout(in, bias, readout, classes, logits);
}

void relu_readout_sums(const HiddenRows& in, const float* bias, const float* d, int64_t classes,
                       UnitSum kind, int64_t first, int64_t end, float* sums) {
  table().sums(in, bias, d, classes, kind, first, end, sums);
}

void relu_readout_bias_gradients(const HiddenRows& in, const float* readout, int64_t classes,
                                 float scale, BiasVector* vectors, int64_t count) {
  table().bias_gradients(in, readout, classes, scale, vectors, count);
}

}  // namespace tenfold::kernels
