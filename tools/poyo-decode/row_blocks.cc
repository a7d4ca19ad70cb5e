#include "tools/poyo-decode/row_blocks.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/layer_norm.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>

#include "common/kernels/dropout.h"
#include "common/kernels/gated_rows.h"
#include "common/kernels/geglu.h"
#include "common/kernels/tensor_rows.h"
#include "common/nn/row_chunks.h"

namespace tenfold::poyo_decode {
namespace {

using nn::add_up;
using nn::for_chunks;
using nn::kChunks;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr float kNormEps = 1e-5f;

void keep(AutogradContext* ctx, const Dropout& dropout) {
  ctx->saved_data["rate"] = dropout.rate;
  ctx->saved_data["key"] = int64_t(uint64_t(dropout.key[1]) << 32 | dropout.key[0]);
}

Dropout kept(AutogradContext* ctx) {
  const uint64_t key = uint64_t(ctx->saved_data["key"].toInt());
  return {ctx->saved_data["rate"].toDouble(), {uint32_t(key), uint32_t(key >> 32)}};
}

// body(first element, end) over whole groups of draws.
template <class Body>
void for_groups(int64_t elements, const Body& body) {
  constexpr int64_t kGroups = 64;  // at least, for a thread of its own
  const int64_t groups = (elements + kernels::kDropoutGroup - 1) / kernels::kDropoutGroup;
  at::parallel_for(0, groups, kGroups, [&](int64_t first, int64_t end) {
    body(first * kernels::kDropoutGroup, std::min(end * kernels::kDropoutGroup, elements));
  });
}

void thin(const at::Tensor& x, const Dropout& d, const at::Tensor& out) {
  if (x.is_cuda()) {
    kernels::dropout_cuda(x.data_ptr<float>(), d.rate, d.key, x.numel(), out.data_ptr<float>(),
                          kernels::OnCuda(x.device()).stream());
    return;
  }
  for_groups(x.numel(), [&](int64_t first, int64_t end) {
    kernels::dropout(x.data_ptr<float>(), d.rate, d.key, first, end, out.data_ptr<float>());
  });
}

class Normalised : public torch::autograd::Function<Normalised> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& given, const at::Tensor& weight,
                            const at::Tensor& bias) {
    const at::Tensor x = given.contiguous(), out = at::empty_like(x),
                     moments = at::empty({x.size(0), 2}, x.options());
    const int64_t width = x.size(1);
    const kernels::NormWeights norm{weight.data_ptr<float>(), bias.data_ptr<float>(), kNormEps};
    for_chunks(x.size(0), [&](int64_t, int64_t first, int64_t rows) {
      kernels::norm_of_sum(rows, width, x.data_ptr<float>() + first * width, nullptr, norm, nullptr,
                           out.data_ptr<float>() + first * width,
                           moments.data_ptr<float>() + 2 * first);
    });
    ctx->save_for_backward({x, weight, moments});
    return out;
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const variable_list saved = ctx->get_saved_variables();
    const at::Tensor &x = saved[0], &weight = saved[1], &moments = saved[2];
    const at::Tensor d_out = gradients[0].contiguous(), d_x = at::empty_like(x);
    const int64_t width = x.size(1);
    const at::Tensor weights = at::zeros({kChunks, width}, x.options()),
                     biases = at::zeros({kChunks, width}, x.options());
    for_chunks(x.size(0), [&](int64_t chunk, int64_t first, int64_t rows) {
      kernels::norm_of_sum_backward(
          rows, width, x.data_ptr<float>() + first * width, moments.data_ptr<float>() + 2 * first,
          weight.data_ptr<float>(), d_out.data_ptr<float>() + first * width, nullptr,
          d_x.data_ptr<float>() + first * width, weights.data_ptr<float>() + chunk * width,
          biases.data_ptr<float>() + chunk * width);
    });
    return {d_x, add_up(weights), add_up(biases)};
  }
};

class GatedUnit : public torch::autograd::Function<GatedUnit> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& hidden,
                            const Dropout& dropout) {
    const int64_t width = hidden.size(1) / 2;
    const at::Tensor out = at::empty({hidden.size(0), width}, hidden.options());
    if (hidden.is_cuda()) {
      kernels::geglu_cuda(hidden.size(0), width, hidden.data_ptr<float>(), out.data_ptr<float>(),
                          kernels::OnCuda(hidden.device()).stream());
    } else {
      for_chunks(hidden.size(0), [&](int64_t, int64_t first, int64_t rows) {
        kernels::geglu(rows, width, hidden.data_ptr<float>() + first * 2 * width,
                       out.data_ptr<float>() + first * width);
      });
    }
    if (dropout.rate > 0) thin(out, dropout, out);
    ctx->save_for_backward({hidden});
    keep(ctx, dropout);
    return out;
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const at::Tensor hidden = ctx->get_saved_variables()[0];
    const Dropout dropout = kept(ctx);
    at::Tensor d_out = gradients[0].contiguous();
    if (dropout.rate > 0) {
      const at::Tensor thinned = at::empty_like(d_out);
      thin(d_out, dropout, thinned);
      d_out = thinned;
    }
    const int64_t width = hidden.size(1) / 2;
    const at::Tensor d_hidden = at::empty_like(hidden);
    if (hidden.is_cuda()) {
      kernels::geglu_backward_cuda(hidden.size(0), width, hidden.data_ptr<float>(),
                                   d_out.data_ptr<float>(), d_hidden.data_ptr<float>(),
                                   kernels::OnCuda(hidden.device()).stream());
      return {d_hidden, at::Tensor()};
    }
    for_chunks(hidden.size(0), [&](int64_t, int64_t first, int64_t rows) {
      kernels::geglu_backward(rows, width, hidden.data_ptr<float>() + first * 2 * width,
                              d_out.data_ptr<float>() + first * width,
                              d_hidden.data_ptr<float>() + first * 2 * width);
    });
    return {d_hidden, at::Tensor()};
  }
};

class Joined : public torch::autograd::Function<Joined> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& given, const at::Tensor& branch,
                            const Dropout& dropout) {
    const at::Tensor x = given.contiguous(), out = at::empty_like(x);
    const float *from = x.data_ptr<float>(), *added = branch.data_ptr<float>();
    float* to = out.data_ptr<float>();
    if (x.is_cuda()) {
      kernels::add_dropped_cuda(from, added, dropout.rate, dropout.key, x.numel(), to,
                                kernels::OnCuda(x.device()).stream());
    } else {
      for_groups(x.numel(), [&](int64_t first, int64_t end) {
        kernels::add_dropped(from, added, dropout.rate, dropout.key, first, end, to);
      });
    }
    keep(ctx, dropout);
    return out;
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const at::Tensor d_out = gradients[0].contiguous(), d_branch = at::empty_like(d_out);
    thin(d_out, kept(ctx), d_branch);
    return {d_out, d_branch, at::Tensor()};
  }
};

}  // namespace

at::Tensor normalised(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  if (x.is_cuda()) return at::layer_norm(x, {x.size(1)}, weight, bias, kNormEps);
  return Normalised::apply(x, weight, bias);
}

at::Tensor gated(const at::Tensor& hidden, const Dropout& dropout) {
  return GatedUnit::apply(hidden, dropout);
}

at::Tensor joined(const at::Tensor& x, const at::Tensor& branch, const Dropout& dropout) {
  if (dropout.rate == 0) return x + branch;
  return Joined::apply(x, branch, dropout);
}

}  // namespace tenfold::poyo_decode
