#include "tools/nino-nowcast/inference_maps.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
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

NinoMaps::Conv conv_maps(const MetaModel& model, int64_t index, const Linear& edge) {
  const int64_t h = model.config.hid;
  const std::string name = fmt::format("gnn.convs.{}.", index);
  const Linear gate = compose(linear_of(model, name + "edge_encoder"), edge);
  const Linear pre = linear_of(model, name + "pre_nns.0.0");
  const Linear post = linear_of(model, name + "post_nns.0.0");
  const Linear out = linear_of(model, name + "lin");
  NinoMaps::Conv conv;
  conv.scale = to_affine(rows(gate, 0, h));
  conv.shift = to_affine(rows(gate, h, h));
  conv.target_term = to_affine(columns(pre, 0, h));
  conv.source_term = to_affine(without_bias(columns(pre, h, h)));
  conv.from_node = to_affine(compose(out, columns(post, 0, h)));
  conv.from_mean = to_affine(compose(without_bias(out), without_bias(columns(post, h, h))));
  return conv;
}

NinoMaps::Update update_maps(const MetaModel& model, int64_t index, const Linear& edge) {
  const std::string name = fmt::format("gnn.edge_update.{}.", index);
  const Linear hidden = compose(linear_of(model, name + "lin_e"), edge);
  const Linear source = linear_of(model, name + "lin_s"), target = linear_of(model, name + "lin_t");
  return {to_affine(hidden).weight, to_affine(without_bias(source)),
          to_affine(with_bias(target, hidden.bias + source.bias + target.bias))};
}

}  // namespace

Linear linear_of(const MetaModel& model, const std::string& name) {
  return {model.w(name + ".weight").to(at::kDouble), model.w(name + ".bias").to(at::kDouble)};
}

Linear compose(const Linear& outer, const Linear& inner) {
  return {at::mm(outer.weight, inner.weight), at::mv(outer.weight, inner.bias) + outer.bias};
}

Affine to_affine(const Linear& linear) {
  return {linear.weight.t().to(at::kFloat).contiguous(), linear.bias.to(at::kFloat).contiguous()};
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
  node_input = to_affine(node);
  if (config.wte_pos_enc) word_table = model.w("wte_pos_enc_layer.weight");
  Linear edge = input_linear(model, features * config.ctx);
  // Without a final edge update nothing reads the nodes of the last layer.
  const int64_t used_layers = config.layers - (config.final_edge_update ? 0 : 1);
  for (int64_t l = 0; l < used_layers; ++l) {
    convs.push_back(conv_maps(model, l, edge));
    updates.push_back(update_maps(model, l, edge));
    edge = linear_of(model, fmt::format("gnn.edge_update.{}.lin1", l));
  }
  readout = to_affine(compose(linear_of(model, "edge_out.fc.0"), edge));
  output_weight =
      model.w("edge_out.fc.2.weight").view({config.max_feat_size, config.seq_len, config.hid});
  output_bias = model.w("edge_out.fc.2.bias").view({config.max_feat_size, config.seq_len});
}

}  // namespace tenfold::nino_nowcast
