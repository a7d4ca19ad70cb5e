#include "common/kernels/causal_conv_silu.h"

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/custom_function.h>

#include "common/kernels/causal_conv_silu_launch.h"
#include "common/kernels/tensor_rows.h"

namespace tenfold::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

template <class T>
CausalConvView<T> view_of(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  return {x.size(0),         x.size(1),     x.size(2),
          weight.size(1),    rows_of<T>(x), weight.data_ptr<T>(),
          bias.data_ptr<T>()};
}

at::Tensor run_forward(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  const at::Tensor result = at::empty(x.sizes(), x.options());
  AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "causal_conv_silu", [&] {
    const auto v = view_of<scalar_t>(x, weight, bias);
    const CausalConvPlan plan = plan_of(v);
    scalar_t* out = result.data_ptr<scalar_t>();
    if (x.is_cuda()) {
      causal_conv_cuda(v, out, OnCuda(x.device()).stream());
      return;
    }
    const at::Tensor prepared = at::empty({plan.taps()}, x.options());
    scalar_t* taps = prepared.data_ptr<scalar_t>();
    causal_conv_prepare(v, taps);
    at::parallel_for(0, plan.tasks(), 1, [&](int64_t first, int64_t end) {
      causal_conv_cpu(v, taps, first, end, out);
    });
  });
  return result;
}

template <class T>
void run_backward_cpu(const CausalConvView<T>& v, const at::TensorOptions& options,
                      const StridedRows<T>& grad, const CausalConvGradient<T>& to) {
  const CausalConvPlan plan = plan_of(v);
  const at::Tensor prepared = at::empty({plan.taps()}, options);
  const at::Tensor sequence_sums = at::empty({plan.sequence_sums()}, options);
  T *taps = prepared.data_ptr<T>(), *sums = sequence_sums.data_ptr<T>();
  causal_conv_prepare(v, taps);
  at::parallel_for(0, plan.tasks(), 1, [&](int64_t first, int64_t end) {
    causal_conv_backward_cpu(v, taps, first, end, grad, to, sums);
  });
  at::parallel_for(0, plan.sequence_rows(), 1, [&](int64_t first, int64_t end) {
    causal_conv_sum_sequences(v, sums, first, end, to);
  });
}

class CausalConvSilu : public torch::autograd::Function<CausalConvSilu> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& weight,
                            const at::Tensor& bias) {
    ctx->save_for_backward({x, weight, bias});
    return run_forward(x, weight, bias);
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const variable_list saved = ctx->get_saved_variables();
    const at::Tensor &x = saved[0], grad = with_contiguous_rows(grads[0]);
    variable_list result;
    for (const at::Tensor& t : saved) result.push_back(at::empty(t.sizes(), t.options()));
    AT_DISPATCH_FLOATING_TYPES(x.scalar_type(), "causal_conv_silu_backward", [&] {
      const auto v = view_of<scalar_t>(x, saved[1], saved[2]);
      const CausalConvGradient<scalar_t> to{result[0].data_ptr<scalar_t>(),
                                            result[1].data_ptr<scalar_t>(),
                                            result[2].data_ptr<scalar_t>()};
      if (x.is_cuda()) {
        const at::Tensor scratch = at::empty({causal_conv_device_scratch(v)}, x.options());
        causal_conv_backward_cuda(v, rows_of<scalar_t>(grad), to, scratch.data_ptr<scalar_t>(),
                                  OnCuda(x.device()).stream());
      } else {
        run_backward_cpu(v, x.options(), rows_of<scalar_t>(grad), to);
      }
    });
    return result;
  }
};

void check(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  if (x.dim() != 3 || weight.dim() != 2) {
    throw DataError(
        "causal_conv_silu: expected x [batch, time, channel] and weight [channel, width]");
  }
  const int64_t channels = x.size(2), width = weight.size(1);
  if (width < 1 || width > kConvMaxWidth) {
    throw DataError(
        fmt::format("causal_conv_silu: found width {}, expected 1..{}", width, kConvMaxWidth));
  }
  check_tensors("causal_conv_silu", {{"x", x, x.sizes().vec()},
                                     {"weight", weight, {channels, width}},
                                     {"bias", bias, {channels}}});
  if (x.numel() == 0) {
    throw DataError("causal_conv_silu: expected at least one token and channel");
  }
}

}  // namespace

at::Tensor causal_conv_silu(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias) {
  check(x, weight, bias);
  const at::Tensor rows = with_contiguous_rows(x), w = weight.contiguous(), b = bias.contiguous();
  if (!needs_gradient({x, weight, bias})) return run_forward(rows, w, b);
  return CausalConvSilu::apply(rows, w, b);
}

}  // namespace tenfold::kernels
