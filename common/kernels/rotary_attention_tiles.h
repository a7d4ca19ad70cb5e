// What the bodies of rotary_attention_blocks.h share: which tile a block owns, tiles of rows in
// shared memory, and products of two tiles by the threads of a block.
#pragma once

#include <math.h>

#include "common/kernels/blocks.h"
#include "common/kernels/philox_body.h"
#include "common/kernels/rotary_attention.h"

namespace tenfold::kernels {

constexpr int kRotaryTile = 32;                // queries or keys
constexpr int kRotaryPitch = kRotaryTile + 1;  // of a tile of scores; odd: rows in different banks
constexpr int kRotaryLanes = 16;               // threads along a row of a product
constexpr int kRotaryScores = kRotaryTile * kRotaryPitch;

// What every body is told; all pointers are the device's.
struct RotaryCall {
  RotaryShape shape;
  RotaryInput input;
  DropoutDraws dropout;
  float scale;
};

inline RotaryCall rotary_call(const RotaryShape& shape, const RotaryInput& input,
                              const AttentionDropout& dropout) {
  return {shape, input, dropout_draws(dropout.rate, dropout.key),
          1.0f / sqrtf(static_cast<float>(shape.head_dim))};
}

// One head of one sequence, and the tile of one side that a block owns.
struct RotaryOwn {
  int64_t head, query, queries, key, keys;  // tokens: first and number
  int64_t first;                            // of the tile, in its side
  int pitch;                                // of a tile of rows: odd

  // `most` is the greatest number of tokens of a sequence on the side that is tiled.
  TENFOLD_HOST_DEVICE RotaryOwn(const RotaryShape& shape, int64_t block, int64_t most) {
    // A grid has fewer than 2^31 blocks, and 32-bit division is cheaper.
    const auto b = static_cast<uint32_t>(block),
               tiles = static_cast<uint32_t>(divide_up(most, kRotaryTile)),
               heads = static_cast<uint32_t>(shape.heads), task = b / tiles,
               sequence = task / heads;
    head = task % heads;
    first = static_cast<int64_t>(b % tiles) * kRotaryTile;
    query = shape.queries.begin[sequence];
    queries = shape.queries.count[sequence];
    key = shape.keys.begin[sequence];
    keys = shape.keys.count[sequence];
    pitch = static_cast<int>(shape.head_dim) + 1;
  }
  TENFOLD_HOST_DEVICE int64_t row(const RotaryShape& shape, int64_t i) const {
    return (query + i) * shape.heads + head;
  }
};

TENFOLD_HOST_DEVICE inline int64_t rotary_rounds(int64_t own, int64_t other) {
  return own <= 0 ? 0 : (other == 0 ? 1 : divide_up(other, kRotaryTile));
}

// (x, y) by the pair's angle, or, backwards, by the negative one.
TENFOLD_HOST_DEVICE inline void turn_pair(float x, float y, const float* turn, bool backwards,
                                          float* to) {
  const float cosine = constant(turn), sine = backwards ? -constant(turn + 1) : constant(turn + 1);
  to[0] = x * cosine - y * sine;
  to[1] = y * cosine + x * sine;
}

// Where the vectors of the tokens of a side stand.
struct RotaryRows {
  const float* data;
  int64_t stride;
  const TokenSide& side;
  bool shared_rows;  // by side.row_of, else by token
  bool turned;
};

// A tile of rows into shared memory: tokens token .. token + kRotaryTile - 1 of a head, zeros from
// `count` on.
TENFOLD_HOST_DEVICE inline void load_tile(const RotaryRows& rows, int64_t token, int64_t count,
                                          int64_t head, int64_t width, int thread, float* to) {
  const int pairs = static_cast<int>(width / 2);
  for (int n = thread; n < kRotaryTile * pairs; n += kMaxThreads) {
    const int r = n / pairs, c = 2 * (n % pairs);
    float* pair = to + r * (width + 1) + c;
    if (r >= count) {
      pair[0] = pair[1] = 0;
      continue;
    }
    const int64_t at = rows.shared_rows ? rows.side.row_of(token + r) : token + r;
    const float* from = rows.data + at * rows.stride + head * width + c;
    if (rows.turned) {
      turn_pair(constant(from), constant(from + 1), rows.side.turn_of(token + r, width) + c, false,
                pair);
    } else {
      pair[0] = constant(from);
      pair[1] = constant(from + 1);
    }
  }
}

// A tile of sums back to memory, turned back.
TENFOLD_HOST_DEVICE inline void store_tile(const float* from, const TokenSide& side, bool turned,
                                           int64_t token, int64_t count, int64_t head,
                                           int64_t width, int64_t stride, int thread, float* to) {
  const int pairs = static_cast<int>(width / 2);
  for (int n = thread; n < kRotaryTile * pairs; n += kMaxThreads) {
    const int r = n / pairs, c = 2 * (n % pairs);
    if (r >= count) return;
    const float* pair = from + r * (width + 1) + c;
    float* at = to + (token + r) * stride + head * width + c;
    if (turned) {
      turn_pair(pair[0], pair[1], side.turn_of(token + r, width) + c, true, at);
    } else {
      at[0] = pair[0];
      at[1] = pair[1];
    }
  }
}

// What a thread owns of a product of two tiles of rows: two rows of the first by two neighbours of
// the second.
struct RotaryCell {
  int row, column;

  TENFOLD_HOST_DEVICE explicit RotaryCell(int thread)
      : row(thread / kRotaryLanes), column(2 * (thread % kRotaryLanes)) {}
};
constexpr int kRotaryHalf = kMaxThreads / kRotaryLanes;  // rows between the two of a thread

TENFOLD_HOST_DEVICE inline void dot_products(const float* a, const float* b, int pitch,
                                             int64_t width, const RotaryCell& own,
                                             float (&out)[2][2]) {
  const float *a0 = a + own.row * pitch, *a1 = a0 + kRotaryHalf * pitch,
              *b0 = b + own.column * pitch, *b1 = b0 + pitch;
  out[0][0] = out[0][1] = out[1][0] = out[1][1] = 0;
  for (int64_t c = 0; c < width; ++c) {
    out[0][0] += a0[c] * b0[c];
    out[0][1] += a0[c] * b1[c];
    out[1][0] += a1[c] * b0[c];
    out[1][1] += a1[c] * b1[c];
  }
}

// to[row] = to[row] * kept(row) + sum_j weight(row, j) from[j], tiles of rows, for the rows and
// columns of one thread.
template <class Kept, class Weight>
TENFOLD_HOST_DEVICE inline void add_product(const Kept& kept, const Weight& weight,
                                            const float* from, int pitch, int64_t width, int thread,
                                            float* to) {
  constexpr int kEach = 4;  // columns at a time
  const int row = thread / kRotaryLanes;
  const float keep[2] = {kept(row), kept(row + kRotaryHalf)};
  for (int64_t first = thread % kRotaryLanes; first < width; first += kEach * kRotaryLanes) {
    float sum[2][kEach] = {};
    for (int j = 0; j < kRotaryTile; ++j) {
      const float upper = weight(row, j), lower = weight(row + kRotaryHalf, j);
#pragma unroll
      for (int k = 0; k < kEach; ++k) {
        if (first + k * kRotaryLanes < width) {
          const float x = from[j * pitch + first + k * kRotaryLanes];
          sum[0][k] += upper * x;
          sum[1][k] += lower * x;
        }
      }
    }
#pragma unroll
    for (int k = 0; k < kEach; ++k) {
      const int64_t c = first + k * kRotaryLanes;
      if (c >= width) continue;
      for (int half = 0; half < 2; ++half) {
        float& entry = to[(row + half * kRotaryHalf) * pitch + c];
        entry = entry * keep[half] + sum[half][k];
      }
    }
  }
}

TENFOLD_HOST_DEVICE inline void clear_tile(int pitch, int thread, float* tile) {
  for (int n = thread; n < kRotaryTile * pitch; n += kMaxThreads) tile[n] = 0;
}

// Which weights of a query are dropped: the counters of rotary_attention.h.
TENFOLD_HOST_DEVICE inline uint64_t rotary_draws(const RotaryShape& shape, const RotaryOwn& own,
                                                 int64_t query) {
  return static_cast<uint64_t>(own.row(shape, query)) << 20;
}

}  // namespace tenfold::kernels
