// Rows in a fixed number of chunks: sums over rows then have one order, whatever the number of
// threads.
#pragma once

#include <ATen/Parallel.h>
#include <ATen/ops/zeros.h>

#include <algorithm>

#include "common/kernels/post_norm.h"

namespace tenfold::nn {

constexpr int64_t kChunks = 16;

// body(chunk, first row, rows) for every chunk that has rows, of kCount chunks.
template <int64_t kCount = kChunks, class Body>
void for_chunks(int64_t rows, const Body& body) {
  const int64_t size = (rows + kCount - 1) / kCount;
  at::parallel_for(0, kCount, 1, [&](int64_t first, int64_t end) {
    for (int64_t c = first; c < end; ++c) {
      if (c * size < rows) body(c, c * size, std::min(size, rows - c * size));
    }
  });
}

// How many chunks have rows; the first ones.
template <int64_t kCount>
int64_t chunks_of(int64_t rows) {
  const int64_t size = (rows + kCount - 1) / kCount;
  return size == 0 ? 0 : (rows + size - 1) / size;
}

// [width] from one row a chunk.
inline at::Tensor add_up(const at::Tensor& partial) {
  at::Tensor sum = at::zeros({partial.size(1)}, partial.options());
  kernels::column_sum(partial.size(0), partial.size(1), partial.data_ptr<float>(),
                      sum.data_ptr<float>());
  return sum;
}

}  // namespace tenfold::nn
