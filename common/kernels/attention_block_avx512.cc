#define TENFOLD_ISA avx512
#include "common/kernels/attention_block_rows.h"

namespace tenfold::kernels {

const AttentionBlockTable kAttentionBlockAvx512 = {
    avx512::attention_block_pack_floats, avx512::attention_block_pack,
    avx512::attention_block_heads,       avx512::attention_block_project,
    avx512::attention_block_backward,    avx512::attention_block_sums_floats,
    avx512::attention_block_unpack};

}  // namespace tenfold::kernels
