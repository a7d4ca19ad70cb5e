// What lies between the matrix products of a Mamba block, on the CPU in float32, with hand-written
// gradients: one pass over memory each.
#pragma once

#include <ATen/core/Tensor.h>

#include <utility>

namespace tenfold::prequential_icl {

struct NormParameters;

// Whether the functions below take x; mamba.cc composes ATen operators otherwise.
bool fits_fused_mamba(const at::Tensor& x);

// value * silu(gate) for both = [value, gate]: [batch, time, 2n] -> [batch, time, n].
at::Tensor fused_gate(const at::Tensor& both);

// RMSNorm(value * silu(gate)) * weight: [batch, time, n] each, weight [n].
at::Tensor fused_gated_rms(const at::Tensor& value, const at::Tensor& gate,
                           const at::Tensor& weight);

// {x + branch, LayerNorm(x + branch)}; without a branch (undefined) {x, LayerNorm(x)}.
std::pair<at::Tensor, at::Tensor> fused_norm_of_sum(const at::Tensor& x, const at::Tensor& branch,
                                                    const NormParameters& norm);

}  // namespace tenfold::prequential_icl
