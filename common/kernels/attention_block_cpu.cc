#include "common/kernels/attention_block.h"
#include "common/kernels/attention_block_isa.h"
#include "common/kernels/isa.h"
#include "common/kernels/philox_fill.h"

namespace tenfold::kernels {
namespace {

const AttentionBlockTable& table() {
  return use_avx512() ? kAttentionBlockAvx512 : kAttentionBlockAvx2;
}

}  // namespace

int64_t attention_block_pack_floats(const AttentionBlock& block) {
  return table().pack_floats(block);
}

void attention_block_pack(const AttentionBlock& block, float* packed) {
  table().pack(block, packed);
}

int64_t attention_block_part_floats(const AttentionBlock& block) {
  constexpr int64_t kWidest = 32;  // panel of any instruction set
  return 3 * block.heads * ((block.head_dim + kWidest - 1) / kWidest * kWidest);
}

int64_t attention_block_kept_words(const AttentionBlock& block, int64_t longest) {
  constexpr int64_t kGroup = 8 * kPhiloxGroup;
  return block.heads * ((longest + kGroup - 1) / kGroup * kGroup / 32);
}

void attention_block_heads(const AttentionBlockCall& call, int64_t first, int64_t end, float* mixed,
                           float* norms) {
  table().heads(call, first, end, mixed, norms);
}

void attention_block_project(const AttentionBlockCall& call, const float* mixed, const float* bias,
                             float* y) {
  table().project(call, mixed, bias, y);
}

void attention_block_backward(const AttentionBlockCall& call, const float* mixed,
                              const float* norms, const float* d_y, bool add, float* d_x,
                              float* sums) {
  table().backward(call, mixed, norms, d_y, add, d_x, sums);
}

int64_t attention_block_sums_floats(const AttentionBlock& block) {
  return table().sums_floats(block);
}

void attention_block_unpack(const AttentionBlock& block, const float* sums, float* d_qkv,
                            float* d_out) {
  table().unpack(block, sums, d_qkv, d_out);
}

}  // namespace tenfold::kernels
