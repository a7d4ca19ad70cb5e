// Dropout with draws that are a function of (key, number of the element), so that the
// way back needs no mask.
#pragma once

#include <stdint.h>

#include <array>

namespace tenfold::kernels {

constexpr int64_t kDropoutGroup = 128;  // elements that share a group of draws

// out[i] = 0 with probability `rate` (in steps of 2^-16), else x[i] / (1 - rate), for the elements
// first .. end - 1, where `first` is a multiple of kDropoutGroup. In place where out is x.
void dropout(const float* x, double rate, std::array<uint32_t, 2> key, int64_t first, int64_t end,
             float* out);

// out[i] = x[i] + what dropout leaves of branch[i]; in place where out is x.
void add_dropped(const float* x, const float* branch, double rate, std::array<uint32_t, 2> key,
                 int64_t first, int64_t end, float* out);

// Both on device memory, for all n elements: the same draws. Queued on `stream` (a cudaStream_t);
// throw Unavailable in a CPU-only build or when the device refuses the launch.
void dropout_cuda(const float* x, double rate, std::array<uint32_t, 2> key, int64_t n, float* out,
                  void* stream);
void add_dropped_cuda(const float* x, const float* branch, double rate, std::array<uint32_t, 2> key,
                      int64_t n, float* out, void* stream);

}  // namespace tenfold::kernels
