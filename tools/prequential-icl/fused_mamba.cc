#include "tools/prequential-icl/fused_mamba.h"

#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/custom_function.h>

#include <optional>

#include "common/kernels/gated_rows.h"
#include "common/nn/row_chunks.h"
#include "tools/prequential-icl/encoder_layer.h"
#include "tools/prequential-icl/fused_blocks.h"

namespace tenfold::prequential_icl {
namespace {

using nn::add_up;
using nn::for_chunks;
using nn::kChunks;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

int64_t rows_of(const at::Tensor& t) { return t.size(0) * t.size(1); }

float* row(const at::Tensor& t, int64_t number) {
  return t.data_ptr<float>() + number * t.stride(1);
}

// Slices of one tensor's last dimension keep a single step from row to row.
at::Tensor with_even_rows(const at::Tensor& t) {
  const bool even = t.stride(2) == 1 && t.stride(0) == t.size(1) * t.stride(1);
  return even ? t : t.contiguous();
}

kernels::Gated gated(const at::Tensor& value, const at::Tensor& gate, int64_t first) {
  return {row(value, first), row(gate, first), value.stride(1), gate.stride(1)};
}

kernels::GatedGradient gradient(const at::Tensor& value, const at::Tensor& gate, int64_t first) {
  return {row(value, first), row(gate, first), value.stride(1), gate.stride(1)};
}

class FusedGate : public torch::autograd::Function<FusedGate> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& both) {
    const int64_t n = both.size(2) / 2;
    const at::Tensor out = at::empty({both.size(0), both.size(1), n}, both.options());
    const at::Tensor value = both.narrow(2, 0, n), gate = both.narrow(2, n, n);
    for_chunks(rows_of(both), [&](int64_t, int64_t first, int64_t rows) {
      kernels::gate_rows(rows, n, gated(value, gate, first), row(out, first));
    });
    ctx->save_for_backward({both});
    return out;
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const at::Tensor both = ctx->get_saved_variables()[0], d_out = grads[0].contiguous(),
                     d_both = at::empty_like(both);
    const int64_t n = both.size(2) / 2;
    const at::Tensor value = both.narrow(2, 0, n), gate = both.narrow(2, n, n),
                     d_value = d_both.narrow(2, 0, n), d_gate = d_both.narrow(2, n, n);
    for_chunks(rows_of(both), [&](int64_t, int64_t first, int64_t rows) {
      kernels::gate_rows_backward(rows, n, gated(value, gate, first), row(d_out, first),
                                  gradient(d_value, d_gate, first));
    });
    return {d_both};
  }
};

class FusedGatedRms : public torch::autograd::Function<FusedGatedRms> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& value, const at::Tensor& gate,
                            const at::Tensor& weight) {
    const int64_t n = value.size(2);
    const at::Tensor out = at::empty(value.sizes(), value.options()),
                     inverse = at::empty({rows_of(value)}, value.options());
    for_chunks(rows_of(value), [&](int64_t, int64_t first, int64_t rows) {
      kernels::gated_rms_norm(rows, n, gated(value, gate, first), weight.data_ptr<float>(),
                              float(kNormEps), row(out, first), inverse.data_ptr<float>() + first);
    });
    ctx->save_for_backward({value, gate, weight, inverse});
    return out;
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const variable_list s = ctx->get_saved_variables();
    const at::Tensor &value = s[0], &gate = s[1], &weight = s[2], &inverse = s[3];
    const int64_t n = value.size(2);
    const at::Tensor d_out = grads[0].contiguous(),
                     d_value = at::empty(value.sizes(), value.options()),
                     d_gate = at::empty(value.sizes(), value.options()),
                     weights = at::zeros({kChunks, n}, value.options());
    for_chunks(rows_of(value), [&](int64_t chunk, int64_t first, int64_t rows) {
      kernels::gated_rms_norm_backward(rows, n, gated(value, gate, first), weight.data_ptr<float>(),
                                       inverse.data_ptr<float>() + first, row(d_out, first),
                                       gradient(d_value, d_gate, first),
                                       weights.data_ptr<float>() + chunk * n);
    });
    return {d_value, d_gate, add_up(weights)};
  }
};

class FusedNormOfSum : public torch::autograd::Function<FusedNormOfSum> {
 public:
  // {norm, sum}, or {norm} where there is no branch.
  static variable_list forward(AutogradContext* ctx, const at::Tensor& x,
                               const std::optional<at::Tensor>& branch, const at::Tensor& weight,
                               const at::Tensor& bias) {
    const int64_t width = x.size(2);
    const bool has_branch = branch.has_value();
    const at::Tensor out = at::empty(x.sizes(), x.options()),
                     moments = at::empty({rows_of(x), 2}, x.options()),
                     sum = has_branch ? at::empty(x.sizes(), x.options()) : x;
    const kernels::NormWeights norm{weight.data_ptr<float>(), bias.data_ptr<float>(),
                                    float(kNormEps)};
    for_chunks(rows_of(x), [&](int64_t, int64_t first, int64_t rows) {
      kernels::norm_of_sum(rows, width, row(x, first), has_branch ? row(*branch, first) : nullptr,
                           norm, row(sum, first), row(out, first),
                           moments.data_ptr<float>() + 2 * first);
    });
    ctx->save_for_backward({sum, moments, weight});
    ctx->set_materialize_grads(false);
    ctx->saved_data["has_branch"] = has_branch;
    return has_branch ? variable_list{out, sum} : variable_list{out};
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const variable_list s = ctx->get_saved_variables();
    const at::Tensor &sum = s[0], &moments = s[1], &weight = s[2];
    const bool has_branch = ctx->saved_data["has_branch"].toBool();
    const auto contiguous = [](const at::Tensor& t) { return t.defined() ? t.contiguous() : t; };
    at::Tensor d_out = contiguous(grads[0]);
    const at::Tensor d_sum = has_branch ? contiguous(grads[1]) : at::Tensor();
    if (!d_out.defined()) d_out = at::zeros(sum.sizes(), sum.options());
    const int64_t width = sum.size(2);
    const at::Tensor d_x = at::empty(sum.sizes(), sum.options()),
                     weights = at::zeros({kChunks, width}, sum.options()),
                     biases = at::zeros({kChunks, width}, sum.options());
    for_chunks(rows_of(sum), [&](int64_t chunk, int64_t first, int64_t rows) {
      kernels::norm_of_sum_backward(
          rows, width, row(sum, first), moments.data_ptr<float>() + 2 * first,
          weight.data_ptr<float>(), row(d_out, first),
          d_sum.defined() ? row(d_sum, first) : nullptr, row(d_x, first),
          weights.data_ptr<float>() + chunk * width, biases.data_ptr<float>() + chunk * width);
    });
    return {d_x, has_branch ? d_x : at::Tensor(), add_up(weights), add_up(biases)};
  }
};

}  // namespace

bool fits_fused_mamba(const at::Tensor& x) {
  return x.is_cpu() && x.scalar_type() == at::kFloat && x.dim() == 3;
}

at::Tensor fused_gate(const at::Tensor& both) { return FusedGate::apply(both.contiguous()); }

at::Tensor fused_gated_rms(const at::Tensor& value, const at::Tensor& gate,
                           const at::Tensor& weight) {
  return FusedGatedRms::apply(with_even_rows(value), with_even_rows(gate), weight);
}

std::pair<at::Tensor, at::Tensor> fused_norm_of_sum(const at::Tensor& x, const at::Tensor& branch,
                                                    const NormParameters& norm) {
  const at::Tensor first = x.contiguous();
  std::optional<at::Tensor> second;
  if (branch.defined()) second = branch.contiguous();
  const variable_list out = FusedNormOfSum::apply(first, second, norm.weight, norm.bias);
  return {second ? out[1] : first, out[0]};
}

}  // namespace tenfold::prequential_icl
