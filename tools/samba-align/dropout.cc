#include "tools/samba-align/dropout.h"

#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include "common/kernels/dropout.h"

namespace tenfold::samba_align {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

at::Tensor thinned(const at::Tensor& given, double rate, const std::array<uint32_t, 2>& key) {
  const at::Tensor x = given.contiguous(), out = at::empty_like(x);
  kernels::dropout(x.data_ptr<float>(), rate, key, 0, x.numel(), out.data_ptr<float>());
  return out;
}

class Dropped : public torch::autograd::Function<Dropped> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, double rate, int64_t key) {
    ctx->saved_data["rate"] = rate;
    ctx->saved_data["key"] = key;
    return thinned(x, rate, halves(key));
  }
  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    return {thinned(gradients[0], ctx->saved_data["rate"].toDouble(),
                    halves(ctx->saved_data["key"].toInt())),
            at::Tensor(), at::Tensor()};
  }

 private:
  static std::array<uint32_t, 2> halves(int64_t key) {
    return {uint32_t(key), uint32_t(uint64_t(key) >> 32)};
  }
};

}  // namespace

at::Tensor dropped(const at::Tensor& x, double rate, const std::array<uint32_t, 2>& key) {
  if (rate == 0) return x;
  return Dropped::apply(x, rate, int64_t(uint64_t(key[1]) << 32 | key[0]));
}

}  // namespace tenfold::samba_align
