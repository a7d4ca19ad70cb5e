#include "tools/nino-nowcast/meta_loss.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include "tools/nino-nowcast/nino_net.h"
#include "tools/nino-nowcast/wnn.h"

namespace tenfold::nino_nowcast {
namespace {

constexpr double kWeightPenalty = 1e-6, kBiasPenalty = 0.1;

// |last + upd_scale * change - target|, summed; change and target [P', n].
void add_window(MetaLoss& loss, const MetaModel& model, const at::Tensor& last,
                const at::Tensor& change, const at::Tensor& target, bool with_noop) {
  const at::Tensor error =
      (last + change.to(at::kFloat) * model.config.upd_scale - target).abs().sum();
  loss.sum = loss.sum.defined() ? loss.sum + error : error;
  loss.count += target.numel();
  if (with_noop) loss.noop_sum += (last - target).abs().sum(at::kDouble).item<double>();
}

GraphBatch batch_graphs(const MetaModel& model, const std::vector<MetaSample>& batch) {
  const at::NoGradGuard guard;
  std::vector<GraphInput> inputs;
  for (const MetaSample& s : batch) {
    GraphInput input{&s.task->graph, edge_features(s.task->graph, s.scaled), s.pos, {}};
    if (model.config.wte_pos_enc) input.word_position = s.word_position;
    inputs.push_back(std::move(input));
  }
  return GraphBatch::build(std::move(inputs));
}

}  // namespace

MetaLoss meta_loss(const MetaModel& model, const std::vector<MetaSample>& batch, bool with_noop) {
  MetaLoss loss;
  const int64_t ctx = model.config.ctx;
  if (model.config.kind == MetaKind::kWnnPlus) {
    for (const MetaSample& s : batch) {
      at::Tensor types = at::empty({s.scaled.size(0)}, at::TensorOptions().dtype(at::kLong));
      std::copy(s.task->types.begin(), s.task->types.end(), types.data_ptr<int64_t>());
      types = types.clamp_min(0);  // a scalar outside the graph counts as unused
      const at::Tensor change = wnn_plus_changes(model, s.scaled, types, s.targets.size(1));
      add_window(loss, model, s.scaled.narrow(1, ctx - 1, 1), change, s.targets, with_noop);
    }
    return loss;
  }
  const GraphBatch graphs = batch_graphs(model, batch);
  const at::Tensor edges = nino_edge_states(model, graphs);
  for (size_t g = 0; g < batch.size(); ++g) {
    const MetaSample& s = batch[g];
    const int64_t first = graphs.first_edge[g], n = s.targets.size(1),
                  f = s.task->graph.feature_size;
    const at::Tensor own = edges.narrow(0, first, graphs.first_edge[g + 1] - first);
    const at::Tensor change =
        nino_changes(model, own, f, n).view({-1, n}).index_select(0, s.task->slot_index);
    add_window(loss, model, s.scaled.narrow(1, ctx - 1, 1).index_select(0, s.task->slot_param),
               change, s.targets.index_select(0, s.task->slot_param), with_noop);
  }
  return loss;
}

MetaLoss wnn_error(const MetaModel& model, const std::string& kind, const at::Tensor& states,
                   const at::Tensor& target) {
  const WnnNormalised input = wnn_normalise(states);
  const at::Tensor wanted = (target - input.origin) / input.range;
  const at::Tensor last = input.values.select(1, states.size(1) - 1);
  MetaLoss loss;
  loss.sum = (last + wnn_change(model, kind, input) - wanted).abs().sum();
  loss.count = target.numel();
  loss.noop_sum = (last - wanted).abs().sum(at::kDouble).item<double>();
  return loss;
}

at::Tensor wnn_penalty(const MetaModel& model, const std::string& kind) {
  at::Tensor penalty;
  const auto add = [&](const at::Tensor& term) {
    penalty = penalty.defined() ? penalty + term : term;
  };
  for (const char* stream : {"value", "difference"}) {
    for (const char* part : {"input", "output"}) {
      const std::string name = fmt::format("{}.{}.{}", kind, stream, part);
      add(model.w(name + ".weight").abs().sum() * kWeightPenalty);
      add(model.w(name + ".bias").abs().sum() * kBiasPenalty);
    }
  }
  return penalty;
}

}  // namespace tenfold::nino_nowcast
