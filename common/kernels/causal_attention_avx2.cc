#define TENFOLD_ISA avx2
#include "common/kernels/causal_attention_rows.h"

namespace tenfold::kernels {

const AttentionTable kAttentionAvx2 = {avx2::causal_attention, avx2::causal_attention_backward};

}  // namespace tenfold::kernels
