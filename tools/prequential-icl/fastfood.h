// FastFood random projection (specification, section 3.6): z -> a change of one parameter tensor,
//   delta = [H G P H B pad(z)]_{1..dim} / (sqrt(LL sum G^2) sqrt(dim / LL)),
// LL the next power of two, B signs, P a permutation, G normal, H the unnormalised Walsh-Hadamard
// transform.
#pragma once

#include <ATen/core/Tensor.h>

#include <vector>

#include "common/core/philox.h"

namespace tenfold::prequential_icl {

class FastFood {
 public:
  // For a tensor of `shape`; signs, permutation and normals come from `stream`.
  FastFood(std::vector<int64_t> shape, const Stream& stream);
  // From given buffers: signs and normals [LL] float32, permutation [LL] int64.
  FastFood(std::vector<int64_t> shape, at::Tensor signs, at::Tensor permutation,
           at::Tensor normals);

  // z [n, z_dim] -> [n, shape]. Where z is longer than LL only its first LL entries are read.
  at::Tensor operator()(const at::Tensor& z) const;

 private:
  void set_divisor();

  std::vector<int64_t> shape_;
  int64_t dim_, length_;
  at::Tensor signs_, permutation_, normals_;  // [LL]
  double divisor_ = 1;
};

// v [n, 2^k] -> H v for every row, in natural order: H_ij = (-1)^popcount(i and j).
at::Tensor walsh_hadamard(const at::Tensor& v);

}  // namespace tenfold::prequential_icl
