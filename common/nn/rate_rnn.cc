#include "common/nn/rate_rnn.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/bmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include <algorithm>
#include <vector>

#include "common/kernels/rate_rnn_cuda.h"
#include "common/kernels/tensor_rows.h"

namespace tenfold::nn {
namespace {

using kernels::RateRnnInput;
using kernels::RateRnnShape;
using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

struct Sizes {
  int64_t models, steps, batch, units;
  bool constant;  // x is the same at every step

  int64_t all() const { return steps * batch * units; }
};

const float* at_model(const at::Tensor& t, int64_t model, int64_t size) {
  return t.numel() > 0 ? t.data_ptr<float>() + model * size : nullptr;
}

RateRnnShape shape_of(const RateForm& f, const Sizes& s) {
  return {s.steps,       s.batch,        s.units,        float(f.keep),
          float(f.rate), float(f.inner), float(f.drive), f.activation};
}

RateRnnInput input_of(const Sizes& s, const at::Tensor& weight, const at::Tensor& x,
                      const at::Tensor& bias, const at::Tensor& start, int64_t model) {
  const int64_t row = s.batch * s.units;
  return {at_model(weight, model, s.units * s.units), at_model(bias, model, s.units),
          at_model(start, model, row), at_model(x, model, s.constant ? row : s.all()),
          s.constant ? 0 : row};
}

// All networks on their device.
kernels::RateRnnNetworks<float> networks_of(const RateForm& f, const Sizes& s,
                                            const at::Tensor& weight, const at::Tensor& x,
                                            const at::Tensor& bias, const at::Tensor& start) {
  return {s.models,
          s.steps,
          s.batch,
          s.units,
          float(f.keep),
          float(f.rate),
          float(f.inner),
          float(f.drive),
          f.activation,
          at_model(weight, 0, 0),
          at_model(bias, 0, 0),
          at_model(start, 0, 0),
          at_model(x, 0, 0),
          s.constant};
}

// An autograd function takes no undefined tensors: what is not there has no entries.
at::Tensor given(const at::Tensor& t, const at::Tensor& like) {
  return t.defined() ? t.contiguous() : at::empty({0}, like.options());
}

struct FormHolder : torch::CustomClassHolder {
  RateForm form;
  Sizes sizes;
};

class RateRnn : public torch::autograd::Function<RateRnn> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& weight, const at::Tensor& x,
                            const at::Tensor& bias, const at::Tensor& start,
                            const c10::intrusive_ptr<FormHolder>& held) {
    const Sizes& s = held->sizes;
    const at::Tensor states = at::empty({s.models, s.steps, s.batch, s.units}, weight.options()),
                     slopes = at::empty_like(states);
    if (weight.is_cuda()) {
      kernels::rate_rnn_cuda(networks_of(held->form, s, weight, x, bias, start),
                             states.data_ptr<float>(), slopes.data_ptr<float>(),
                             kernels::OnCuda(weight.device()).stream());
    }
    at::parallel_for(0, weight.is_cuda() ? 0 : s.models, 1, [&](int64_t first, int64_t end) {
      for (int64_t m = first; m < end; ++m) {
        kernels::rate_rnn(shape_of(held->form, s), input_of(s, weight, x, bias, start, m),
                          states.data_ptr<float>() + m * s.all(),
                          slopes.data_ptr<float>() + m * s.all());
      }
    });
    ctx->save_for_backward({weight, x, bias, start, states, slopes});
    ctx->saved_data["held"] = c10::IValue::make_capsule(held);
    return states;
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const variable_list saved = ctx->get_saved_variables();
    const at::Tensor &weight = saved[0], &x = saved[1], &bias = saved[2], &start = saved[3],
                     &states = saved[4], &slopes = saved[5];
    const auto held =
        c10::static_intrusive_pointer_cast<FormHolder>(ctx->saved_data["held"].toCapsule());
    const Sizes& s = held->sizes;
    const auto like_where = [&](size_t input, const at::Tensor& of) {
      return ctx->needs_input_grad(input) ? at::empty_like(of) : at::Tensor();
    };
    const at::Tensor d_weight = like_where(0, weight), d_bias = like_where(2, bias),
                     d_start = like_where(3, start);
    // What comes in may be shared with other operators.
    const at::Tensor d_u = gradients[0].clone(at::MemoryFormat::Contiguous);
    const auto to = [&](const at::Tensor& t, int64_t model, int64_t size) {
      return t.defined() ? t.data_ptr<float>() + model * size : nullptr;
    };
    if (weight.is_cuda()) {
      const kernels::OnCuda on(weight.device());
      const auto networks = networks_of(held->form, s, weight, x, bias, start);
      kernels::rate_rnn_backward_cuda(networks, slopes.data_ptr<float>(), d_u.data_ptr<float>(),
                                      to(d_start, 0, 0), on.stream());
      if (d_weight.defined() || d_bias.defined()) {
        kernels::rate_rnn_gradient_cuda(networks, states.data_ptr<float>(), d_u.data_ptr<float>(),
                                        to(d_weight, 0, 0), to(d_bias, 0, 0), on.stream());
      }
    }
    at::parallel_for(0, weight.is_cuda() ? 0 : s.models, 1, [&](int64_t first, int64_t end) {
      for (int64_t m = first; m < end; ++m) {
        const RateRnnShape shape = shape_of(held->form, s);
        const RateRnnInput input = input_of(s, weight, x, bias, start, m);
        float* own = to(d_u, m, s.all());
        kernels::rate_rnn_backward(shape, input, to(slopes, m, s.all()), own,
                                   to(d_start, m, s.batch * s.units));
        if (d_weight.defined()) {
          kernels::rate_rnn_weight_gradient(shape, input, to(states, m, s.all()), own,
                                            to(d_weight, m, s.units * s.units));
        }
        if (d_bias.defined()) kernels::rate_rnn_bias_gradient(shape, own, to(d_bias, m, s.units));
      }
    });
    at::Tensor d_x;
    if (ctx->needs_input_grad(1)) {
      d_x = d_u * held->form.drive;
      if (s.constant) d_x = d_x.sum(1, true);
    }
    return {d_weight, d_x, d_bias, d_start, at::Tensor()};
  }
};

}  // namespace

at::Tensor rate_rnn(const RateForm& form, const at::Tensor& weight, const at::Tensor& x,
                    const at::Tensor& bias, const at::Tensor& start, int64_t steps, int64_t batch) {
  const auto held = c10::make_intrusive<FormHolder>();
  held->form = form;
  held->sizes = {weight.size(0), steps, batch, weight.size(1),
                 x.defined() && x.size(1) == 1 && steps > 1};
  return RateRnn::apply(weight.contiguous(), given(x, weight), given(bias, weight),
                        given(start, weight), held);
}

at::Tensor rate_tangent_kernel(const RateForm& form, const at::Tensor& weight,
                               const at::Tensor& readout, const at::Tensor& states,
                               const at::Tensor& slopes, bool last_only) {
  const at::NoGradGuard guard;
  const int64_t steps = states.size(0), batch = states.size(1), units = states.size(2),
                outputs = readout.size(0), from = last_only ? steps - 1 : 0, ends = steps - from,
                rows = ends * outputs;
  // d y_{t,k} / d W = drive * sum over s <= t of delta[b, t, k, s] (x) r_{s-1}, for every sample b.
  const at::Tensor delta = at::zeros({batch, ends, outputs, steps, units}, states.options());
  const at::Tensor slope = slopes.transpose(0, 1) * form.rate;  // [batch, steps, units]
  at::Tensor error = readout.expand({batch, ends, outputs, units});
  for (int64_t lag = 0; lag < steps; ++lag) {
    // Outputs of step `lag` or later, each looked at `lag` steps earlier.
    const int64_t first = std::max<int64_t>(0, lag - from), some = ends - first;
    const int64_t step = from + first - lag;
    error = error.narrow(1, error.size(1) - some, some);
    const at::Tensor d_u = error * slope.narrow(1, step, some).unsqueeze(2);
    for (int64_t t = 0; t < some; ++t)
      delta.select(1, first + t).select(2, step + t).copy_(d_u.select(1, t));
    error = form.keep * error + form.inner * d_u + form.drive * at::matmul(d_u, weight);
  }
  const at::Tensor before = at::zeros({batch, steps, units}, states.options());
  before.narrow(1, 1, steps - 1).copy_(states.narrow(0, 0, steps - 1).transpose(0, 1));
  const at::Tensor kernel =
      at::empty({ends, batch, outputs, ends, batch, outputs}, states.options());
  const at::Tensor flat = delta.view({batch, rows * steps, units});
  at::parallel_for(0, batch, 1, [&](int64_t begin, int64_t end) {
    const at::NoGradGuard within;
    for (int64_t b = begin; b < end; ++b) {
      // <delta_b r_b, delta_c r_c> = sum over s, s' of (delta . delta) (r . r), one side first.
      const at::Tensor gram = at::matmul(before[b], before.transpose(1, 2));  // [c, s, s']
      const at::Tensor other =
          at::matmul(gram.unsqueeze(1), delta.view({batch, rows, steps, units}));
      const at::Tensor block = at::matmul(flat[b].view({rows, steps * units}),
                                          other.view({batch * rows, steps * units}).t());
      kernel.select(1, b).copy_(
          block.view({ends, outputs, batch, ends, outputs}).permute({0, 1, 3, 2, 4}));
    }
  });
  const int64_t n = rows * batch;
  return kernel.view({n, n}).mul_(form.drive * form.drive);
}

}  // namespace tenfold::nn
