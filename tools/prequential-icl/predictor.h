// Heads: from a query and the summary of a context to a prediction (specification, section 3.2).
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>
#include <string>

#include "common/train/parameters.h"
#include "tools/prequential-icl/model_spec.h"

namespace tenfold::prequential_icl {

class Predictor {
 public:
  virtual ~Predictor() = default;

  // query [rows, query_dim], z [rows, z_dim] -> [rows, y_dim]
  virtual at::Tensor operator()(const at::Tensor& query, const at::Tensor& z) const = 0;
};

// The summary size that the head needs, or 0 where any does: linear (x_dim + 1) y_dim; mlp-hyper
// the number of weights of its network.
int64_t required_z_dim(const ModelSpec& spec);

// `seed` draws the fixed projections of lowrank. Parameters are called PREFIX + the reference's
// names.
std::unique_ptr<Predictor> make_predictor(const ModelSpec& spec, const std::string& prefix,
                                          uint64_t seed, train::Parameters& parameters);

// sum_i z_{i+1} C_i(x) with Chebyshev polynomials of the first kind: x [rows, 1], z [rows, n] ->
// [rows, 1].
at::Tensor chebyshev_sum(const at::Tensor& x, const at::Tensor& z);

}  // namespace tenfold::prequential_icl
