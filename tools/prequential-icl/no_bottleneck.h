// Transformers that predict without a bottleneck (specification, section 3.3): two-stream,
// interleaved, and decoder (for HMMs).
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>

#include "common/train/parameters.h"
#include "tools/prequential-icl/model_spec.h"

namespace tenfold::prequential_icl {

class DirectPredictor {
 public:
  virtual ~DirectPredictor() = default;

  // points [batch, S - 1, x_dim + y_dim], queries [batch, S, x_dim] -> [batch, S, y_dim]: row c
  // answers query c from the first c points.
  virtual at::Tensor operator()(const at::Tensor& points, const at::Tensor& queries) const = 0;

  // Whether queries may differ from the x of the points that follow.
  virtual bool has_free_queries() const { return true; }
};

std::unique_ptr<DirectPredictor> make_direct_predictor(const ModelSpec& spec,
                                                       const std::string& prefix,
                                                       train::Parameters& parameters);

}  // namespace tenfold::prequential_icl
