#define TENFOLD_ISA avx2
#include "common/kernels/feed_forward_block_rows.h"

namespace tenfold::kernels {

const FeedForwardTable kFeedForwardAvx2 = {
    avx2::feed_forward_pack_floats, avx2::feed_forward_pack,        avx2::feed_forward,
    avx2::feed_forward_backward,    avx2::feed_forward_sums_floats, avx2::feed_forward_unpack};

}  // namespace tenfold::kernels
