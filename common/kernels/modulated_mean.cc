#include "common/kernels/modulated_mean.h"

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <c10/core/DeviceGuard.h>
#include <c10/core/impl/VirtualGuardImpl.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/custom_function.h>

#include "common/core/error.h"
#include "common/kernels/modulated_mean_launch.h"

namespace tenfold::kernels {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::Variable;
using torch::autograd::variable_list;

constexpr int64_t kGrain = 16;  // nodes a task

// Stable counting sort: edge ids by key, and where every node's run begins.
void sort_by(const at::Tensor& key, int64_t nodes, at::Tensor& order, at::Tensor& offsets) {
  const auto like = at::TensorOptions().dtype(at::kLong);
  const int64_t edges = key.size(0);
  order = at::empty({edges}, like);
  offsets = at::empty({nodes + 1}, like).zero_();
  const int64_t* k = key.data_ptr<int64_t>();
  int64_t* o = offsets.data_ptr<int64_t>();
  for (int64_t e = 0; e < edges; ++e) ++o[k[e] + 1];
  for (int64_t i = 0; i < nodes; ++i) o[i + 1] += o[i];
  std::vector<int64_t> next(o, o + nodes);
  for (int64_t e = 0; e < edges; ++e) order.data_ptr<int64_t>()[next[size_t(k[e])]++] = e;
}

void check(const at::Tensor& target, const at::Tensor& source, const at::Tensor& modulator,
           const EdgeIndex& edges) {
  const int64_t h = target.dim() == 2 ? target.size(1) : 0;
  const bool fits = target.dim() == 2 && source.sizes() == target.sizes() &&
                    target.size(0) == edges.num_nodes && modulator.dim() == 2 &&
                    modulator.size(0) == edges.num_edges && modulator.size(1) == 2 * h;
  if (!fits) {
    throw DataError(fmt::format("modulated_mean: expected terms [{}, H] and a modulator [{}, 2H]",
                                edges.num_nodes, edges.num_edges));
  }
  const auto type = target.scalar_type();
  const bool alike = (type == at::kFloat || type == at::kDouble) && source.scalar_type() == type &&
                     modulator.scalar_type() == type && source.device() == target.device() &&
                     modulator.device() == target.device() &&
                     edges.by_target.device() == target.device();
  if (!alike) {
    throw DataError("modulated_mean: expected float32 or float64 tensors of one type and device");
  }
}

// Runs the caller's launches on the tensor's device; the stream is torch's current one there.
class OnCuda {
 public:
  explicit OnCuda(at::Device device) : guard_(device), stream_(stream_of(device)) {}
  void* stream() const { return stream_; }

 private:
  static void* stream_of(at::Device device) {
    return c10::impl::VirtualGuardImpl(device.type()).getStream(device).native_handle();
  }

  c10::DeviceGuard guard_;
  void* stream_;
};

template <class T>
EdgeView<T> view_of(const at::Tensor& target, const at::Tensor& source, const at::Tensor& modulator,
                    const EdgeIndex& e) {
  return {e.num_nodes,
          e.num_edges,
          target.size(1),
          target.data_ptr<T>(),
          source.data_ptr<T>(),
          modulator.data_ptr<T>(),
          e.source.data_ptr<int64_t>(),
          e.target.data_ptr<int64_t>(),
          e.by_target.data_ptr<int64_t>(),
          e.target_offsets.data_ptr<int64_t>(),
          e.by_source.data_ptr<int64_t>(),
          e.source_offsets.data_ptr<int64_t>()};
}

template <class T>
void run_forward(const EdgeView<T>& v, at::Device device, T* out) {
  if (device.is_cuda()) {
    modulated_mean_cuda(v, out, OnCuda(device).stream());
    return;
  }
  at::parallel_for(0, v.nodes, kGrain,
                   [&](int64_t first, int64_t end) { modulated_mean_cpu(v, first, end, out); });
}

template <class T>
void run_backward(const EdgeView<T>& v, at::Device device, const T* grad,
                  const ModulatedMeanGradient<T>& to) {
  if (device.is_cuda()) {
    modulated_mean_backward_cuda(v, grad, to, OnCuda(device).stream());
    return;
  }
  at::parallel_for(0, v.nodes, kGrain, [&](int64_t first, int64_t end) {
    modulated_mean_backward_cpu(v, first, end, grad, to);
  });
}

class ModulatedMean : public torch::autograd::Function<ModulatedMean> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& target,
                            const at::Tensor& source, const at::Tensor& modulator,
                            const EdgeIndex& edges) {
    ctx->save_for_backward({target, source, modulator});
    ctx->saved_data["edges"] =
        std::vector<at::Tensor>{edges.source,         edges.target,    edges.by_target,
                                edges.target_offsets, edges.by_source, edges.source_offsets};
    at::Tensor out = at::empty_like(target);
    AT_DISPATCH_FLOATING_TYPES(target.scalar_type(), "modulated_mean", [&] {
      const auto v = view_of<scalar_t>(target, source, modulator, edges);
      run_forward(v, target.device(), out.data_ptr<scalar_t>());
    });
    return out;
  }

  static variable_list backward(AutogradContext* ctx, variable_list grads) {
    const variable_list saved = ctx->get_saved_variables();
    const std::vector<at::Tensor> parts = ctx->saved_data["edges"].toTensorVector();
    EdgeIndex e;
    e.num_nodes = saved[0].size(0);
    e.num_edges = saved[2].size(0);
    e.source = parts[0];
    e.target = parts[1];
    e.by_target = parts[2];
    e.target_offsets = parts[3];
    e.by_source = parts[4];
    e.source_offsets = parts[5];
    const at::Tensor grad = grads[0].contiguous();
    at::Tensor target = at::empty_like(saved[0]), source = at::empty_like(saved[1]);
    at::Tensor modulator = at::empty_like(saved[2]);
    AT_DISPATCH_FLOATING_TYPES(grad.scalar_type(), "modulated_mean_backward", [&] {
      const auto v = view_of<scalar_t>(saved[0], saved[1], saved[2], e);
      const ModulatedMeanGradient<scalar_t> to{
          target.data_ptr<scalar_t>(), source.data_ptr<scalar_t>(), modulator.data_ptr<scalar_t>()};
      run_backward<scalar_t>(v, grad.device(), grad.data_ptr<scalar_t>(), to);
    });
    return {target, source, modulator, Variable()};
  }
};

}  // namespace

EdgeIndex EdgeIndex::build(const at::Tensor& source, const at::Tensor& target, int64_t num_nodes) {
  EdgeIndex index;
  index.num_nodes = num_nodes;
  index.num_edges = source.size(0);
  index.source = source.contiguous();
  index.target = target.contiguous();
  for (const at::Tensor& end : {index.source, index.target}) {
    const int64_t* values = end.data_ptr<int64_t>();
    for (int64_t e = 0; e < index.num_edges; ++e) {
      if (values[e] < 0 || values[e] >= num_nodes) {
        throw DataError(
            fmt::format("edge {}: found node {}, expected 0..{}", e, values[e], num_nodes - 1));
      }
    }
  }
  sort_by(index.target, num_nodes, index.by_target, index.target_offsets);
  sort_by(index.source, num_nodes, index.by_source, index.source_offsets);
  return index;
}

EdgeIndex EdgeIndex::to(at::Device device) const {
  EdgeIndex out = *this;
  for (at::Tensor* t : {&out.source, &out.target, &out.by_target, &out.target_offsets,
                        &out.by_source, &out.source_offsets}) {
    *t = t->to(device);
  }
  return out;
}

at::Tensor modulated_mean(const at::Tensor& target_term, const at::Tensor& source_term,
                          const at::Tensor& modulator, const EdgeIndex& edges) {
  check(target_term, source_term, modulator, edges);
  return ModulatedMean::apply(target_term.contiguous(), source_term.contiguous(),
                              modulator.contiguous(), edges);
}

}  // namespace tenfold::kernels
