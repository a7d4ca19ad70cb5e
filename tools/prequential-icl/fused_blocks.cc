#include "tools/prequential-icl/fused_blocks.h"

#include <ATen/Parallel.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include "common/kernels/causal_attention.h"
#include "common/kernels/post_norm.h"
#include "common/nn/row_chunks.h"
#include "tools/prequential-icl/encoder_layer.h"

namespace tenfold::prequential_icl {
namespace {

using nn::add_up;
using nn::for_chunks;
using nn::kChunks;
using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

at::Tensor row_sum(const at::Tensor& x) {
  const int64_t width = x.size(1);
  const at::Tensor partial = at::zeros({kChunks, width}, x.options());
  for_chunks(x.size(0), [&](int64_t chunk, int64_t first, int64_t rows) {
    kernels::column_sum(rows, width, x.data_ptr<float>() + first * width,
                        partial.data_ptr<float>() + chunk * width);
  });
  return add_up(partial);
}

at::Tensor product(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  return at::addmm(bias, x, weight.t());
}

// relu(x W^T + b)
at::Tensor active_product(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const at::Tensor out = at::mm(x, weight.t());
  const int64_t width = out.size(1);
  for_chunks(out.size(0), [&](int64_t, int64_t first, int64_t rows) {
    kernels::bias_relu(rows, width, bias.data_ptr<float>(), out.data_ptr<float>() + first * width);
  });
  return out;
}

// Masks the gradient of a relu layer in place and returns the gradient of its bias.
at::Tensor active_backward(const at::Tensor& active, const at::Tensor& d_active) {
  const int64_t width = active.size(1);
  const at::Tensor partial = at::zeros({kChunks, width}, active.options());
  for_chunks(active.size(0), [&](int64_t chunk, int64_t first, int64_t rows) {
    kernels::relu_backward(rows, width, active.data_ptr<float>() + first * width,
                           d_active.data_ptr<float>() + first * width,
                           partial.data_ptr<float>() + chunk * width);
  });
  return add_up(partial);
}

// A layer norm of a sum, and the way back.
struct NormOfSum {
  at::Tensor out, inverse_std;  // `branch` holds the normalised sum afterwards

  NormOfSum(const at::Tensor& x, const at::Tensor& branch, const at::Tensor& branch_bias,
            const at::Tensor& weight, const at::Tensor& bias)
      : out(at::empty_like(branch)), inverse_std(at::empty({branch.size(0)}, branch.options())) {
    const int64_t width = branch.size(1);
    const kernels::NormWeights norm{weight.data_ptr<float>(), bias.data_ptr<float>(),
                                    float(kNormEps)};
    for_chunks(branch.size(0), [&](int64_t, int64_t first, int64_t rows) {
      kernels::residual_norm(
          rows, width, x.data_ptr<float>() + first * width,
          branch.data_ptr<float>() + first * width, branch_bias.data_ptr<float>(), norm,
          out.data_ptr<float>() + first * width, inverse_std.data_ptr<float>() + first);
    });
  }
};

struct NormGradient {
  at::Tensor sum, weight, bias;

  NormGradient(const at::Tensor& normalised, const at::Tensor& inverse_std, const at::Tensor& w,
               const at::Tensor& d_out)
      : sum(at::empty_like(normalised)) {
    const int64_t width = normalised.size(1);
    const at::Tensor weights = at::zeros({kChunks, width}, w.options()),
                     biases = at::zeros({kChunks, width}, w.options());
    for_chunks(normalised.size(0), [&](int64_t chunk, int64_t first, int64_t rows) {
      kernels::residual_norm_backward(
          rows, width, normalised.data_ptr<float>() + first * width,
          inverse_std.data_ptr<float>() + first, w.data_ptr<float>(),
          d_out.data_ptr<float>() + first * width, sum.data_ptr<float>() + first * width,
          weights.data_ptr<float>() + chunk * width, biases.data_ptr<float>() + chunk * width);
    });
    weight = add_up(weights);
    bias = add_up(biases);
  }
};

// Queries, keys and values of both forms of attention: packed in one matrix [rows, 3h] when query
// and memory are one tensor, else [rows, h] and [rows, 2h].
struct Projected {
  kernels::AttentionShape shape;
  float *q, *k, *v;

  Projected(const at::Tensor& first, const at::Tensor& second, int64_t batch, int64_t width,
            int64_t heads) {
    const bool packed = !second.defined();
    const int64_t q_stride = packed ? 3 * width : width, kv_stride = packed ? 3 * width : 2 * width;
    shape = {batch, first.size(0) / batch, heads, width / heads, q_stride, kv_stride, kv_stride,
             width};
    q = first.data_ptr<float>();
    k = packed ? q + width : second.data_ptr<float>();
    v = k + width;
  }
  kernels::AttentionInput input() const { return {q, k, v}; }
};

class FusedAttention : public torch::autograd::Function<FusedAttention> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& query, const at::Tensor& memory,
                            const at::Tensor& in_weight, const at::Tensor& in_bias,
                            const at::Tensor& out_weight, const at::Tensor& out_bias,
                            const at::Tensor& norm_weight, const at::Tensor& norm_bias,
                            int64_t heads, bool is_self) {
    const int64_t batch = query.size(0), width = query.size(2);
    const at::Tensor x = query.reshape({-1, width}), m = is_self ? x : memory.reshape({-1, width});
    at::Tensor first, second;
    if (is_self) {
      first = product(x, in_weight, in_bias);
    } else {
      first = product(x, in_weight.narrow(0, 0, width), in_bias.narrow(0, 0, width));
      second =
          product(m, in_weight.narrow(0, width, 2 * width), in_bias.narrow(0, width, 2 * width));
    }
    const Projected projected(first, second, batch, width, heads);
    const at::Tensor mixed = at::empty_like(x),
                     norms = at::empty({x.size(0) * heads * 2}, x.options());
    at::parallel_for(0, projected.shape.tasks(), 1, [&](int64_t from, int64_t end) {
      kernels::causal_attention(projected.shape, projected.input(), from, end,
                                mixed.data_ptr<float>(), norms.data_ptr<float>());
    });
    const at::Tensor branch = at::mm(mixed, out_weight.t());
    const NormOfSum norm(x, branch, out_bias, norm_weight, norm_bias);
    ctx->save_for_backward({x, m, first, second, mixed, norms, branch, norm.inverse_std, in_weight,
                            out_weight, norm_weight});
    ctx->saved_data["heads"] = heads;
    ctx->saved_data["batch"] = batch;
    return norm.out.view(query.sizes());
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const variable_list s = ctx->get_saved_variables();
    const at::Tensor &x = s[0], &m = s[1], &first = s[2], &second = s[3], &mixed = s[4],
                     &norms = s[5], &in_weight = s[8], &out_weight = s[9];
    const int64_t width = x.size(1), batch = ctx->saved_data["batch"].toInt(),
                  heads = ctx->saved_data["heads"].toInt();
    const NormGradient norm(s[6], s[7], s[10], grads[0].contiguous().view({-1, width}));
    const at::Tensor d_out_weight = at::mm(norm.sum.t(), mixed), d_out_bias = row_sum(norm.sum);
    const at::Tensor d_mixed = at::mm(norm.sum, out_weight);

    const at::Tensor d_first = at::empty_like(first);
    at::Tensor d_second;
    if (second.defined()) d_second = at::empty_like(second);
    const Projected projected(first, second, batch, width, heads),
        to(d_first, d_second, batch, width, heads);
    at::parallel_for(0, projected.shape.tasks(), 1, [&](int64_t from, int64_t end) {
      kernels::causal_attention_backward(projected.shape, projected.input(),
                                         mixed.data_ptr<float>(), d_mixed.data_ptr<float>(),
                                         norms.data_ptr<float>(), from, end, to.q, to.k, to.v);
    });

    const auto shaped = [&](const at::Tensor& t) { return t.view({batch, -1, width}); };
    at::Tensor d_query = norm.sum, d_memory;
    at::Tensor d_in_weight, d_in_bias;
    if (!second.defined()) {
      d_in_weight = at::mm(d_first.t(), x);
      d_in_bias = row_sum(d_first);
      at::addmm_out(d_query, d_query, d_first, in_weight);
    } else {
      d_in_weight = at::empty_like(in_weight);
      at::Tensor rows_q = d_in_weight.narrow(0, 0, width),
                 rows_kv = d_in_weight.narrow(0, width, 2 * width);
      at::mm_out(rows_q, d_first.t(), x);
      at::mm_out(rows_kv, d_second.t(), m);
      d_in_bias = at::empty({3 * width}, x.options());
      d_in_bias.narrow(0, 0, width).copy_(row_sum(d_first));
      d_in_bias.narrow(0, width, 2 * width).copy_(row_sum(d_second));
      at::addmm_out(d_query, d_query, d_first, in_weight.narrow(0, 0, width));
      d_memory = shaped(at::mm(d_second, in_weight.narrow(0, width, 2 * width)));
    }
    return {shaped(d_query), d_memory,    d_in_weight, d_in_bias,  d_out_weight,
            d_out_bias,      norm.weight, norm.bias,   Variable(), Variable()};
  }
};

class FusedFeedForward : public torch::autograd::Function<FusedFeedForward> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& input,
                            const at::Tensor& weight1, const at::Tensor& bias1,
                            const at::Tensor& weight2, const at::Tensor& bias2,
                            const at::Tensor& norm_weight, const at::Tensor& norm_bias) {
    const at::Tensor x = input.reshape({-1, input.size(2)});
    const at::Tensor hidden = active_product(x, weight1, bias1);
    const at::Tensor branch = at::mm(hidden, weight2.t());
    const NormOfSum norm(x, branch, bias2, norm_weight, norm_bias);
    ctx->save_for_backward({x, hidden, branch, norm.inverse_std, weight1, weight2, norm_weight});
    return norm.out.view(input.sizes());
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const variable_list s = ctx->get_saved_variables();
    const at::Tensor &x = s[0], &hidden = s[1], &weight1 = s[4], &weight2 = s[5];
    const int64_t width = x.size(1);
    const NormGradient norm(s[2], s[3], s[6], grads[0].contiguous().view({-1, width}));
    const at::Tensor d_weight2 = at::mm(norm.sum.t(), hidden), d_bias2 = row_sum(norm.sum);
    const at::Tensor d_hidden = at::mm(norm.sum, weight2);
    const at::Tensor d_bias1 = active_backward(hidden, d_hidden);
    const at::Tensor d_weight1 = at::mm(d_hidden.t(), x);
    at::Tensor d_x = norm.sum;
    at::addmm_out(d_x, d_x, d_hidden, weight1);
    return {
        d_x.view(grads[0].sizes()), d_weight1, d_bias1, d_weight2, d_bias2, norm.weight, norm.bias};
  }
};

class FusedLinearRelu : public torch::autograd::Function<FusedLinearRelu> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias) {
    const at::Tensor out = active_product(x, weight, bias);
    ctx->save_for_backward({x, weight, out});
    return out;
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const variable_list s = ctx->get_saved_variables();
    // The gradient that comes in may be another's, too.
    const at::Tensor d_out = grads[0].clone(at::MemoryFormat::Contiguous);
    const at::Tensor d_bias = active_backward(s[2], d_out);
    at::Tensor d_x;
    if (ctx->needs_input_grad(0)) d_x = at::mm(d_out, s[1]);
    return {d_x, at::mm(d_out.t(), s[0]), d_bias};
  }
};

}  // namespace

at::Tensor fused_linear_relu(const at::Tensor& x, const at::Tensor& weight,
                             const at::Tensor& bias) {
  return FusedLinearRelu::apply(x.contiguous(), weight, bias);
}

at::Tensor fused_attention(const AttentionBlock& b, const at::Tensor& query,
                           const at::Tensor& memory) {
  return FusedAttention::apply(query, memory, b.in_weight, b.in_bias, b.out_weight, b.out_bias,
                               b.norm.weight, b.norm.bias, b.heads, query.is_same(memory));
}

at::Tensor fused_feed_forward(const FeedForwardBlock& b, const at::Tensor& x) {
  return FusedFeedForward::apply(x, b.weight1, b.bias1, b.weight2, b.bias2, b.norm.weight,
                                 b.norm.bias);
}

}  // namespace tenfold::prequential_icl
