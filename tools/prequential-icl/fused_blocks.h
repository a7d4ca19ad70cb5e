// The blocks of encoder_layer.h on the CPU in float32, with hand-written gradients: one pass over
// memory for everything that is not a matrix product.
#pragma once

#include <ATen/core/Tensor.h>

namespace tenfold::prequential_icl {

struct AttentionBlock;
struct FeedForwardBlock;

constexpr double kNormEps = 1e-5;

// Shapes as in encoder_layer.h; no relative keys. Sums over rows are taken in a fixed order,
// whatever the number of threads.
at::Tensor fused_attention(const AttentionBlock& block, const at::Tensor& query,
                           const at::Tensor& memory);
// relu(x W^T + b): x [rows, in], weight [out, in] -> [rows, out].
at::Tensor fused_linear_relu(const at::Tensor& x, const at::Tensor& weight, const at::Tensor& bias);

at::Tensor fused_feed_forward(const FeedForwardBlock& block, const at::Tensor& x);

}  // namespace tenfold::prequential_icl
