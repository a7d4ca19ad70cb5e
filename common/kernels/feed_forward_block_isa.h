// One table of functions for each instruction set; internal to feed_forward_block.
#pragma once

#include "common/kernels/feed_forward_block.h"

namespace tenfold::kernels {

struct FeedForwardTable {
  decltype(&feed_forward_pack_floats) pack_floats;
  decltype(&feed_forward_pack) pack;
  decltype(&feed_forward) forward;
  decltype(&feed_forward_backward) backward;
  decltype(&feed_forward_sums_floats) sums_floats;
  decltype(&feed_forward_unpack) unpack;
};

extern const FeedForwardTable kFeedForwardAvx2, kFeedForwardAvx512;

}  // namespace tenfold::kernels
