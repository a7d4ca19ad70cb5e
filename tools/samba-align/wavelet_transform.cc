#include "tools/samba-align/wavelet_transform.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/custom_function.h>

namespace tenfold::samba_align {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr int64_t kRowsAtOnce = 32;  // at least, for a thread of its own

at::Tensor transformed(const Wavelet& wavelet, const at::Tensor& given, bool forwards) {
  const at::Tensor from = given.contiguous();
  std::vector<int64_t> shape = from.sizes().vec();
  shape.back() = forwards ? wavelet.coefficients() : wavelet.length();
  const at::Tensor to = at::empty(shape, from.options());
  const int64_t in = from.size(-1), out = shape.back(), rows = from.numel() / in;
  at::parallel_for(0, rows, kRowsAtOnce, [&](int64_t first, int64_t end) {
    const float* source = from.data_ptr<float>() + first * in;
    float* target = to.data_ptr<float>() + first * out;
    if (forwards) {
      wavelet.analyse(source, end - first, target);
    } else {
      wavelet.synthesise(source, end - first, target);
    }
  });
  return to;
}

class Transform : public torch::autograd::Function<Transform> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const Wavelet& wavelet,
                            bool forwards) {
    ctx->saved_data["length"] = wavelet.length();
    ctx->saved_data["levels"] = int64_t(wavelet.sizes().size()) - 1;
    ctx->saved_data["forwards"] = forwards;
    return transformed(wavelet, x, forwards);
  }
  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const Wavelet wavelet(ctx->saved_data["length"].toInt(), ctx->saved_data["levels"].toInt());
    return {transformed(wavelet, gradients[0], !ctx->saved_data["forwards"].toBool()), at::Tensor(),
            at::Tensor()};
  }
};

}  // namespace

at::Tensor analysed(const Wavelet& wavelet, const at::Tensor& x) {
  return Transform::apply(x, wavelet, true);
}

at::Tensor synthesised(const Wavelet& wavelet, const at::Tensor& coefficients) {
  return Transform::apply(coefficients, wavelet, false);
}

}  // namespace tenfold::samba_align
