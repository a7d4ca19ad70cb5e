#include "tools/prequential-icl/learner.h"

#include <fmt/format.h>

#include "common/core/error.h"

namespace tenfold::prequential_icl {

void check_spec(const ModelSpec& s) {
  const bool mamba = s.arch == "mamba1" || s.arch == "mamba2";
  if (!mamba && s.h_dim % s.n_heads != 0) {
    throw UsageError(
        fmt::format("--n-heads: found {}, expected a divisor of --h-dim {}", s.n_heads, s.h_dim));
  }
  if (s.arch == "mamba2" && 2 * s.h_dim % s.mamba_head_dim != 0) {
    throw UsageError(
        fmt::format("--mamba-head-dim: found {}, expected a divisor of 2 x --h-dim = {}",
                    s.mamba_head_dim, 2 * s.h_dim));
  }
  if (mamba && s.positions == "relative") {
    throw UsageError("--positions: found relative, expected sinusoid or none with Mamba");
  }
  if (!s.has_bottleneck()) return;
  if (const int64_t z = required_z_dim(s); z != 0 && s.z_dim != z) {
    throw UsageError(
        fmt::format("--z-dim: found {}, expected {} (--predictor {})", s.z_dim, z, s.predictor));
  }
  if (s.predictor == "polynomial" && (s.query_dim != 1 || s.y_dim != 1)) {
    throw UsageError(fmt::format(
        "--predictor polynomial: found x of {} and y of {} dimensions, expected 1 and 1",
        s.query_dim, s.y_dim));
  }
  if (s.predictor != "mlp-concat" && s.query_dim == 0) {
    throw UsageError(fmt::format(
        "--predictor {}: found a task without x, expected --predictor mlp-concat", s.predictor));
  }
  if (s.pred_layers < 2) {
    throw UsageError(fmt::format("--pred-layers: found {}, expected at least 2", s.pred_layers));
  }
}

Learner::Learner(const ModelSpec& spec, uint64_t seed, at::Device device)
    : spec_(spec), parameters_(seed) {
  check_spec(spec_);
  if (spec_.has_bottleneck()) {
    aggregator_ = make_aggregator(spec_, "agg.", parameters_);
    if (spec_.h_dim != spec_.z_dim)
      projection_ = train::Linear(parameters_, "agg.projection", spec_.h_dim, spec_.z_dim);
    predictor_ = make_predictor(spec_, "pred.", seed, parameters_);
  } else {
    direct_ = make_direct_predictor(spec_, "m.", parameters_);
  }
  parameters_.flatten(device);
}

at::Tensor Learner::summaries(const at::Tensor& points) const {
  const at::Tensor h = aggregator_->encode(points);
  return projection_.weight.defined() ? projection_(h) : h;
}

at::Tensor Learner::predict(const at::Tensor& queries, const at::Tensor& z) const {
  const int64_t batch = z.size(0), count = z.size(1);
  const at::Tensor rows = (*predictor_)(queries.reshape({batch * count, queries.size(2)}),
                                        z.reshape({batch * count, z.size(2)}));
  return rows.view({batch, count, rows.size(1)});
}

at::Tensor Learner::predict_all(const at::Tensor& points, const at::Tensor& queries) const {
  return (*direct_)(points, queries);
}

}  // namespace tenfold::prequential_icl
