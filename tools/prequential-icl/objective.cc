#include "tools/prequential-icl/objective.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/arange.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/log_softmax.h>

#include <algorithm>

namespace tenfold::prequential_icl {
namespace {

at::Tensor to_indices(const std::vector<int64_t>& values, at::Device device) {
  at::Tensor t = at::empty({int64_t(values.size())}, at::TensorOptions().dtype(at::kLong));
  std::copy(values.begin(), values.end(), t.data_ptr<int64_t>());
  return t.to(device);
}

// What the head is asked about: the x of the points `index` (one a context), or, where points have
// no x, how far they lie from the end of their context (1 is the next point).
at::Tensor queries(const Learner& learner, const at::Tensor& x, const at::Tensor& index,
                   const Contexts& contexts) {
  if (learner.spec().positions != "relative") return x.index_select(1, index);
  const at::Tensor lengths = at::arange(contexts.first, contexts.last + 1, index.options());
  const at::Tensor offset = index + 1 - lengths;
  return position_encoding(offset, learner.spec().query_dim)
      .to(x.options())
      .expand({x.size(0), index.size(0), learner.spec().query_dim});
}

at::Tensor selected(const at::Tensor& t, const at::Tensor& index) {
  return t.defined() ? t.index_select(1, index) : t;
}

ContextLosses direct_losses(const Learner& learner, const DataShape& shape, const Batch& batch,
                            const Contexts& contexts, const Wanted& wanted) {
  const int64_t size = batch.size();
  const at::Tensor points = batch.points.narrow(1, 0, size - 1);
  const auto chosen = [&](const at::Tensor& t) {
    return t.defined() ? t.narrow(1, contexts.first, contexts.count()) : t;
  };
  ContextLosses out;
  out.next_prediction = chosen(learner.predict_all(points, batch.x));
  out.next = prediction_loss(shape, out.next_prediction, chosen(batch.y), chosen(batch.labels));
  if (wanted.ood && batch.x_ood.defined() && learner.has_free_queries()) {
    out.ood = prediction_loss(shape, chosen(learner.predict_all(points, batch.x_ood)),
                              chosen(batch.y_ood), {});
  }
  return out;
}

}  // namespace

Contexts contexts_of(const ModelSpec& spec, DataKind kind, int64_t min_train_samples,
                     int64_t size) {
  const int64_t first = spec.has_bottleneck() ? min_train_samples : min_train_samples - 1;
  return {kind == DataKind::kTokens ? std::max<int64_t>(first, 1) : first, size - 1};
}

int64_t query_dim(const ModelSpec& spec, const DataShape& shape) {
  return spec.positions == "relative" ? spec.h_dim : shape.x_dim();
}

std::vector<int64_t> draw_seen_points(const Contexts& contexts, const Stream& stream) {
  std::vector<int64_t> seen;
  for (int64_t c = contexts.first; c <= contexts.last; ++c)
    seen.push_back(int64_t(stream.below(uint64_t(c), uint64_t(std::max<int64_t>(c, 1)))));
  return seen;
}

at::Tensor prediction_loss(const DataShape& shape, const at::Tensor& prediction,
                           const at::Tensor& target, const at::Tensor& labels) {
  if (shape.kind == DataKind::kRegression) return (prediction - target).square().mean(-1);
  at::Tensor sum;
  int64_t first = 0;
  const int64_t variables = int64_t(shape.y_vals.size());
  for (int64_t v = 0; v < variables; ++v) {
    const at::Tensor logits = prediction.narrow(-1, first, shape.y_vals[size_t(v)]);
    const at::Tensor loss =
        -at::log_softmax(logits, -1).gather(-1, labels.narrow(-1, v, 1)).squeeze(-1);
    sum = sum.defined() ? sum + loss : loss;
    first += shape.y_vals[size_t(v)];
  }
  return variables == 1 ? sum : sum / double(variables);
}

ContextLosses context_losses(const Learner& learner, const DataShape& shape, const Batch& batch,
                             const Contexts& contexts, const Wanted& wanted,
                             const std::vector<int64_t>& seen) {
  if (!learner.spec().has_bottleneck())
    return direct_losses(learner, shape, batch, contexts, wanted);
  // z_S and what follows the last context are never asked for.
  const at::Tensor z = learner.summaries(batch.points.narrow(1, 0, batch.size() - 1))
                           .narrow(1, contexts.first, contexts.count());
  const at::Tensor next =
      at::arange(contexts.first, contexts.last + 1,
                 at::TensorOptions().dtype(at::kLong).device(batch.points.device()));
  ContextLosses out;
  out.summaries = z;
  if (wanted.next) {
    out.next_prediction = learner.predict(queries(learner, batch.x, next, contexts), z);
    out.next = prediction_loss(shape, out.next_prediction, selected(batch.y, next),
                               selected(batch.labels, next));
  }
  // Points without x can be asked for only by their place.
  const bool has_queries = learner.spec().query_dim > 0;
  if (wanted.train && has_queries) {
    const at::Tensor index = to_indices(seen, batch.points.device());
    out.train =
        prediction_loss(shape, learner.predict(queries(learner, batch.x, index, contexts), z),
                        selected(batch.y, index), selected(batch.labels, index));
  }
  if (wanted.ood && batch.x_ood.defined()) {
    out.ood = prediction_loss(shape, learner.predict(selected(batch.x_ood, next), z),
                              selected(batch.y_ood, next), {});
  }
  return out;
}

}  // namespace tenfold::prequential_icl
