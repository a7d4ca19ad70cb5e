#include "tools/poyo-decode/attention_block.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "common/kernels/attention_block.h"
#include "common/nn/row_chunks.h"

namespace tenfold::poyo_decode {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

// Sums of gradients side by side; each is as large as the weights.
constexpr int64_t kSums = 4;

// Everything the kernel asks for.
struct Call {
  kernels::AttentionBlock block;
  kernels::TokenSide tokens;
  at::Tensor packed;
  const kernels::AttentionDropout& dropout;
  const float* x;
  int64_t sequences, longest;
  int32_t* kept = nullptr;
  float* parts = nullptr;

  Call(const AttentionLayout& layout, const at::Tensor& rows, const at::Tensor& qkv,
       const at::Tensor& out, const kernels::AttentionDropout& d)
      : block{rows.size(1), layout.heads, layout.dim_head, qkv.data_ptr<float>(),
              out.data_ptr<float>()},
        tokens{layout.queries.begin.data(), layout.queries.count.data(), nullptr,
               layout.queries.turn.empty() ? nullptr : layout.queries.turn.data(),
               layout.queries.turns.data_ptr<float>()},
        packed(at::empty({kernels::attention_block_pack_floats(block)}, rows.options())),
        dropout(d),
        x(rows.data_ptr<float>()),
        sequences(int64_t(layout.queries.begin.size())),
        longest(*std::max_element(layout.queries.count.begin(), layout.queries.count.end())) {
    kernels::attention_block_pack(block, packed.data_ptr<float>());
  }
  // Room for what dropout keeps.
  at::Tensor room(const at::Tensor& like) const {
    const int64_t words = kernels::attention_block_kept_words(block, longest);
    return at::empty({dropout.rate > 0 ? like.size(0) : 0, words}, like.options().dtype(at::kInt));
  }
  kernels::AttentionBlockCall of(int64_t sequence) const {
    return {block, packed.data_ptr<float>(),          tokens, sequence, longest, dropout,
            x,     reinterpret_cast<uint32_t*>(kept), parts};
  }
};

class AttentionBlock : public torch::autograd::Function<AttentionBlock> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& qkv,
                            const at::Tensor& out, const at::Tensor& bias,
                            const AttentionLayoutPtr& layout,
                            const kernels::AttentionDropout& dropout, bool way_back) {
    Call call(*layout, x, qkv, out, dropout);
    const int64_t heads = layout->heads;
    const at::Tensor kept = call.room(x);
    call.kept = kept.data_ptr<int32_t>();
    const at::Tensor parts = at::empty(
        {way_back ? x.size(0) : 0, kernels::attention_block_part_floats(call.block)}, x.options());
    if (way_back) call.parts = parts.data_ptr<float>();
    const at::Tensor mixed = at::empty({x.size(0), call.block.wide()}, x.options()),
                     norms = at::empty({x.size(0), heads, 2}, x.options()), y = at::empty_like(x);
    const auto heads_of = [&](int64_t sequence, int64_t first, int64_t end) {
      kernels::attention_block_heads(call.of(sequence), first, end, mixed.data_ptr<float>(),
                                     norms.data_ptr<float>());
    };
    // Few windows: their heads are spread over the threads.
    const bool spread = call.sequences < at::get_num_threads();
    if (spread) {
      at::parallel_for(0, call.sequences * heads, 1, [&](int64_t first, int64_t end) {
        for (int64_t t = first; t < end; ++t) heads_of(t / heads, t % heads, t % heads + 1);
      });
    }
    at::parallel_for(0, call.sequences, 1, [&](int64_t first, int64_t end) {
      for (int64_t s = first; s < end; ++s) {
        if (!spread) heads_of(s, 0, heads);
        kernels::attention_block_project(call.of(s), mixed.data_ptr<float>(),
                                         bias.data_ptr<float>(), y.data_ptr<float>());
      }
    });
    ctx->save_for_backward({x, qkv, out, mixed, norms, kept, parts});
    ctx->saved_data["layout"] = c10::IValue::make_capsule(layout);
    ctx->saved_data["rate"] = dropout.rate;
    ctx->saved_data["key"] = int64_t(uint64_t(dropout.key[1]) << 32 | dropout.key[0]);
    return y;
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const variable_list saved = ctx->get_saved_variables();
    const at::Tensor &x = saved[0], &qkv = saved[1], &out = saved[2], &mixed = saved[3],
                     &norms = saved[4];
    const auto layout =
        c10::static_intrusive_pointer_cast<AttentionLayout>(ctx->saved_data["layout"].toCapsule());
    const uint64_t key = uint64_t(ctx->saved_data["key"].toInt());
    const kernels::AttentionDropout dropout{ctx->saved_data["rate"].toDouble(),
                                            {uint32_t(key), uint32_t(key >> 32)}};
    Call call(*layout, x, qkv, out, dropout);
    call.kept = saved[5].data_ptr<int32_t>();
    call.parts = saved[6].data_ptr<float>();
    const at::Tensor d_y = gradients[0].contiguous(), d_x = at::empty_like(x);
    const int64_t floats = kernels::attention_block_sums_floats(call.block);
    const at::Tensor sums = at::empty({nn::chunks_of<kSums>(call.sequences), floats}, x.options());
    nn::for_chunks<kSums>(call.sequences, [&](int64_t chunk, int64_t first, int64_t count) {
      for (int64_t s = first; s < first + count; ++s) {
        kernels::attention_block_backward(
            call.of(s), mixed.data_ptr<float>(), norms.data_ptr<float>(), d_y.data_ptr<float>(),
            s > first, d_x.data_ptr<float>(), sums.data_ptr<float>() + chunk * floats);
      }
    });
    const at::Tensor d_qkv = at::empty_like(qkv), d_out = at::empty_like(out);
    kernels::attention_block_unpack(call.block, nn::add_up(sums).data_ptr<float>(),
                                    d_qkv.data_ptr<float>(), d_out.data_ptr<float>());
    return {d_x, d_qkv, d_out, d_y.sum(0), at::Tensor(), at::Tensor(), at::Tensor()};
  }
};

}  // namespace

at::Tensor attention_block(const AttentionLayoutPtr& layout, const at::Tensor& x,
                           const at::Tensor& qkv, const at::Tensor& out, const at::Tensor& bias,
                           const kernels::AttentionDropout& dropout) {
  return AttentionBlock::apply(x.contiguous(), qkv, out, bias, layout, dropout,
                               at::GradMode::is_enabled());
}

}  // namespace tenfold::poyo_decode
