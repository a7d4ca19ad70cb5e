#include "common/kernels/feed_forward_block.h"
#include "common/kernels/feed_forward_block_isa.h"
#include "common/kernels/isa.h"

namespace tenfold::kernels {
namespace {

const FeedForwardTable& table() { return use_avx512() ? kFeedForwardAvx512 : kFeedForwardAvx2; }

}  // namespace

int64_t feed_forward_pack_floats(const FeedForwardBlock& block) {
  return table().pack_floats(block);
}

void feed_forward_pack(const FeedForwardBlock& block, float* packed) {
  table().pack(block, packed);
}

void feed_forward(const FeedForwardCall& call, float* y) { table().forward(call, y); }

void feed_forward_backward(const FeedForwardCall& call, const float* d_y, bool add, float* d_x,
                           float* sums) {
  table().backward(call, d_y, add, d_x, sums);
}

int64_t feed_forward_sums_floats(const FeedForwardBlock& block) {
  return table().sums_floats(block);
}

void feed_forward_unpack(const FeedForwardBlock& block, const float* sums, float* d_in,
                         float* d_in_bias, float* d_out) {
  table().unpack(block, sums, d_in, d_in_bias, d_out);
}

}  // namespace tenfold::kernels
