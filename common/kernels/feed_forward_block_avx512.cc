#define TENFOLD_ISA avx512
#include "common/kernels/feed_forward_block_rows.h"

namespace tenfold::kernels {

const FeedForwardTable kFeedForwardAvx512 = {avx512::feed_forward_pack_floats,
                                             avx512::feed_forward_pack,
                                             avx512::feed_forward,
                                             avx512::feed_forward_backward,
                                             avx512::feed_forward_sums_floats,
                                             avx512::feed_forward_unpack};

}  // namespace tenfold::kernels
