#define TENFOLD_ISA avx2
#include "common/kernels/rotary_attention_rows.h"

namespace tenfold::kernels {

const RotaryTable kRotaryAvx2 = {avx2::rotary_attention, avx2::rotary_attention_backward};

}  // namespace tenfold::kernels
