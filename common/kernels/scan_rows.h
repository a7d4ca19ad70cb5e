// What the loops of selective_scan and ssd_scan share, compiled once for every instruction set.
#pragma once

#include "common/kernels/strided_rows.h"
#include "common/kernels/vector_math.h"

namespace tenfold::kernels::TENFOLD_ISA {

// Calls body(first state, count) for groups of states; count.kValue is how many. `most` is as many
// as stay in registers together.
template <int most, class Body>
static inline void for_states(int64_t states, const Body& body) {
  int64_t n = 0;
  for (; n + most <= states; n += most) body(n, Count<most>{});
  for (; n + 4 <= states; n += 4) body(n, Count<4>{});
  for (; n < states; ++n) body(n, Count<1>{});
}

// Brings a row of the next chunk near: rows lie too far apart for the processor to see the pattern.
// (Beyond a sequence this touches its neighbour, or nothing.)
template <class T>
static inline void prefetch(const StridedRows<T>& rows, int64_t sequence, int64_t time,
                            int64_t channel) {
  __builtin_prefetch(rows.row(sequence, time) + channel, 0, 2);
}

template <class T>
static inline void clear(T* memory, int64_t entries) {
  __builtin_memset(memory, 0, sizeof(T) * static_cast<size_t>(entries));
}

// Sums over channels of one chunk, [steps, 2 * states] with lanes still apart, into rows of the
// gradients of b and c.
template <class T>
static inline void write_sums(const Vector<T>* sums, int64_t steps, int64_t states, T* b, T* c) {
  for (int64_t t = 0; t < steps; ++t) {
    for (int64_t n = 0; n < states; ++n) {
      b[t * states + n] = sum_of_lanes<T>(sums[t * 2 * states + n]);
      c[t * states + n] = sum_of_lanes<T>(sums[t * 2 * states + states + n]);
    }
  }
}

}  // namespace tenfold::kernels::TENFOLD_ISA
