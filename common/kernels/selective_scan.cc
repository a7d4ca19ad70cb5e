#include "common/kernels/selective_scan.h"

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/custom_function.h>

#include "common/kernels/selective_scan_launch.h"
#include "common/kernels/tensor_rows.h"

namespace tenfold::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Inputs {
  at::Tensor x, dt, a, b, c, d, z, dt_bias;

  variable_list list() const { return {x, dt, a, b, c, d, z, dt_bias}; }
};

Inputs inputs_of(const variable_list& v) {
  return {v[0], v[1], v[2], v[3], v[4], v[5], v[6], v[7]};
}

template <class T>
SelectiveScanView<T> view_of(const Inputs& in) {
  return {in.x.size(0),     in.x.size(1),       in.x.size(2),       in.a.size(1),
          rows_of<T>(in.x), rows_of<T>(in.dt),  rows_of<T>(in.z),   rows_of<T>(in.b),
          rows_of<T>(in.c), in.a.data_ptr<T>(), in.d.data_ptr<T>(), in.dt_bias.data_ptr<T>()};
}

// The output, and the scratch that the backward pass reads (rates: on the CPU).
struct Forward {
  at::Tensor out, rates, starts;
};

Forward run_forward(const Inputs& in, bool keep) {
  Forward f;
  f.out = at::empty(in.x.sizes(), in.x.options());
  AT_DISPATCH_FLOATING_TYPES(in.x.scalar_type(), "selective_scan", [&] {
    const auto v = view_of<scalar_t>(in);
    const SelectiveScanPlan plan = plan_of(v);
    f.starts = at::empty({keep ? plan.starts() : 0}, in.x.options());
    scalar_t* starts = keep ? f.starts.data_ptr<scalar_t>() : nullptr;
    scalar_t* out = f.out.data_ptr<scalar_t>();
    if (in.x.is_cuda()) {
      selective_scan_cuda(v, starts, out, OnCuda(in.x.device()).stream());
      return;
    }
    f.rates = at::empty({plan.rates()}, in.x.options());
    const SelectiveScanScratch<scalar_t> scratch{f.rates.data_ptr<scalar_t>(), starts, nullptr,
                                                 nullptr};
    selective_scan_prepare(v, scratch.rates);
    at::parallel_for(0, plan.tasks(), 1, [&](int64_t first, int64_t end) {
      selective_scan_cpu(v, scratch, first, end, out);
    });
  });
  return f;
}

template <class T>
void run_backward_cpu(const SelectiveScanView<T>& v, T* rates, T* starts,
                      const at::TensorOptions& options, const StridedRows<T>& grad,
                      const SelectiveScanGradient<T>& to) {
  const SelectiveScanPlan plan = plan_of(v);
  const at::Tensor sequence_sums = at::empty({plan.sequence_sums()}, options);
  const at::Tensor block_sums = at::empty({plan.block_sums()}, options);
  const SelectiveScanScratch<T> scratch{rates, starts, sequence_sums.data_ptr<T>(),
                                        block_sums.data_ptr<T>()};
  at::parallel_for(0, plan.tasks(), 1, [&](int64_t first, int64_t end) {
    selective_scan_backward_cpu(v, scratch, first, end, grad, to);
  });
  at::parallel_for(0, plan.sequence_rows(), 1, [&](int64_t first, int64_t end) {
    selective_scan_sum_sequences(v, scratch.sequence_sums, first, end, to);
  });
  if (plan.blocks() == 1) return;
  at::parallel_for(0, v.batch * v.time, 256, [&](int64_t first, int64_t end) {
    selective_scan_sum_blocks(v, scratch.block_sums, first, end, to);
  });
}

variable_list run_backward(const Inputs& in, const at::Tensor& rates, const at::Tensor& starts,
                           const at::Tensor& grad) {
  variable_list grads;
  for (const at::Tensor& t : in.list()) grads.push_back(at::empty(t.sizes(), t.options()));
  const Inputs g = inputs_of(grads);
  AT_DISPATCH_FLOATING_TYPES(in.x.scalar_type(), "selective_scan_backward", [&] {
    const auto v = view_of<scalar_t>(in);
    const auto pointer = [](const at::Tensor& t) { return t.data_ptr<scalar_t>(); };
    const SelectiveScanGradient<scalar_t> to{pointer(g.x), pointer(g.dt),     pointer(g.z),
                                             pointer(g.b), pointer(g.c),      pointer(g.a),
                                             pointer(g.d), pointer(g.dt_bias)};
    if (in.x.is_cuda()) {
      const at::Tensor scratch = at::empty({selective_scan_device_scratch(v)}, in.x.options());
      selective_scan_backward_cuda<scalar_t>(v, pointer(starts), pointer(scratch),
                                             rows_of<scalar_t>(grad), to,
                                             OnCuda(in.x.device()).stream());
    } else {
      run_backward_cpu(v, pointer(rates), pointer(starts), in.x.options(), rows_of<scalar_t>(grad),
                       to);
    }
  });
  return grads;
}

class SelectiveScan : public torch::autograd::Function<SelectiveScan> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& dt,
                            const at::Tensor& a, const at::Tensor& b, const at::Tensor& c,
                            const at::Tensor& d, const at::Tensor& z, const at::Tensor& dt_bias) {
    const Inputs in{x, dt, a, b, c, d, z, dt_bias};
    const Forward f = run_forward(in, true);
    variable_list saved = in.list();
    saved.insert(saved.end(), {f.rates, f.starts});
    ctx->save_for_backward(saved);
    return f.out;
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const variable_list saved = ctx->get_saved_variables();
    return run_backward(inputs_of(saved), saved[8], saved[9], with_contiguous_rows(grads[0]));
  }
};

void check(const Inputs& in) {
  if (in.x.dim() != 3 || in.a.dim() != 2) {
    throw DataError("selective_scan: expected x [batch, time, channel] and A [channel, state]");
  }
  const int64_t channels = in.x.size(2), states = in.a.size(1);
  const std::vector<int64_t> tokens = in.x.sizes().vec(),
                             rows = {in.x.size(0), in.x.size(1), states};
  check_tensors("selective_scan", {{"x", in.x, tokens},
                                   {"dt", in.dt, tokens},
                                   {"A", in.a, {channels, states}},
                                   {"B", in.b, rows},
                                   {"C", in.c, rows},
                                   {"D", in.d, {channels}},
                                   {"z", in.z, tokens},
                                   {"dt_bias", in.dt_bias, {channels}}});
  if (in.x.numel() == 0 || states == 0) {
    throw DataError("selective_scan: expected at least one token, channel and state");
  }
}

}  // namespace

at::Tensor selective_scan(const at::Tensor& x, const at::Tensor& dt, const at::Tensor& A,
                          const at::Tensor& B, const at::Tensor& C, const at::Tensor& D,
                          const at::Tensor& z, const at::Tensor& dt_bias) {
  check({x, dt, A, B, C, D, z, dt_bias});
  const Inputs in{with_contiguous_rows(x), with_contiguous_rows(dt), A.contiguous(),
                  with_contiguous_rows(B), with_contiguous_rows(C),  D.contiguous(),
                  with_contiguous_rows(z), dt_bias.contiguous()};
  if (!needs_gradient({x, dt, A, B, C, D, z, dt_bias})) return run_forward(in, false).out;
  return SelectiveScan::apply(in.x, in.dt, in.a, in.b, in.c, in.d, in.z, in.dt_bias);
}

}  // namespace tenfold::kernels
