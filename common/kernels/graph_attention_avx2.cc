#define TENFOLD_ISA avx2
#include "common/kernels/graph_attention_rows.h"

namespace tenfold::kernels {

const GraphAttentionTable kGraphAttentionAvx2 = {
    avx2::graph_attention, avx2::graph_attention_backward, avx2::graph_attention_weights};

}  // namespace tenfold::kernels
