// From the points of a context to its summaries (specification, sections 3.1 and 3.4).
#pragma once

#include <ATen/core/Tensor.h>

#include <memory>

#include "common/train/parameters.h"
#include "tools/prequential-icl/model_spec.h"

namespace tenfold::prequential_icl {

class Aggregator {
 public:
  virtual ~Aggregator() = default;

  // points [batch, n, x_dim + y_dim] -> [batch, n + 1, h]: row c has seen the first c points.
  virtual at::Tensor encode(const at::Tensor& points) const = 0;
};

// transformer or decoder, mamba1, mamba2. Parameters are called PREFIX + the reference's names.
std::unique_ptr<Aggregator> make_aggregator(const ModelSpec& spec, const std::string& prefix,
                                            train::Parameters& parameters);

// A learned start token before the embedded points, and positions added where the spec has them.
class TokenEmbedding {
 public:
  TokenEmbedding(const ModelSpec& spec, const std::string& prefix, train::Parameters& parameters);
  at::Tensor operator()(const at::Tensor& points) const;  // [batch, n, in] -> [batch, n + 1, h]

 private:
  at::Tensor start_;  // [1, 1, h], zeros at the start
  train::Linear embed_;
  bool sinusoid_;
};

// PE[p, 2i] = sin(p 10000^(-2i/h)), PE[p, 2i+1] = cos(the same) for p = 0..count-1: [count, h].
at::Tensor position_encoding(int64_t count, int64_t width);

// The same for positions that need not be 0, 1, ...: [count] -> [count, h].
at::Tensor position_encoding(const at::Tensor& positions, int64_t width);

}  // namespace tenfold::prequential_icl
