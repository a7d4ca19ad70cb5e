#include "tools/prequential-icl/batches.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <numeric>
#include <utility>
#include <vector>

namespace tenfold::prequential_icl {
namespace {

// One-hot vectors of `values`, one after the other.
float* write_one_hot(const uint8_t* values, const std::vector<int64_t>& classes, float* to) {
  for (size_t v = 0; v < classes.size(); ++v) {
    to[values[v]] = 1;
    to += classes[v];
  }
  return to;
}

const float* row_of(const at::Tensor& t, int64_t task, int64_t point) {
  return t.data_ptr<float>() + (task * t.size(1) + point) * t.size(2);
}

const uint8_t* symbols_of(const at::Tensor& t, int64_t task, int64_t point) {
  return t.data_ptr<uint8_t>() + (task * t.size(1) + point) * t.size(2);
}

}  // namespace

Batcher::Batcher(const DataShape& shape, const MetaSplit& split, uint64_t seed, std::string name,
                 at::Device device)
    : shape_(shape), split_(split), seed_(seed), name_(std::move(name)), device_(device) {}

void Batcher::fill_row(int64_t task, int64_t point, float* row, int64_t* labels) const {
  if (shape_.kind == DataKind::kRegression) {
    const float *x = row_of(split_.x, task, point), *y = row_of(split_.y, task, point);
    std::copy(y, y + shape_.y_dim(), std::copy(x, x + shape_.x_dim(), row));
    return;
  }
  if (split_.x.defined())
    row = write_one_hot(symbols_of(split_.x, task, point), shape_.x_vals, row);
  const uint8_t* y = symbols_of(split_.y, task, point);
  write_one_hot(y, shape_.y_vals, row);
  std::copy(y, y + shape_.y_vals.size(), labels);
}

Batch Batcher::gather(const int64_t* indices, int64_t count, uint64_t draw, bool with_ood,
                      bool permute) const {
  const int64_t size = split_.points(), x_dim = shape_.x_dim(), y_dim = shape_.y_dim(),
                width = x_dim + y_dim, variables = int64_t(shape_.y_vals.size());
  const bool symbols = shape_.kind != DataKind::kRegression,
             ood = with_ood && split_.x_ood.defined();
  const auto floats = at::TensorOptions().dtype(at::kFloat);
  Batch batch;
  batch.points =
      symbols ? at::zeros({count, size, width}, floats) : at::empty({count, size, width}, floats);
  if (symbols)
    batch.labels = at::empty({count, size, variables}, at::TensorOptions().dtype(at::kLong));
  if (ood) {
    batch.x_ood = at::empty({count, size, x_dim}, floats);
    batch.y_ood = at::empty({count, size, y_dim}, floats);
  }
  std::vector<int64_t> order(static_cast<size_t>(size));
  std::iota(order.begin(), order.end(), int64_t(0));
  for (int64_t i = 0; i < count; ++i) {
    if (permute) order = Stream(seed_, name_, draw + uint64_t(i)).permutation(size);
    for (int64_t p = 0; p < size; ++p) {
      const int64_t from = order[size_t(p)], to = i * size + p;
      fill_row(indices[i], from, batch.points.data_ptr<float>() + to * width,
               symbols ? batch.labels.data_ptr<int64_t>() + to * variables : nullptr);
      if (!ood) continue;
      std::copy_n(row_of(split_.x_ood, indices[i], from), x_dim,
                  batch.x_ood.data_ptr<float>() + to * x_dim);
      std::copy_n(row_of(split_.y_ood, indices[i], from), y_dim,
                  batch.y_ood.data_ptr<float>() + to * y_dim);
    }
  }
  for (at::Tensor* t : {&batch.points, &batch.labels, &batch.x_ood, &batch.y_ood})
    if (t->defined() && !device_.is_cpu()) *t = t->to(device_);
  batch.x = batch.points.narrow(2, 0, x_dim);
  batch.y = batch.points.narrow(2, x_dim, y_dim);
  return batch;
}

Batch Batcher::gather(const int64_t* indices, int64_t count, uint64_t draw, bool with_ood) const {
  return gather(indices, count, draw, with_ood, shape_.kind != DataKind::kTokens);
}

Batch Batcher::evaluation(int64_t first, int64_t count, bool with_ood) const {
  std::vector<int64_t> indices(static_cast<size_t>(count));
  std::iota(indices.begin(), indices.end(), first);
  return gather(indices.data(), count, uint64_t(first), with_ood);
}

Batch Batcher::stored(int64_t first, int64_t count) const {
  std::vector<int64_t> indices(static_cast<size_t>(count));
  std::iota(indices.begin(), indices.end(), first);
  return gather(indices.data(), count, 0, false, false);
}

}  // namespace tenfold::prequential_icl
