// Launches a body of blocks.h on the device; for *_cuda.cu only.
#pragma once

#include <cuda_runtime.h>

#include <cstdint>
#include <limits>
#include <string>

#include "common/core/error.h"
#include "common/kernels/blocks.h"

namespace tenfold::kernels {

template <class Body>
__global__ void __launch_bounds__(kMaxThreads) run_block(const Body body) {
  extern __shared__ double shared[];  // double: aligned for float as well
  const int64_t rounds = rounds_of(body, blockIdx.x, 0);
  for (int64_t n = 0; n < rounds; ++n) {
    const Place at{blockIdx.x, static_cast<int>(threadIdx.x), n};
    if (n > 0) __syncthreads();
#pragma unroll
    for (int phase = 0; phase < Body::kPhases; ++phase) {
      if (phase > 0) __syncthreads();
      body(phase, at, shared);
    }
  }
}

constexpr int64_t kPlainShared = 48 << 10;  // bytes that a block gets unasked

// Queues every block on `stream` (a cudaStream_t) and returns. Throws DataError for more blocks
// than a grid holds, Unavailable with CUDA's reason when the launch is refused.
template <class Body>
void launch(const std::string& name, const Body& body, void* stream) {
  const int64_t blocks = body.blocks();
  if (blocks == 0) return;
  if (blocks > std::numeric_limits<int32_t>::max()) {
    throw DataError(name + " on CUDA: too large for one launch");
  }
  const int64_t bytes = body.shared_bytes();
  const auto require = [&](cudaError_t error) {
    if (error != cudaSuccess) throw Unavailable(name + " on CUDA: " + cudaGetErrorString(error));
  };
  if (bytes > kPlainShared) {
    require(cudaFuncSetAttribute(run_block<Body>, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                 static_cast<int>(bytes)));
  }
  run_block<<<static_cast<unsigned>(blocks), static_cast<unsigned>(body.threads()),
              static_cast<size_t>(bytes), static_cast<cudaStream_t>(stream)>>>(body);
  require(cudaGetLastError());
}

}  // namespace tenfold::kernels
