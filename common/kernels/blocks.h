// A device kernel as a plain object, so that a test runs it on the host block by block. Such a body
// has, besides its arguments,
//   static constexpr int kPhases      phases; a barrier of the block lies between two of them
//   int64_t blocks() const            the grid
//   int threads() const               of a block, at most kMaxThreads
//   int64_t shared_bytes() const      memory that the threads of a block share; contents undefined
//   void operator()(int phase, const Place& at, void* shared) const
// and, where a block takes all phases as often as its data ask for,
//   int64_t rounds(int64_t block) const
// and a thread keeps nothing from one phase to the next but what lies in shared memory.
#pragma once

#include <stdint.h>

#include "common/kernels/host_device.h"

namespace tenfold::kernels {

constexpr int kMaxThreads = 256;

struct Place {
  int64_t block;
  int thread;
  int64_t round = 0;
};

// How often a block takes all phases: body.rounds(block) where the body has it, else once.
template <class Body>
TENFOLD_HOST_DEVICE inline auto rounds_of(const Body& body, int64_t block, int)
    -> decltype(body.rounds(block)) {
  return body.rounds(block);
}
template <class Body>
TENFOLD_HOST_DEVICE inline int64_t rounds_of(const Body&, int64_t, long) {
  return 1;
}

// A load from memory that the kernel does not write, so that it may move ahead of stores.
template <class T>
TENFOLD_HOST_DEVICE inline T constant(const T* from) {
#if defined(__CUDA_ARCH__)
  return __ldg(from);
#else
  return *from;
#endif
}

TENFOLD_HOST_DEVICE inline int64_t divide_up(int64_t n, int64_t by) { return (n + by - 1) / by; }

// How many threads lie along a row of `width` columns: whole warps.
inline int lanes_for(int64_t width) { return width <= 32 ? 32 : width <= 64 ? 64 : 128; }

// Which row and which first column block `block` owns, where a row of `width` columns is cut into
// tiles of `lanes`. A grid has fewer than 2^31 blocks, and 32-bit division is cheaper.
struct BlockTile {
  int64_t row, column;

  TENFOLD_HOST_DEVICE BlockTile(int64_t block, int64_t width, int lanes) {
    const auto b = static_cast<uint32_t>(block),
               tiles = static_cast<uint32_t>(divide_up(width, lanes));
    row = b / tiles;
    column = static_cast<int64_t>(b % tiles) * lanes;
  }
};

}  // namespace tenfold::kernels
