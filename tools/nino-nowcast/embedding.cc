#include "tools/nino-nowcast/embedding.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include <algorithm>

#include "common/core/error.h"
#include "tools/nino-nowcast/nino_net.h"
#include "tools/nino-nowcast/scaling.h"

namespace tenfold::nino_nowcast {

GraphEmbedding embed(const MetaModel& model, const Architecture& arch, const NeuralGraph& graph,
                     const at::Tensor& pos, const at::Tensor& states) {
  if (model.config.kind != MetaKind::kNino) {
    throw DataError(
        fmt::format("{}: found a {} checkpoint, expected nino (embeddings need a graph)",
                    model.source, kind_name(model.config.kind)));
  }
  const c10::InferenceMode guard;
  at::Tensor scaled = states.contiguous().clone();
  float* values = scaled.data_ptr<float>();
  ScaleOptions scale;
  scale.method = parse_scale_method(model.config.scale_method);
  apply_scales(fit_scales(values, scaled.size(1), arch.params, scale), values, scaled.size(1),
               values);
  GraphInput input{&graph, edge_features(graph, scaled), pos, {}};
  if (model.config.wte_pos_enc) {
    input.word_position = at::empty({graph.num_nodes}, at::TensorOptions().dtype(at::kLong));
    std::copy(graph.word_position.begin(), graph.word_position.end(),
              input.word_position.data_ptr<int64_t>());
  }
  Activations layers;
  const at::Tensor edges = nino_edge_states(model, GraphBatch::build({input}), &layers);
  const at::Tensor nodes = layers.at(fmt::format("act.conv{}_out", model.config.layers - 1));
  return {nodes.mean(0), edges.mean(0)};
}

}  // namespace tenfold::nino_nowcast
