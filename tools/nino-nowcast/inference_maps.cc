#include "tools/nino-nowcast/inference_maps.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/mv.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>

#include "common/core/error.h"

namespace tenfold::nino_nowcast {
namespace {

Linear rows(const Linear& l, int64_t first, int64_t count) {
  return {l.weight.narrow(0, first, count), l.bias.narrow(0, first, count)};
}

Linear columns(const Linear& l, int64_t first, int64_t count) {
  return {l.weight.narrow(1, first, count), l.bias};
}

Linear without_bias(const Linear& l) { return {l.weight, at::zeros_like(l.bias)}; }

Linear with_bias(const Linear& l, const at::Tensor& bias) { return {l.weight, bias}; }

NinoMaps::Conv conv_maps(const MetaModel& model, int64_t index, const Linear& edge,
                         int64_t inputs) {
  const int64_t h = model.config.hid;
  const std::string name = fmt::format("gnn.convs.{}.", index);
  const Linear gate = compose(linear_of(model, name + "edge_encoder"), edge);
  const Linear pre = linear_of(model, name + "pre_nns.0.0");
  const Linear post = linear_of(model, name + "post_nns.0.0");
  const Linear out = linear_of(model, name + "lin");
  NinoMaps::Conv conv;
  conv.scale = RowMap(rows(gate, 0, h), inputs);
  conv.shift = RowMap(rows(gate, h, h), inputs);
  conv.target_term = RowMap(columns(pre, 0, h), h);
  conv.source_term = RowMap(without_bias(columns(pre, h, h)), h);
  conv.from_node = RowMap(compose(out, columns(post, 0, h)), h);
  conv.from_mean = RowMap(compose(without_bias(out), without_bias(columns(post, h, h))), h);
  return conv;
}

NinoMaps::Update update_maps(const MetaModel& model, int64_t index, const Linear& edge,
                             int64_t inputs) {
  const int64_t h = model.config.hid;
  const std::string name = fmt::format("gnn.edge_update.{}.", index);
  const Linear hidden = compose(linear_of(model, name + "lin_e"), edge);
  const Linear source = linear_of(model, name + "lin_s"), target = linear_of(model, name + "lin_t");
  return {RowMap(without_bias(hidden), inputs), RowMap(without_bias(source), h),
          RowMap(with_bias(target, hidden.bias + source.bias + target.bias), h)};
}

}  // namespace

RowMap::RowMap(const Linear& linear, int64_t features) {
  const at::Tensor w = linear.weight.t().to(at::kFloat).contiguous();
  weight = kernels::PackedMatrix(w.data_ptr<float>(), features, w.size(1));
  by_type = w.size(0) > features;
  // The sum is rounded once.
  table = linear.bias.unsqueeze(0);
  if (by_type) table = linear.weight.t().narrow(0, features, w.size(0) - features) + table;
  table = table.to(at::kFloat).contiguous();
}

at::Tensor RowMap::operator()(const at::Tensor& s) const {
  constexpr int64_t kGrain = 64;  // rows a thread
  at::Tensor y = at::empty({s.size(0), weight.out()});
  const float* from = s.data_ptr<float>();
  float* to = y.data_ptr<float>();
  at::parallel_for(0, s.size(0), kGrain, [&](int64_t first, int64_t end) {
    kernels::linear(from + first * weight.in(), weight, {term(nullptr)}, to + first * weight.out(),
                    end - first);
  });
  return y;
}

Linear linear_of(const MetaModel& model, const std::string& name) {
  return {model.w(name + ".weight").to(at::kDouble), model.w(name + ".bias").to(at::kDouble)};
}

Linear compose(const Linear& outer, const Linear& inner) {
  return {at::mm(outer.weight, inner.weight), at::mv(outer.weight, inner.bias) + outer.bias};
}

Linear input_linear(const MetaModel& model, int64_t feature_columns) {
  const Linear proj = linear_of(model, "edge_proj.fc.0");
  at::Tensor types = model.w("layer_embed.weight").to(at::kDouble).t();
  if (!model.config.use_edge_types) types = at::zeros_like(types);
  return {at::cat({proj.weight.narrow(1, 0, feature_columns), types}, 1), proj.bias};
}

NinoMaps::NinoMaps(const MetaModel& model, int64_t features)
    : config(model.config), feature_size(features) {
  if (features > config.max_feat_size) {
    throw DataError(fmt::format("graph: {} weights on one edge, expected at most {} ({})", features,
                                config.max_feat_size, model.source));
  }
  Linear node = linear_of(model, "node_proj.fc.0");
  if (!config.use_lpe) node.weight = at::zeros_like(node.weight);
  node_input = RowMap(node, config.lpe);
  if (config.wte_pos_enc) word_table = model.w("wte_pos_enc_layer.weight");
  Linear edge = input_linear(model, features * config.ctx);
  // Without a final edge update nothing reads the nodes of the last layer.
  const int64_t used_layers = config.layers - (config.final_edge_update ? 0 : 1);
  for (int64_t l = 0; l < used_layers; ++l) {
    const int64_t inputs = l == 0 ? features * config.ctx : config.hid;
    convs.push_back(conv_maps(model, l, edge, inputs));
    updates.push_back(update_maps(model, l, edge, inputs));
    edge = linear_of(model, fmt::format("gnn.edge_update.{}.lin1", l));
  }
  readout = RowMap(compose(linear_of(model, "edge_out.fc.0"), edge),
                   used_layers == 0 ? features * config.ctx : config.hid);
  output_weight =
      model.w("edge_out.fc.2.weight").view({config.max_feat_size, config.seq_len, config.hid});
  output_bias = model.w("edge_out.fc.2.bias").view({config.max_feat_size, config.seq_len});
}

}  // namespace tenfold::nino_nowcast
