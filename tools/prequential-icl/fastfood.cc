#include "tools/prequential-icl/fastfood.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/constant_pad_nd.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/stack.h>

#include <algorithm>
#include <cmath>
#include <functional>
#include <numeric>
#include <utility>

namespace tenfold::prequential_icl {
namespace {

int64_t entries(const std::vector<int64_t>& shape) {
  return std::accumulate(shape.begin(), shape.end(), int64_t(1), std::multiplies<>());
}

int64_t next_power_of_two(int64_t n) {
  int64_t power = 1;
  while (power < n) power *= 2;
  return power;
}

}  // namespace

at::Tensor walsh_hadamard(const at::Tensor& v) {
  const int64_t rows = v.size(0), length = v.size(1);
  at::Tensor x = v;
  for (int64_t half = 1; half < length; half *= 2) {
    const at::Tensor pairs = x.reshape({rows, length / (2 * half), 2, half});
    const at::Tensor a = pairs.select(2, 0), b = pairs.select(2, 1);
    x = at::stack({a + b, a - b}, 2);
  }
  return x.reshape({rows, length});
}

FastFood::FastFood(std::vector<int64_t> shape, const Stream& stream)
    : shape_(std::move(shape)), dim_(entries(shape_)), length_(next_power_of_two(dim_)) {
  signs_ = at::empty({length_}, at::TensorOptions().dtype(at::kFloat));
  normals_ = at::empty({length_}, at::TensorOptions().dtype(at::kFloat));
  permutation_ = at::empty({length_}, at::TensorOptions().dtype(at::kLong));
  // The permutation reads the beginning of the stream; signs and normals lie far from it.
  constexpr uint64_t kSigns = uint64_t(1) << 40, kNormals = uint64_t(1) << 41;
  for (uint64_t i = 0; i < uint64_t(length_); ++i) {
    signs_.data_ptr<float>()[i] = stream.bits32(kSigns + i) % 2 == 0 ? 1.0f : -1.0f;
    normals_.data_ptr<float>()[i] = float(stream.normal(kNormals + i));
  }
  const std::vector<int64_t> order = stream.permutation(length_);
  std::copy(order.begin(), order.end(), permutation_.data_ptr<int64_t>());
  set_divisor();
}

FastFood::FastFood(std::vector<int64_t> shape, at::Tensor signs, at::Tensor permutation,
                   at::Tensor normals)
    : shape_(std::move(shape)),
      dim_(entries(shape_)),
      length_(next_power_of_two(dim_)),
      signs_(std::move(signs)),
      permutation_(std::move(permutation)),
      normals_(std::move(normals)) {
  set_divisor();
}

void FastFood::set_divisor() {
  double squares = 0;
  for (int64_t i = 0; i < length_; ++i) {
    const double g = normals_.data_ptr<float>()[i];
    squares += g * g;
  }
  divisor_ = std::sqrt(double(length_) * squares) * std::sqrt(double(dim_) / double(length_));
}

at::Tensor FastFood::operator()(const at::Tensor& z) const {
  const int64_t read = std::min(z.size(1), length_);
  const auto here = [&](const at::Tensor& t) { return t.to(z.device()); };
  at::Tensor x = at::constant_pad_nd(z.narrow(1, 0, read), {0, length_ - read});
  x = walsh_hadamard(x * here(signs_)).index_select(1, here(permutation_)) * here(normals_);
  x = walsh_hadamard(x).narrow(1, 0, dim_) / divisor_;
  std::vector<int64_t> shape = {z.size(0)};
  shape.insert(shape.end(), shape_.begin(), shape_.end());
  return x.reshape(shape);
}

}  // namespace tenfold::prequential_icl
