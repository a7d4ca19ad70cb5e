#define TENFOLD_ISA avx512
#include "common/kernels/graph_attention_rows.h"

namespace tenfold::kernels {

const GraphAttentionTable kGraphAttentionAvx512 = {
    avx512::graph_attention, avx512::graph_attention_backward, avx512::graph_attention_weights};

}  // namespace tenfold::kernels
