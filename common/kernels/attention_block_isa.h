// One table of functions for each instruction set; internal to attention_block.
#pragma once

#include "common/kernels/attention_block.h"

namespace tenfold::kernels {

struct AttentionBlockTable {
  decltype(&attention_block_pack_floats) pack_floats;
  decltype(&attention_block_pack) pack;
  decltype(&attention_block_heads) heads;
  decltype(&attention_block_project) project;
  decltype(&attention_block_backward) backward;
  decltype(&attention_block_sums_floats) sums_floats;
  decltype(&attention_block_unpack) unpack;
};

extern const AttentionBlockTable kAttentionBlockAvx2, kAttentionBlockAvx512;

}  // namespace tenfold::kernels
