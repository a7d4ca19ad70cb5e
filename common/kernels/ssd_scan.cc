#include "common/kernels/ssd_scan.h"

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <torch/csrc/autograd/custom_function.h>

#include "common/kernels/ssd_scan_launch.h"
#include "common/kernels/tensor_rows.h"

namespace tenfold::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Inputs {
  at::Tensor x, dt, a, b, c, d, dt_bias;

  variable_list list() const { return {x, dt, a, b, c, d, dt_bias}; }
};

Inputs inputs_of(const variable_list& v) { return {v[0], v[1], v[2], v[3], v[4], v[5], v[6]}; }

template <class T>
SsdScanView<T> view_of(const Inputs& in) {
  const int64_t heads = in.a.size(0);
  return {in.x.size(0),         in.x.size(1),       heads,
          in.x.size(2) / heads, in.b.size(2),       rows_of<T>(in.x),
          rows_of<T>(in.dt),    rows_of<T>(in.b),   rows_of<T>(in.c),
          in.a.data_ptr<T>(),   in.d.data_ptr<T>(), in.dt_bias.data_ptr<T>()};
}

// The output, and the states that the backward pass reads.
struct Forward {
  at::Tensor out, starts;
};

Forward run_forward(const Inputs& in, bool keep) {
  Forward f;
  f.out = at::empty(in.x.sizes(), in.x.options());
  AT_DISPATCH_FLOATING_TYPES(in.x.scalar_type(), "ssd_scan", [&] {
    const auto v = view_of<scalar_t>(in);
    const SsdScanPlan plan = plan_of(v);
    f.starts = at::empty({keep ? plan.starts() : 0}, in.x.options());
    scalar_t* starts = keep ? f.starts.data_ptr<scalar_t>() : nullptr;
    scalar_t* out = f.out.data_ptr<scalar_t>();
    if (in.x.is_cuda()) {
      ssd_scan_cuda(v, starts, out, OnCuda(in.x.device()).stream());
      return;
    }
    const SsdScanScratch<scalar_t> scratch{starts, nullptr, nullptr};
    at::parallel_for(0, plan.tasks(), 1, [&](int64_t first, int64_t end) {
      ssd_scan_cpu(v, scratch, first, end, out);
    });
  });
  return f;
}

template <class T>
void run_backward_cpu(const SsdScanView<T>& v, T* starts, const at::TensorOptions& options,
                      const StridedRows<T>& grad, const SsdScanGradient<T>& to) {
  const SsdScanPlan plan = plan_of(v);
  const at::Tensor sequence_sums = at::empty({plan.sequence_sums()}, options);
  const at::Tensor block_sums = at::empty({plan.block_sums()}, options);
  const SsdScanScratch<T> scratch{starts, sequence_sums.data_ptr<T>(), block_sums.data_ptr<T>()};
  at::parallel_for(0, plan.tasks(), 1, [&](int64_t first, int64_t end) {
    ssd_scan_backward_cpu(v, scratch, first, end, grad, to);
  });
  ssd_scan_sum_sequences(v, scratch.sequence_sums, to);
  if (plan.blocks() == 1) return;
  at::parallel_for(0, v.batch * v.time, 256, [&](int64_t first, int64_t end) {
    ssd_scan_sum_blocks(v, scratch.block_sums, first, end, to);
  });
}

variable_list run_backward(const Inputs& in, const at::Tensor& starts, const at::Tensor& grad) {
  variable_list grads;
  for (const at::Tensor& t : in.list()) grads.push_back(at::empty(t.sizes(), t.options()));
  const Inputs g = inputs_of(grads);
  AT_DISPATCH_FLOATING_TYPES(in.x.scalar_type(), "ssd_scan_backward", [&] {
    const auto v = view_of<scalar_t>(in);
    const auto pointer = [](const at::Tensor& t) { return t.data_ptr<scalar_t>(); };
    const SsdScanGradient<scalar_t> to{pointer(g.x), pointer(g.dt), pointer(g.b),      pointer(g.c),
                                       pointer(g.a), pointer(g.d),  pointer(g.dt_bias)};
    if (in.x.is_cuda()) {
      const at::Tensor scratch = at::empty({ssd_scan_device_scratch(v)}, in.x.options());
      ssd_scan_backward_cuda<scalar_t>(v, pointer(starts), pointer(scratch),
                                       rows_of<scalar_t>(grad), to, OnCuda(in.x.device()).stream());
    } else {
      run_backward_cpu(v, pointer(starts), in.x.options(), rows_of<scalar_t>(grad), to);
    }
  });
  return grads;
}

class SsdScan : public torch::autograd::Function<SsdScan> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& x, const at::Tensor& dt,
                            const at::Tensor& a, const at::Tensor& b, const at::Tensor& c,
                            const at::Tensor& d, const at::Tensor& dt_bias) {
    const Inputs in{x, dt, a, b, c, d, dt_bias};
    const Forward f = run_forward(in, true);
    variable_list saved = in.list();
    saved.push_back(f.starts);
    ctx->save_for_backward(saved);
    return f.out;
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const variable_list saved = ctx->get_saved_variables();
    return run_backward(inputs_of(saved), saved[7], with_contiguous_rows(grads[0]));
  }
};

void check(const Inputs& in) {
  if (in.x.dim() != 3 || in.a.dim() != 1 || in.b.dim() != 3) {
    throw DataError(
        "ssd_scan: expected x [batch, time, heads * head_dim], A [heads] and B [batch, time, "
        "state]");
  }
  const int64_t heads = in.a.size(0), states = in.b.size(2);
  if (in.x.numel() == 0 || heads == 0 || states == 0) {
    throw DataError("ssd_scan: expected at least one token, head and state");
  }
  if (in.x.size(2) % heads != 0) {
    throw DataError(fmt::format("ssd_scan: x has {} columns, expected a multiple of {} heads",
                                in.x.size(2), heads));
  }
  const std::vector<int64_t> rows = {in.x.size(0), in.x.size(1), states};
  check_tensors("ssd_scan", {{"x", in.x, in.x.sizes().vec()},
                             {"dt", in.dt, {in.x.size(0), in.x.size(1), heads}},
                             {"A", in.a, {heads}},
                             {"B", in.b, rows},
                             {"C", in.c, rows},
                             {"D", in.d, {heads}},
                             {"dt_bias", in.dt_bias, {heads}}});
}

}  // namespace

at::Tensor ssd_scan(const at::Tensor& x, const at::Tensor& dt, const at::Tensor& A,
                    const at::Tensor& B, const at::Tensor& C, const at::Tensor& D,
                    const at::Tensor& dt_bias) {
  check({x, dt, A, B, C, D, dt_bias});
  const Inputs in{with_contiguous_rows(x), with_contiguous_rows(dt), A.contiguous(),
                  with_contiguous_rows(B), with_contiguous_rows(C),  D.contiguous(),
                  dt_bias.contiguous()};
  if (!needs_gradient({x, dt, A, B, C, D, dt_bias})) return run_forward(in, false).out;
  return SsdScan::apply(in.x, in.dt, in.a, in.b, in.c, in.d, in.dt_bias);
}

}  // namespace tenfold::kernels
