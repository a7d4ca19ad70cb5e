#include "tools/samba-align/graph_block.h"

#include <ATen/ops/from_blob.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>

#include <cmath>
#include <map>

#include "tools/samba-align/graph_layer.h"

namespace tenfold::samba_align {
namespace {

at::Tensor convolution_matrix(const Graph& graph) {
  const int64_t n = graph.nodes();
  const std::vector<float> weight = convolution_weights(graph);
  const at::Tensor matrix = at::zeros({n, n}, at::kFloat);
  float* entry = matrix.data_ptr<float>();
  for (int64_t i = 0; i < n; ++i)
    for (int32_t e = graph.begin[size_t(i)]; e < graph.begin[size_t(i) + 1]; ++e)
      entry[i * n + graph.node[size_t(e)]] = weight[size_t(e)];
  return matrix;
}

// [batch, nodes, nodes], made once for every different graph.
at::Tensor convolution_matrices(const std::vector<GraphPtr>& graphs) {
  std::map<const Graph*, at::Tensor> made;
  std::vector<at::Tensor> all;
  for (const GraphPtr& g : graphs) {
    at::Tensor& matrix = made[g.get()];
    if (!matrix.defined()) matrix = convolution_matrix(*g);
    all.push_back(matrix);
  }
  return at::stack(all);
}

}  // namespace

std::vector<float> convolution_weights(const Graph& graph) {
  std::vector<float> weight(graph.node.size());
  std::vector<double> sum(size_t(graph.nodes()), 0.0);
  const auto each = [&](const auto& visit) {
    for (size_t i = 0; i < sum.size(); ++i)
      for (int32_t e = graph.begin[i]; e < graph.begin[i + 1]; ++e) visit(i, size_t(e));
  };
  each([&](size_t i, size_t e) {
    weight[e] = size_t(graph.node[e]) == i ? 1.0f : graph.strength[e];
    sum[i] += weight[e];
  });
  each([&](size_t i, size_t e) {
    weight[e] = float(weight[e] / std::sqrt(sum[i] * sum[size_t(graph.node[e])]));
  });
  return weight;
}

GraphBlock::GraphBlock(train::Parameters& parameters, const std::string& name, int64_t in,
                       int64_t out, int64_t heads, GraphKind kind)
    : kind_(kind) {
  const auto init = train::Parameters::torch_default(in);
  if (kind == GraphKind::kConvolution) {
    left_ = parameters.add(name + ".linear.weight", {out, in}, init);
    return;
  }
  left_ = parameters.add(name + ".linear_l.weight", {heads * out, in}, init);
  right_ = parameters.add(name + ".linear_r.weight", {heads * out, in}, init);
  attn_ = parameters.add(name + ".attn.weight", {1, out}, train::Parameters::torch_default(out));
}

at::Tensor GraphBlock::operator()(const at::Tensor& nodes,
                                  const std::vector<GraphPtr>& graphs) const {
  if (kind_ == GraphKind::kConvolution)
    return at::matmul(convolution_matrices(graphs), at::linear(nodes, left_));
  return graph_attention(at::linear(nodes, left_), at::linear(nodes, right_), attn_.view(-1),
                         graphs);
}

at::Tensor GraphBlock::edge_weights(const at::Tensor& nodes, const GraphPtr& graph) const {
  if (kind_ == GraphKind::kConvolution) {
    std::vector<float> weight = convolution_weights(*graph);
    return at::from_blob(weight.data(), {graph->edges(), 1}, at::kFloat).clone();
  }
  return graph_attention_weights(at::linear(nodes, left_), at::linear(nodes, right_),
                                 attn_.view(-1), graph);
}

}  // namespace tenfold::samba_align
