// Runs a body of blocks.h on the host: block after block, phase after phase, thread after thread.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "common/kernels/blocks.h"

namespace tenfold::kernels {

// The order of blocks and of the threads within a phase; a body without races gives the same bytes
// in both.
enum class Order { kForward, kBackward };

template <class Body>
void run_blocks(const Body& body, Order order) {
  const auto at = [&](int64_t i, int64_t n) { return order == Order::kForward ? i : n - 1 - i; };
  for (int64_t block = 0; block < body.blocks(); ++block) {
    // All bits set is NaN: what is read before it is written shows in the result.
    const size_t bytes = static_cast<size_t>(body.shared_bytes());
    std::vector<double> shared(divide_up(body.shared_bytes(), sizeof(double)));
    if (bytes > 0) __builtin_memset(shared.data(), 0xFF, bytes);
    const int64_t own = at(block, body.blocks()), rounds = rounds_of(body, own, 0);
    for (int64_t step = 0; step < rounds * Body::kPhases; ++step) {
      for (int thread = 0; thread < body.threads(); ++thread) {
        const Place place{own, static_cast<int>(at(thread, body.threads())), step / Body::kPhases};
        body(static_cast<int>(step % Body::kPhases), place, shared.data());
      }
    }
  }
}

}  // namespace tenfold::kernels
