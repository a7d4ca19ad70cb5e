// Which path MKL's matrix products take (see gemm_backend.cc).
#pragma once

#include <string>

namespace tenfold {

// "avx512-on-amd" where MKL was told to use its AVX-512 path, else "stock".
std::string gemm_backend();

// Compares a few products with a plain loop; throws NumericError when they disagree.
void gemm_self_test();

}  // namespace tenfold
