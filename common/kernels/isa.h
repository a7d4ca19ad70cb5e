// Which of the twins of a CPU kernel runs here.
#pragma once

namespace tenfold::kernels {

// Whether this processor has AVX-512 (F, BW, DQ, VL) and TENFOLD_SIMD is not "avx2"; asked once.
bool use_avx512();

}  // namespace tenfold::kernels
