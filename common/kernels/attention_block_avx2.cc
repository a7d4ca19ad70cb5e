#define TENFOLD_ISA avx2
#include "common/kernels/attention_block_rows.h"

namespace tenfold::kernels {

const AttentionBlockTable kAttentionBlockAvx2 = {
    avx2::attention_block_pack_floats, avx2::attention_block_pack,
    avx2::attention_block_heads,       avx2::attention_block_project,
    avx2::attention_block_backward,    avx2::attention_block_sums_floats,
    avx2::attention_block_unpack};

}  // namespace tenfold::kernels
