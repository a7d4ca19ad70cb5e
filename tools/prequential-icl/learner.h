// A learner: sequence model and, where it has a bottleneck, projection and head.
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "common/train/parameters.h"
#include "tools/prequential-icl/aggregator.h"
#include "tools/prequential-icl/model_spec.h"
#include "tools/prequential-icl/no_bottleneck.h"
#include "tools/prequential-icl/predictor.h"

namespace tenfold::prequential_icl {

class Learner {
 public:
  // Weights are drawn from `seed`. Throws UsageError where the parts of `spec` do not fit.
  Learner(const ModelSpec& spec, uint64_t seed, at::Device device);

  const ModelSpec& spec() const { return spec_; }
  const train::Parameters& parameters() const { return parameters_; }

  // With a bottleneck: points [batch, n, x_dim + y_dim] -> z_0 .. z_n [batch, n + 1, z_dim].
  at::Tensor summaries(const at::Tensor& points) const;
  // queries [batch, m, query_dim], z [batch, m, z_dim] -> [batch, m, y_dim].
  at::Tensor predict(const at::Tensor& queries, const at::Tensor& z) const;

  // Without: see DirectPredictor.
  at::Tensor predict_all(const at::Tensor& points, const at::Tensor& queries) const;
  bool has_free_queries() const { return !direct_ || direct_->has_free_queries(); }

 private:
  ModelSpec spec_;
  train::Parameters parameters_;
  std::unique_ptr<Aggregator> aggregator_;
  train::Linear projection_;  // h -> z_dim; none where they are equal
  std::unique_ptr<Predictor> predictor_;
  std::unique_ptr<DirectPredictor> direct_;
};

// Throws UsageError naming the option.
void check_spec(const ModelSpec& spec);

}  // namespace tenfold::prequential_icl
