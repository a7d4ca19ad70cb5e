// What stands between the matrix products of a block, differentiable, each in one pass over memory.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>

namespace tenfold::poyo_decode {

// Which elements a dropout spares is a function of the key and the element's number.
struct Dropout {
  double rate = 0;  // 0: none
  std::array<uint32_t, 2> key = {0, 0};
};

// LayerNorm over the last dimension of x [rows, width], eps 1e-5.
at::Tensor normalised(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

// value * gelu(gate) for hidden [rows, 2 * width], values first, then dropout: [rows, width].
at::Tensor gated(const at::Tensor& hidden, const Dropout& dropout);

// x + dropout(branch), both [rows, width].
at::Tensor joined(const at::Tensor& x, const at::Tensor& branch, const Dropout& dropout);

}  // namespace tenfold::poyo_decode
