// Tasks as a learner reads them: points in a fresh order, symbols as one-hot vectors.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>

#include "common/core/philox.h"
#include "tools/prequential-icl/meta_dataset.h"

namespace tenfold::prequential_icl {

struct Batch {
  at::Tensor points;        // [batch, S, x_dim + y_dim] float32
  at::Tensor x, y;          // its two parts, views
  at::Tensor labels;        // [batch, S, variables] int64; symbols only
  at::Tensor x_ood, y_ood;  // where the split has them and they are asked for

  int64_t tasks() const { return points.size(0); }
  int64_t size() const { return points.size(1); }
};

class Batcher {
 public:
  // `split` must outlive it. Tokens are never permuted.
  Batcher(const DataShape& shape, const MetaSplit& split, uint64_t seed, std::string name,
          at::Device device);

  // Tasks `indices`; the points of the i-th are permuted by the stream (seed, name, draw + i), x, y
  // and the out-of-distribution copy alike.
  Batch gather(const int64_t* indices, int64_t count, uint64_t draw, bool with_ood) const;

  // Tasks first .. first + count - 1, each permuted by its own number: the same every time.
  Batch evaluation(int64_t first, int64_t count, bool with_ood) const;

  // The same tasks in the order in which they are stored.
  Batch stored(int64_t first, int64_t count) const;

 private:
  Batch gather(const int64_t* indices, int64_t count, uint64_t draw, bool with_ood,
               bool permute) const;
  void fill_row(int64_t task, int64_t point, float* row, int64_t* labels) const;

  DataShape shape_;
  const MetaSplit& split_;
  uint64_t seed_;
  std::string name_;
  at::Device device_;
};

}  // namespace tenfold::prequential_icl
