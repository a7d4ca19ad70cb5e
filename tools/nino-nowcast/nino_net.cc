#include "tools/nino-nowcast/nino_net.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/embedding.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/silu.h>
#include <ATen/ops/zeros.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>

#include <algorithm>

namespace tenfold::nino_nowcast {
namespace {

at::Tensor linear(const MetaModel& m, const std::string& name, const at::Tensor& x) {
  return at::addmm(m.w(name + ".bias"), x, m.w(name + ".weight").t());
}

void keep(Activations* record, const std::string& name, const at::Tensor& value) {
  if (record != nullptr) (*record)[name] = value.detach();
}

at::Tensor node_input(const MetaModel& m, const GraphBatch& batch) {
  const MetaConfig& c = m.config;
  const at::Tensor pos = c.use_lpe ? batch.pos : at::zeros_like(batch.pos);
  at::Tensor x = linear(m, "node_proj.fc.0", pos);
  if (c.wte_pos_enc) x = x + at::embedding(m.w("wte_pos_enc_layer.weight"), batch.word_position);
  return x;
}

at::Tensor edge_input(const MetaModel& m, const GraphBatch& batch, Activations* record) {
  const at::Tensor& weight = m.w("edge_proj.fc.0.weight");
  std::vector<at::Tensor> parts;
  for (const GraphInput& g : batch.graphs) {
    const at::Tensor used = weight.narrow(1, 0, g.features.size(1));
    parts.push_back(at::addmm(m.w("edge_proj.fc.0.bias"), g.features, used.t()));
  }
  at::Tensor e = parts.size() == 1 ? parts[0] : at::cat(parts, 0);
  keep(record, "act.edge_proj", e);
  if (m.config.use_edge_types) e = e + at::embedding(m.w("layer_embed.weight"), batch.types);
  return e;
}

// Target first, source second; W_p is applied to the nodes before the gather (section 9).
at::Tensor message_passing(const MetaModel& m, int64_t layer, const at::Tensor& x,
                           const at::Tensor& e, const kernels::EdgeIndex& edges) {
  const std::string name = fmt::format("gnn.convs.{}.", layer);
  const int64_t h = m.config.hid;
  const at::Tensor& pre = m.w(name + "pre_nns.0.0.weight");
  const at::Tensor target_term =
      at::addmm(m.w(name + "pre_nns.0.0.bias"), x, pre.narrow(1, 0, h).t());
  const at::Tensor source_term = at::mm(x, pre.narrow(1, h, h).t());
  const at::Tensor modulator = linear(m, name + "edge_encoder", e);
  // The sum over edges stays in float32 where --amp made the products bfloat16.
  const at::Tensor mean = kernels::modulated_mean(
      target_term.to(at::kFloat), source_term.to(at::kFloat), modulator.to(at::kFloat), edges);
  return linear(m, name + "lin", linear(m, name + "post_nns.0.0", at::cat({x, mean}, 1)));
}

at::Tensor edge_update(const MetaModel& m, int64_t layer, const at::Tensor& x, const at::Tensor& e,
                       const kernels::EdgeIndex& edges) {
  const std::string name = fmt::format("gnn.edge_update.{}.", layer);
  const at::Tensor from_source = linear(m, name + "lin_s", x).index_select(0, edges.source);
  const at::Tensor from_target = linear(m, name + "lin_t", x).index_select(0, edges.target);
  return linear(m, name + "lin1",
                at::silu(linear(m, name + "lin_e", e) + from_source + from_target));
}

}  // namespace

at::Tensor edge_features(const NeuralGraph& graph, const at::Tensor& scaled) {
  const int64_t e = graph.num_edges(), f = graph.feature_size, c = scaled.size(1);
  const at::Tensor states = scaled.to(at::kFloat).contiguous();
  at::Tensor out = at::zeros({e, f * c});
  const float* values = states.data_ptr<float>();
  float* row = out.data_ptr<float>();
  for (int64_t i = 0; i < e; ++i, row += f * c) {
    const int32_t type = graph.type[size_t(i)];
    if (is_auxiliary(type)) {
      std::fill_n(row, c, type == kSelfLoop ? 2.0f : 1.0f);
      continue;
    }
    for (int64_t s = 0; s < f; ++s) {
      const int64_t slot = graph.slots[size_t(i * f + s)];
      if (slot >= 0) std::copy_n(values + slot * c, c, row + s * c);
    }
  }
  return out;
}

GraphBatch GraphBatch::build(std::vector<GraphInput> graphs) {
  GraphBatch batch;
  int64_t edges = 0, nodes = 0;
  for (const GraphInput& g : graphs) edges += g.graph->num_edges();
  const auto integers = at::TensorOptions().dtype(at::kLong);
  at::Tensor source = at::empty({edges}, integers), target = at::empty({edges}, integers);
  batch.types = at::empty({edges}, integers);
  std::vector<at::Tensor> pos, words;
  int64_t at_edge = 0;
  for (const GraphInput& g : graphs) {
    batch.first_edge.push_back(at_edge);
    for (int64_t i = 0; i < g.graph->num_edges(); ++i, ++at_edge) {
      source.data_ptr<int64_t>()[at_edge] = nodes + g.graph->source[size_t(i)];
      target.data_ptr<int64_t>()[at_edge] = nodes + g.graph->target[size_t(i)];
      batch.types.data_ptr<int64_t>()[at_edge] = g.graph->type[size_t(i)];
    }
    nodes += g.graph->num_nodes;
    pos.push_back(g.pos);
    if (g.word_position.defined()) words.push_back(g.word_position);
  }
  batch.first_edge.push_back(edges);
  batch.pos = at::cat(pos, 0);
  if (!words.empty()) batch.word_position = at::cat(words, 0);
  batch.edges = kernels::EdgeIndex::build(source, target, nodes);
  batch.graphs = std::move(graphs);
  return batch;
}

at::Tensor nino_edge_states(const MetaModel& model, const GraphBatch& batch, Activations* record) {
  const MetaConfig& c = model.config;
  at::Tensor x = node_input(model, batch);
  keep(record, "act.node_proj", x);
  at::Tensor e = edge_input(model, batch, record);
  for (int64_t l = 0; l < c.layers; ++l) {
    const bool update = l + 1 < c.layers || c.final_edge_update;
    // The last node update reaches the output only through a final edge update.
    if (!update && record == nullptr) break;
    x = message_passing(model, l, x, e, batch.edges);
    keep(record, fmt::format("act.conv{}_out", l), x);
    if (!update) break;
    x = at::silu(x);
    e = edge_update(model, l, x, e, batch.edges);
    keep(record, fmt::format("act.edge_update{}_out", l), e);
  }
  return e;
}

at::Tensor nino_changes(const MetaModel& model, const at::Tensor& edge_states, int64_t feature_size,
                        int64_t horizons) {
  const MetaConfig& c = model.config;
  const at::Tensor r = at::silu(linear(model, "edge_out.fc.0", edge_states));
  const at::Tensor weight =
      model.w("edge_out.fc.2.weight").view({c.max_feat_size, c.seq_len, c.hid});
  const at::Tensor bias = model.w("edge_out.fc.2.bias").view({c.max_feat_size, c.seq_len});
  const at::Tensor rows =
      weight.narrow(0, 0, feature_size).narrow(1, 0, horizons).reshape({-1, c.hid});
  const at::Tensor row_bias = bias.narrow(0, 0, feature_size).narrow(1, 0, horizons).reshape({-1});
  return at::addmm(row_bias, r, rows.t()).view({edge_states.size(0), feature_size, horizons});
}

at::Tensor wnn_plus_changes(const MetaModel& model, const at::Tensor& scaled,
                            const at::Tensor& types, int64_t horizons) {
  at::Tensor z = linear(model, "edge_proj.fc.0", scaled);
  if (model.config.use_edge_types) z = z + at::embedding(model.w("layer_embed.weight"), types);
  for (int position : {0, 2, 4})
    z = at::silu(linear(model, fmt::format("edge_mlp.fc.{}", position), z));
  const at::Tensor weight = model.w("edge_mlp.fc.6.weight").narrow(0, 0, horizons);
  return at::addmm(model.w("edge_mlp.fc.6.bias").narrow(0, 0, horizons), z, weight.t());
}

}  // namespace tenfold::nino_nowcast
