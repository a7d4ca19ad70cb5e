#include "tools/poyo-decode/attention.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <optional>

namespace tenfold::poyo_decode {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

kernels::TokenSide side_of(const TokenLayout& tokens) {
  return {tokens.begin.data(), tokens.count.data(),
          tokens.row.empty() ? nullptr : tokens.row.data(),
          tokens.turn.empty() ? nullptr : tokens.turn.data(), tokens.turns.data_ptr<float>()};
}

// [tokens, width]; zero where numbers between windows belong to no token (padded batches).
at::Tensor by_tokens(const TokenLayout& tokens, int64_t width, const at::Tensor& like) {
  int64_t real = 0;
  for (int64_t count : tokens.count) real += count;
  return real == tokens.tokens ? at::empty({tokens.tokens, width}, like.options())
                               : at::zeros({tokens.tokens, width}, like.options());
}

// Everything the kernel asks for; q and kv may be parts of one matrix.
struct Call {
  kernels::RotaryShape shape;
  kernels::RotaryInput input;

  Call(const AttentionLayout& layout, const at::Tensor& q, const at::Tensor& kv) {
    const int64_t wide = layout.heads * layout.dim_head;
    const bool packed = !kv.defined();
    shape.sequences = int64_t(layout.queries.begin.size());
    shape.heads = layout.heads;
    shape.head_dim = layout.dim_head;
    shape.queries = side_of(layout.queries);
    shape.keys = side_of(layout.keys);
    shape.q_stride = shape.dq_stride = packed ? 3 * wide : wide;
    shape.kv_stride = shape.dkv_stride = packed ? 3 * wide : 2 * wide;
    shape.out_stride = wide;
    shape.turn_values = layout.turn_values;
    input.q = q.data_ptr<float>();
    input.k = packed ? input.q + wide : kv.data_ptr<float>();
    input.v = input.k + wide;
  }

  template <class Body>
  void for_tasks(const Body& body) const {
    at::parallel_for(0, shape.tasks(), 1, body);
  }
};

// [rows, width]: the sum of the tokens' gradients by the row that they read. Columns are summed in
// the order of the tokens, whatever the number of threads.
at::Tensor by_row(const at::Tensor& by_token, const std::vector<int32_t>& row, int64_t rows) {
  if (row.empty()) return by_token;
  constexpr int64_t kColumns = 16;
  const int64_t width = by_token.size(1);
  const at::Tensor sums = at::zeros({rows, width}, by_token.options());
  at::parallel_for(0, (width + kColumns - 1) / kColumns, 1, [&](int64_t first, int64_t end) {
    const int64_t low = first * kColumns, high = std::min(end * kColumns, width);
    for (size_t t = 0; t < row.size(); ++t) {
      const float* from = by_token.data_ptr<float>() + int64_t(t) * width;
      float* to = sums.data_ptr<float>() + row[t] * width;
      for (int64_t c = low; c < high; ++c) to[c] += from[c];
    }
  });
  return sums;
}

class RotaryAttention : public torch::autograd::Function<RotaryAttention> {
 public:
  // Without `kv` keys and values stand beside the queries in q.
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& q,
                            const std::optional<at::Tensor>& own_kv,
                            const AttentionLayoutPtr& layout,
                            const kernels::AttentionDropout& dropout) {
    const at::Tensor kv = own_kv.value_or(at::Tensor());
    const Call call(*layout, q, kv);
    const at::Tensor out = by_tokens(layout->queries, call.shape.out_stride, q);
    const at::Tensor norms = at::empty({layout->queries.tokens, layout->heads, 2}, q.options());
    call.for_tasks([&](int64_t first, int64_t end) {
      kernels::rotary_attention(call.shape, call.input, dropout, first, end, out.data_ptr<float>(),
                                norms.data_ptr<float>());
    });
    ctx->save_for_backward({q, kv, out, norms});
    ctx->saved_data["layout"] = c10::IValue::make_capsule(layout);
    ctx->saved_data["rate"] = dropout.rate;
    ctx->saved_data["key"] = int64_t(uint64_t(dropout.key[1]) << 32 | dropout.key[0]);
    return out;
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const variable_list saved = ctx->get_saved_variables();
    const at::Tensor &q = saved[0], &kv = saved[1], &out = saved[2], &norms = saved[3];
    const auto layout =
        c10::static_intrusive_pointer_cast<AttentionLayout>(ctx->saved_data["layout"].toCapsule());
    const uint64_t key = uint64_t(ctx->saved_data["key"].toInt());
    const kernels::AttentionDropout dropout{ctx->saved_data["rate"].toDouble(),
                                            {uint32_t(key), uint32_t(key >> 32)}};
    const Call call(*layout, q, kv);
    const at::Tensor d_out = gradients[0].contiguous();
    const at::Tensor dq = by_tokens(layout->queries, call.shape.dq_stride, q);
    const at::Tensor dkv =
        kv.defined() ? by_tokens(layout->keys, call.shape.dkv_stride, q) : at::Tensor();
    float* dk = kv.defined() ? dkv.data_ptr<float>() : dq.data_ptr<float>() + call.shape.out_stride;
    call.for_tasks([&](int64_t first, int64_t end) {
      kernels::rotary_attention_backward(call.shape, call.input, dropout, out.data_ptr<float>(),
                                         d_out.data_ptr<float>(), norms.data_ptr<float>(), first,
                                         end, dq.data_ptr<float>(), dk, dk + call.shape.out_stride);
    });
    return {by_row(dq, layout->queries.row, q.size(0)),
            kv.defined() ? by_row(dkv, layout->keys.row, kv.size(0)) : at::Tensor(), at::Tensor(),
            at::Tensor()};
  }
};

}  // namespace

at::Tensor cross_attention(const AttentionLayoutPtr& layout, const at::Tensor& q,
                           const at::Tensor& kv, const kernels::AttentionDropout& dropout) {
  return RotaryAttention::apply(q, std::optional<at::Tensor>(kv), layout, dropout);
}

at::Tensor self_attention(const AttentionLayoutPtr& layout, const at::Tensor& qkv,
                          const kernels::AttentionDropout& dropout) {
  return RotaryAttention::apply(qkv, std::optional<at::Tensor>(), layout, dropout);
}

}  // namespace tenfold::poyo_decode
