#include "tools/samba-align/graph_layer.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/zeros.h>
#include <torch/csrc/autograd/custom_function.h>

#include "common/kernels/graph_attention.h"

namespace tenfold::samba_align {
namespace {

using torch::autograd::AutogradContext;
using torch::autograd::variable_list;

constexpr float kSlope = 0.2f;

struct GraphList : torch::CustomClassHolder {
  std::vector<GraphPtr> graphs;
};

kernels::GraphAttentionShape shape_of(const at::Tensor& left, const at::Tensor& attn) {
  const int64_t features = attn.numel();
  return {left.size(-2), left.size(-1) / features, features, kSlope};
}

kernels::GraphAttentionInput input_of(const at::Tensor& left, const at::Tensor& right,
                                      const at::Tensor& attn, const Graph& graph, int64_t sample) {
  const int64_t size = left.size(-1) * left.size(-2);
  return {{graph.begin.data(), graph.node.data()},
          left.data_ptr<float>() + sample * size,
          right.data_ptr<float>() + sample * size,
          attn.data_ptr<float>()};
}

class GraphAttention : public torch::autograd::Function<GraphAttention> {
 public:
  static at::Tensor forward(AutogradContext* ctx, const at::Tensor& left, const at::Tensor& right,
                            const at::Tensor& attn, const c10::intrusive_ptr<GraphList>& list) {
    const kernels::GraphAttentionShape shape = shape_of(left, attn);
    const int64_t batch = left.size(0);
    const at::Tensor out = at::empty({batch, shape.nodes, shape.features}, left.options()),
                     norms = at::empty({batch, shape.nodes, shape.heads, 2}, left.options());
    at::parallel_for(0, batch, 1, [&](int64_t first, int64_t end) {
      for (int64_t b = first; b < end; ++b) {
        kernels::graph_attention(shape, input_of(left, right, attn, *list->graphs[size_t(b)], b),
                                 out[b].data_ptr<float>(), norms[b].data_ptr<float>());
      }
    });
    ctx->save_for_backward({left, right, attn, norms});
    ctx->saved_data["graphs"] = c10::IValue::make_capsule(list);
    return out;
  }

  static variable_list backward(AutogradContext* ctx, variable_list gradients) {
    const variable_list saved = ctx->get_saved_variables();
    const at::Tensor &left = saved[0], &right = saved[1], &attn = saved[2], &norms = saved[3];
    const auto list =
        c10::static_intrusive_pointer_cast<GraphList>(ctx->saved_data["graphs"].toCapsule());
    const kernels::GraphAttentionShape shape = shape_of(left, attn);
    const int64_t batch = left.size(0);
    const at::Tensor d_out = gradients[0].contiguous(), d_left = at::empty_like(left),
                     d_right = at::empty_like(right),
                     d_attn = at::zeros({batch, shape.features}, left.options());
    at::parallel_for(0, batch, 1, [&](int64_t first, int64_t end) {
      for (int64_t b = first; b < end; ++b) {
        kernels::graph_attention_backward(
            shape, input_of(left, right, attn, *list->graphs[size_t(b)], b),
            norms[b].data_ptr<float>(), d_out[b].data_ptr<float>(), d_left[b].data_ptr<float>(),
            d_right[b].data_ptr<float>(), d_attn[b].data_ptr<float>());
      }
    });
    return {d_left, d_right, d_attn.sum(0), at::Tensor()};
  }
};

}  // namespace

at::Tensor graph_attention(const at::Tensor& left, const at::Tensor& right, const at::Tensor& attn,
                           const std::vector<GraphPtr>& graphs) {
  const auto list = c10::make_intrusive<GraphList>();
  list->graphs = graphs;
  return GraphAttention::apply(left.contiguous(), right.contiguous(), attn, list);
}

at::Tensor graph_attention_weights(const at::Tensor& left, const at::Tensor& right,
                                   const at::Tensor& attn, const GraphPtr& graph) {
  const at::Tensor l = left.contiguous(), r = right.contiguous();
  const kernels::GraphAttentionShape shape = shape_of(l, attn);
  const kernels::GraphAttentionInput input = input_of(l, r, attn, *graph, 0);
  const at::Tensor out = at::empty({shape.nodes, shape.features}, l.options()),
                   norms = at::empty({shape.nodes, shape.heads, 2}, l.options()),
                   weight = at::empty({graph->edges(), shape.heads}, l.options());
  kernels::graph_attention(shape, input, out.data_ptr<float>(), norms.data_ptr<float>());
  kernels::graph_attention_weights(shape, input, norms.data_ptr<float>(), weight.data_ptr<float>());
  return weight;
}

}  // namespace tenfold::samba_align
