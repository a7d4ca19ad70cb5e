#define TENFOLD_ISA avx512
#include "common/kernels/rotary_attention_rows.h"

namespace tenfold::kernels {

const RotaryTable kRotaryAvx512 = {avx512::rotary_attention, avx512::rotary_attention_backward};

}  // namespace tenfold::kernels
