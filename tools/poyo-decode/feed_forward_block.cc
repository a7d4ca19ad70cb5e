#include "tools/poyo-decode/feed_forward_block.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include "common/kernels/feed_forward_block.h"
#include "common/nn/row_chunks.h"

namespace tenfold::poyo_decode {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Sums of gradients side by side; each is as large as the weights.
constexpr int64_t kSums = 4;

// Everything the kernel asks for.
struct Call {
  kernels::FeedForwardBlock block;
  at::Tensor packed;
  const Dropout& dropout;
  const float* x;

  Call(const at::Tensor& rows, const FeedForwardWeights& w, const Dropout& d)
      : block{rows.size(1),
              w.out.size(1),
              w.in.data_ptr<float>(),
              w.in_bias.data_ptr<float>(),
              w.out.data_ptr<float>(),
              w.out_bias.data_ptr<float>()},
        packed(at::empty({kernels::feed_forward_pack_floats(block)}, rows.options())),
        dropout(d),
        x(rows.data_ptr<float>()) {
    kernels::feed_forward_pack(block, packed.data_ptr<float>());
  }
  kernels::FeedForwardCall of(int64_t first, int64_t rows) const {
    return {block, packed.data_ptr<float>(), dropout.rate, dropout.key, first, rows, x};
  }
};

class FeedForward : public torch::autograd::Function<FeedForward> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& in,
                            const at::Tensor& in_bias, const at::Tensor& out,
                            const at::Tensor& out_bias, const Dropout& dropout) {
    const Call call(x, {in, in_bias, out, out_bias}, dropout);
    const at::Tensor y = at::empty_like(x);
    nn::for_chunks(x.size(0), [&](int64_t, int64_t first, int64_t rows) {
      kernels::feed_forward(call.of(first, rows), y.data_ptr<float>());
    });
    ctx->save_for_backward({x, in, in_bias, out, out_bias});
    ctx->saved_data["rate"] = dropout.rate;
    ctx->saved_data["key"] = int64_t(uint64_t(dropout.key[1]) << 32 | dropout.key[0]);
    return y;
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const variable_list saved = ctx->get_saved_variables();
    const at::Tensor& x = saved[0];
    const FeedForwardWeights weights{saved[1], saved[2], saved[3], saved[4]};
    const uint64_t key = uint64_t(ctx->saved_data["key"].toInt());
    const Dropout dropout{ctx->saved_data["rate"].toDouble(), {uint32_t(key), uint32_t(key >> 32)}};
    const Call call(x, weights, dropout);
    const at::Tensor d_y = gradients[0].contiguous(), d_x = at::empty_like(x);
    const int64_t floats = kernels::feed_forward_sums_floats(call.block);
    const at::Tensor sums = at::empty({nn::chunks_of<kSums>(x.size(0)), floats}, x.options());
    nn::for_chunks<kSums>(x.size(0), [&](int64_t chunk, int64_t first, int64_t rows) {
      kernels::feed_forward_backward(call.of(first, rows), d_y.data_ptr<float>(), false,
                                     d_x.data_ptr<float>(),
                                     sums.data_ptr<float>() + chunk * floats);
    });
    const at::Tensor d_in = at::empty_like(weights.in), d_in_bias = at::empty_like(weights.in_bias),
                     d_out = at::empty_like(weights.out);
    kernels::feed_forward_unpack(call.block, nn::add_up(sums).data_ptr<float>(),
                                 d_in.data_ptr<float>(), d_in_bias.data_ptr<float>(),
                                 d_out.data_ptr<float>());
    return {d_x, d_in, d_in_bias, d_out, d_y.sum(0), at::Tensor()};
  }
};

}  // namespace

at::Tensor feed_forward_block(const at::Tensor& x, const FeedForwardWeights& weights,
                              const Dropout& dropout) {
  return FeedForward::apply(x.contiguous(), weights.in, weights.in_bias, weights.out,
                            weights.out_bias, dropout);
}

}  // namespace tenfold::poyo_decode
