#include "common/kernels/modulated_mean.h"

#include <ATen/Dispatch.h>
#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/custom_function.h>

#include "common/core/error.h"
#include "common/kernels/modulated_mean_body.h"

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
  if (target.is_cuda())
    throw Unavailable("modulated_mean on CUDA: built without CUDA: build with --config=cuda");
}

template <class T>
EdgeView<T> view_of(const at::Tensor& target, const at::Tensor& source, const at::Tensor& modulator,
                    const EdgeIndex& e) {
  return {target.data_ptr<T>(),
          source.data_ptr<T>(),
          modulator.data_ptr<T>(),
          e.source.data_ptr<int64_t>(),
          e.target.data_ptr<int64_t>(),
          e.by_target.data_ptr<int64_t>(),
          e.target_offsets.data_ptr<int64_t>(),
          e.by_source.data_ptr<int64_t>(),
          e.source_offsets.data_ptr<int64_t>(),
          target.size(1)};
}

template <class Body>
void for_nodes(int64_t nodes, const Body& body) {
  at::parallel_for(0, nodes, kGrain, [&](int64_t first, int64_t end) {
    for (int64_t i = first; i < end; ++i) body(i);
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
      for_nodes(edges.num_nodes, [&](int64_t i) { mean_of_node(v, i, out.data_ptr<scalar_t>()); });
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
      const scalar_t* g = grad.data_ptr<scalar_t>();
      for_nodes(e.num_nodes, [&](int64_t i) {
        gradient_into_node(v, i, g, target.data_ptr<scalar_t>(), modulator.data_ptr<scalar_t>());
        gradient_out_of_node(v, i, g, source.data_ptr<scalar_t>());
      });
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
