// The speed that other speeds are held against.
#pragma once

#include <cstdint>

namespace tenfold::bench {

// FLOP per second and core of at::mm on two [n, n] float32 matrices, with the threads and the GEMM
// backend that the process uses. The best of several runs in processor time, which other users of
// the machine hardly change; compare with FLOP per processor second.
double gemm_peak(int64_t n = 1024);

}  // namespace tenfold::bench
