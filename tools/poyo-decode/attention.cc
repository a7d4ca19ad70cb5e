#include "tools/poyo-decode/attention.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <optional>

#include "common/kernels/rotary_attention_cuda.h"
#include "common/kernels/tensor_rows.h"

namespace tenfold::poyo_decode {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

const int32_t* numbers_of(const at::Tensor& placed) {
  return placed.defined() ? placed.data_ptr<int32_t>() : nullptr;
}

kernels::TokenSide side_of(const TokenLayout& tokens) {
  if (tokens.placed.begin.defined()) {
    const PlacedTokens& p = tokens.placed;
    return {p.begin.data_ptr<int64_t>(), p.count.data_ptr<int64_t>(), numbers_of(p.row),
            numbers_of(p.turn), tokens.turns.data_ptr<float>()};
  }
  return {tokens.begin.data(), tokens.count.data(),
          tokens.row.empty() ? nullptr : tokens.row.data(),
          tokens.turn.empty() ? nullptr : tokens.turn.data(), tokens.turns.data_ptr<float>()};
}

template <class T>
at::Tensor on_device(const std::vector<T>& values, at::ScalarType type, at::Device device) {
  return at::from_blob(const_cast<T*>(values.data()), {int64_t(values.size())},
                       at::TensorOptions().dtype(type))
      .to(device);
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

  void forward(const AttentionLayout& layout, const kernels::AttentionDropout& dropout,
               const at::Tensor& out, const at::Tensor& norms) const {
    float *to = out.data_ptr<float>(), *to_norms = norms.data_ptr<float>();
    if (out.is_cuda()) {
      kernels::rotary_attention_cuda(shape, most(layout), input, dropout, to, to_norms,
                                     kernels::OnCuda(out.device()).stream());
      return;
    }
    at::parallel_for(0, shape.tasks(), 1, [&](int64_t first, int64_t end) {
      kernels::rotary_attention(shape, input, dropout, first, end, to, to_norms);
    });
  }

  void backward(const AttentionLayout& layout, const kernels::AttentionDropout& dropout,
                const at::Tensor& out, const at::Tensor& d_out, const at::Tensor& norms, float* dq,
                float* dk, float* dv) const {
    const float *read = out.data_ptr<float>(), *d_read = d_out.data_ptr<float>(),
                *norm = norms.data_ptr<float>();
    if (out.is_cuda()) {
      const at::Tensor dots = at::empty({norms.size(0), norms.size(1)}, norms.options());
      kernels::rotary_attention_backward_cuda(shape, most(layout), input, dropout, read, d_read,
                                              norm, dots.data_ptr<float>(), dq, dk, dv,
                                              kernels::OnCuda(out.device()).stream());
      return;
    }
    at::parallel_for(0, shape.tasks(), 1, [&](int64_t first, int64_t end) {
      kernels::rotary_attention_backward(shape, input, dropout, read, d_read, norm, first, end, dq,
                                         dk, dv);
    });
  }

 private:
  static kernels::RotaryMost most(const AttentionLayout& layout) {
    return {layout.queries.placed.most, layout.keys.placed.most};
  }
};

// [rows, width]: the sum of the tokens' gradients by the row that they read. Columns are summed in
// the order of the tokens, whatever the number of threads.
at::Tensor by_row(const at::Tensor& by_token, const TokenLayout& tokens, int64_t rows) {
  const std::vector<int32_t>& row = tokens.row;
  if (row.empty()) return by_token;
  constexpr int64_t kColumns = 16;
  const int64_t width = by_token.size(1);
  const at::Tensor sums = at::zeros({rows, width}, by_token.options());
  if (by_token.is_cuda()) {
    const at::Tensor& offsets = tokens.placed.offsets;  // of the rows that have tokens
    kernels::token_sum_cuda(by_token.data_ptr<float>(), numbers_of(tokens.placed.order),
                            numbers_of(offsets), offsets.numel() - 1, by_token.size(0), width,
                            sums.data_ptr<float>(), kernels::OnCuda(sums.device()).stream());
    return sums;
  }
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
    call.forward(*layout, dropout, out, norms);
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
    call.backward(*layout, dropout, out, d_out, norms, dq.data_ptr<float>(), dk,
                  dk + call.shape.out_stride);
    return {by_row(dq, layout->queries, q.size(0)),
            kv.defined() ? by_row(dkv, layout->keys, kv.size(0)) : at::Tensor(), at::Tensor(),
            at::Tensor()};
  }
};

}  // namespace

void place(TokenLayout& tokens, at::Device device) {
  if (device.is_cpu()) return;
  PlacedTokens& p = tokens.placed;
  p.begin = on_device(tokens.begin, at::kLong, device);
  p.count = on_device(tokens.count, at::kLong, device);
  for (int64_t n : tokens.count) p.most = std::max(p.most, n);
  if (!tokens.turn.empty()) p.turn = on_device(tokens.turn, at::kInt, device);
  if (tokens.row.empty()) return;
  p.row = on_device(tokens.row, at::kInt, device);
  // A counting sort of the tokens by row.
  const int32_t rows = *std::max_element(tokens.row.begin(), tokens.row.end()) + 1;
  std::vector<int32_t> offsets(size_t(rows) + 1), order(tokens.row.size());
  for (int32_t r : tokens.row) ++offsets[size_t(r) + 1];
  for (size_t r = 0; r < size_t(rows); ++r) offsets[r + 1] += offsets[r];
  std::vector<int32_t> next(offsets.begin(), offsets.end() - 1);
  for (size_t t = 0; t < order.size(); ++t)
    order[size_t(next[size_t(tokens.row[t])]++)] = int32_t(t);
  p.order = on_device(order, at::kInt, device);
  p.offsets = on_device(offsets, at::kInt, device);
}

at::Tensor cross_attention(const AttentionLayoutPtr& layout, const at::Tensor& q,
                           const at::Tensor& kv, const kernels::AttentionDropout& dropout) {
  return RotaryAttention::apply(q, std::optional<at::Tensor>(kv), layout, dropout);
}

at::Tensor self_attention(const AttentionLayoutPtr& layout, const at::Tensor& qkv,
                          const kernels::AttentionDropout& dropout) {
  return RotaryAttention::apply(qkv, std::optional<at::Tensor>(), layout, dropout);
}

}  // namespace tenfold::poyo_decode
