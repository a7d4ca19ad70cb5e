#define TENFOLD_ISA avx512
#include "common/kernels/causal_attention_rows.h"

namespace tenfold::kernels {

const AttentionTable kAttentionAvx512 = {avx512::causal_attention,
                                         avx512::causal_attention_backward};

}  // namespace tenfold::kernels
