// rotary_attention.h in blocks (blocks.h): a block takes one head of one sequence and a tile of its
// queries (for the output and the queries' gradients) or of its keys (for theirs), and passes over
// the other side tile by tile, one a round. The softmax grows online; nothing is added up by
// atomics.
#pragma once

#include <math.h>

#include "common/kernels/rotary_attention_cuda.h"
#include "common/kernels/rotary_attention_tiles.h"
#include "common/kernels/segment_sum_body.h"

namespace tenfold::kernels {

struct RotaryForwardBlocks {
  static constexpr int kPhases = 5;
  RotaryCall call;
  int64_t most_queries;
  float *out, *norms;

  struct Shared {
    float *q, *k, *v, *mixed;  // tiles of rows
    float *score, *weight;     // [queries][kRotaryPitch]
    float *high, *sum;         // [2][queries]: before and after a round; [queries]

    TENFOLD_HOST_DEVICE Shared(void* memory, int pitch) {
      q = static_cast<float*>(memory);
      k = q + kRotaryTile * pitch;
      v = k + kRotaryTile * pitch;
      mixed = v + kRotaryTile * pitch;
      score = mixed + kRotaryTile * pitch;
      weight = score + kRotaryScores;
      high = weight + kRotaryScores;
      sum = high + 2 * kRotaryTile;
    }
  };

  int64_t blocks() const { return call.shape.tasks() * divide_up(most_queries, kRotaryTile); }
  int threads() const { return kMaxThreads; }
  int64_t shared_bytes() const {
    return int64_t{sizeof(float)} *
           (4 * kRotaryTile * (call.shape.head_dim + 1) + 2 * kRotaryScores + 3 * kRotaryTile);
  }
  TENFOLD_HOST_DEVICE int64_t rounds(int64_t block) const {
    const RotaryOwn own(call.shape, block, most_queries);
    return rotary_rounds(own.queries - own.first, own.keys);
  }

  TENFOLD_HOST_DEVICE void operator()(int phase, const Place& at, void* memory) const {
    const RotaryOwn own(call.shape, at.block, most_queries);
    const Shared s(memory, own.pitch);
    const int64_t key = at.round * kRotaryTile;  // first of this round
    const float *before = s.high + at.round % 2 * kRotaryTile,
                *after = s.high + (at.round + 1) % 2 * kRotaryTile;
    switch (phase) {
      case 0:
        return load(own, key, at, s);
      case 1:
        return multiply(own, key, at.thread, s);
      case 2:
        return weigh(own, key, at, s);
      case 3:
        return mix(own, before, after, at.thread, s);
      default:
        if (at.round + 1 == rounds(at.block)) finish(own, after, at.thread, s);
    }
  }

  TENFOLD_HOST_DEVICE void load(const RotaryOwn& own, int64_t key, const Place& at,
                                const Shared& s) const {
    const RotaryShape& shape = call.shape;
    const int64_t width = shape.head_dim;
    if (at.round == 0) {
      load_tile({call.input.q, shape.q_stride, shape.queries, true, true}, own.query + own.first,
                own.queries - own.first, own.head, width, at.thread, s.q);
      clear_tile(own.pitch, at.thread, s.mixed);
      if (at.thread < kRotaryTile) {
        s.high[at.thread] = -INFINITY;
        s.sum[at.thread] = 0;
      }
    }
    load_tile({call.input.k, shape.kv_stride, shape.keys, true, true}, own.key + key,
              own.keys - key, own.head, width, at.thread, s.k);
    load_tile({call.input.v, shape.kv_stride, shape.keys, true, shape.turn_values}, own.key + key,
              own.keys - key, own.head, width, at.thread, s.v);
  }

  TENFOLD_HOST_DEVICE void multiply(const RotaryOwn& own, int64_t key, int thread,
                                    const Shared& s) const {
    const RotaryCell cell(thread);
    float dots[2][2];
    dot_products(s.q, s.k, own.pitch, call.shape.head_dim, cell, dots);
    for (int half = 0; half < 2; ++half) {
      float* to = s.score + (cell.row + half * kRotaryHalf) * kRotaryPitch + cell.column;
      for (int n = 0; n < 2; ++n) {
        to[n] = key + cell.column + n < own.keys ? dots[half][n] * call.scale : -INFINITY;
      }
    }
  }

  // Scores to weights under the greatest score so far; a dropped one is negative, so that it still
  // counts in the sum.
  TENFOLD_HOST_DEVICE void weigh(const RotaryOwn& own, int64_t key, const Place& at,
                                 const Shared& s) const {
    constexpr int kThreads = kMaxThreads / kRotaryTile, kEach = kRotaryTile / kThreads;
    const int row = at.thread / kThreads, first = at.thread % kThreads * kEach;
    const float* score = s.score + row * kRotaryPitch;
    float high = s.high[at.round % 2 * kRotaryTile + row];
    for (int j = 0; j < kRotaryTile; ++j) high = fmaxf(high, score[j]);
    if (first == 0) s.high[(at.round + 1) % 2 * kRotaryTile + row] = high;
    PhiloxWords words{};
    if (call.dropout.on()) {
      words = call.dropout.block_of(rotary_draws(call.shape, own, own.first + row), key + first);
    }
    for (int j = first; j < first + kEach; ++j) {
      const float e = own.keys == 0 ? 0.0f : expf(score[j] - high);
      s.weight[row * kRotaryPitch + j] = call.dropout.drops(words, key + j) ? -e : e;
    }
  }

  TENFOLD_HOST_DEVICE void mix(const RotaryOwn& own, const float* before, const float* after,
                               int thread, const Shared& s) const {
    const auto kept = [&](int row) {
      return own.keys == 0 ? 0.0f : expf(before[row] - after[row]);
    };
    add_product(
        kept, [&](int row, int j) { return fmaxf(s.weight[row * kRotaryPitch + j], 0.0f); }, s.v,
        own.pitch, call.shape.head_dim, thread, s.mixed);
    if (thread >= kRotaryTile) return;
    float sum = s.sum[thread] * kept(thread);
    for (int j = 0; j < kRotaryTile; ++j) sum += fabsf(s.weight[thread * kRotaryPitch + j]);
    s.sum[thread] = sum;
  }

  TENFOLD_HOST_DEVICE void finish(const RotaryOwn& own, const float* high, int thread,
                                  const Shared& s) const {
    const RotaryShape& shape = call.shape;
    const int64_t width = shape.head_dim, count = own.queries - own.first;
    const int pairs = static_cast<int>(width / 2);
    for (int n = thread; n < kRotaryTile * pairs; n += kMaxThreads) {
      const int r = n / pairs, c = 2 * (n % pairs);
      if (r >= count) break;
      const int64_t token = own.query + own.first + r;
      const float factor = own.keys == 0 ? 0.0f : call.dropout.scale / s.sum[r];
      const float* mixed = s.mixed + r * own.pitch + c;
      const float x = mixed[0] * factor, y = mixed[1] * factor;
      float* to = out + token * shape.out_stride + own.head * width + c;
      if (shape.turn_values) {
        turn_pair(x, y, shape.queries.turn_of(token, width) + c, true, to);
      } else {
        to[0] = x;
        to[1] = y;
      }
    }
    if (thread < kRotaryTile && thread < count && own.keys > 0) {
      float* norm = norms + 2 * own.row(shape, own.first + thread);
      norm[0] = high[thread];
      norm[1] = 1.0f / s.sum[thread];
    }
  }
};

// dots [query tokens, heads]: out . d_out, which turning does not change.
struct RotaryDotBlocks {
  static constexpr int kPhases = 1;
  RotaryShape shape;
  int64_t most_queries;
  const float *out, *d_out;
  float* dots;

  int64_t blocks() const { return shape.tasks() * divide_up(most_queries, kRotaryTile); }
  int threads() const { return kRotaryTile; }
  int64_t shared_bytes() const { return 0; }

  TENFOLD_HOST_DEVICE void operator()(int, const Place& at, void*) const {
    const RotaryOwn own(shape, at.block, most_queries);
    const int64_t i = own.first + at.thread;
    if (i >= own.queries) return;
    const int64_t from = (own.query + i) * shape.out_stride + own.head * shape.head_dim;
    float sum = 0;
    for (int64_t c = from; c < from + shape.head_dim; ++c) {
      sum += constant(out + c) * constant(d_out + c);
    }
    dots[own.row(shape, i)] = sum;
  }
};

// What the two ways back share: a tile of queries and one of keys to the gradients of their scores.
struct RotaryBackward {
  RotaryCall call;
  const float *d_out, *norms, *dots;

  TENFOLD_HOST_DEVICE void load_queries(const RotaryOwn& own, int64_t query, int thread, float* q,
                                        float* d_read) const {
    const RotaryShape& shape = call.shape;
    load_tile({call.input.q, shape.q_stride, shape.queries, true, true}, own.query + query,
              own.queries - query, own.head, shape.head_dim, thread, q);
    load_tile({d_out, shape.out_stride, shape.queries, false, shape.turn_values}, own.query + query,
              own.queries - query, own.head, shape.head_dim, thread, d_read);
  }
  TENFOLD_HOST_DEVICE void load_keys(const RotaryOwn& own, int64_t key, int thread, float* k,
                                     float* v) const {
    const RotaryShape& shape = call.shape;
    load_tile({call.input.k, shape.kv_stride, shape.keys, true, true}, own.key + key,
              own.keys - key, own.head, shape.head_dim, thread, k);
    load_tile({call.input.v, shape.kv_stride, shape.keys, true, shape.turn_values}, own.key + key,
              own.keys - key, own.head, shape.head_dim, thread, v);
  }

  // d_score and, where wanted, weight [queries][kRotaryPitch].
  TENFOLD_HOST_DEVICE void differentiate(const RotaryOwn& own, int64_t query, int64_t key,
                                         int thread, const float* q, const float* d_read,
                                         const float* k, const float* v, float* d_score,
                                         float* weight) const {
    const RotaryCell cell(thread);
    float scores[2][2], slopes[2][2];
    dot_products(q, k, own.pitch, call.shape.head_dim, cell, scores);
    dot_products(d_read, v, own.pitch, call.shape.head_dim, cell, slopes);
    for (int half = 0; half < 2; ++half) {
      const int row = cell.row + half * kRotaryHalf, to = row * kRotaryPitch + cell.column;
      const int64_t i = query + row, j = key + cell.column, at = own.row(call.shape, i);
      PhiloxWords words{};
      if (call.dropout.on()) {
        words = call.dropout.block_of(rotary_draws(call.shape, own, i), j);
      }
      for (int n = 0; n < 2; ++n) {
        float e = 0, d = 0;
        const float left = call.dropout.drops(words, j + n) ? 0.0f : call.dropout.scale;
        if (i < own.queries && j + n < own.keys) {
          e = expf(scores[half][n] * call.scale - constant(norms + 2 * at)) *
              constant(norms + 2 * at + 1);
          d = e * (slopes[half][n] * left - constant(dots + at)) * call.scale;
        }
        d_score[to + n] = d;
        if (weight != nullptr) weight[to + n] = e * left;
      }
    }
  }
};

// Of a tile of queries.
struct RotaryQueryGradient {
  static constexpr int kPhases = 4;
  RotaryBackward with;
  int64_t most_queries;
  float* dq;

  int64_t blocks() const { return with.call.shape.tasks() * divide_up(most_queries, kRotaryTile); }
  int threads() const { return kMaxThreads; }
  int64_t shared_bytes() const {
    return int64_t{sizeof(float)} *
           (5 * kRotaryTile * (with.call.shape.head_dim + 1) + kRotaryScores);
  }
  TENFOLD_HOST_DEVICE int64_t rounds(int64_t block) const {
    const RotaryOwn own(with.call.shape, block, most_queries);
    return rotary_rounds(own.queries - own.first, own.keys);
  }

  TENFOLD_HOST_DEVICE void operator()(int phase, const Place& at, void* memory) const {
    const RotaryShape& shape = with.call.shape;
    const RotaryOwn own(shape, at.block, most_queries);
    const int tile = kRotaryTile * own.pitch;
    float *q = static_cast<float*>(memory), *d_read = q + tile, *k = d_read + tile, *v = k + tile,
          *sum = v + tile, *d_score = sum + tile;
    const int64_t key = at.round * kRotaryTile;
    if (phase == 0) {
      if (at.round == 0) {
        with.load_queries(own, own.first, at.thread, q, d_read);
        clear_tile(own.pitch, at.thread, sum);
      }
      with.load_keys(own, key, at.thread, k, v);
    } else if (phase == 1) {
      with.differentiate(own, own.first, key, at.thread, q, d_read, k, v, d_score, nullptr);
    } else if (phase == 2) {
      add_product([](int) { return 1.0f; },
                  [&](int row, int j) { return d_score[row * kRotaryPitch + j]; }, k, own.pitch,
                  shape.head_dim, at.thread, sum);
    } else if (at.round + 1 == rounds(at.block)) {
      store_tile(sum, shape.queries, true, own.query + own.first, own.queries - own.first, own.head,
                 shape.head_dim, shape.dq_stride, at.thread, dq);
    }
  }
};

// Of a tile of keys and their values.
struct RotaryKeyGradient {
  static constexpr int kPhases = 4;
  RotaryBackward with;
  int64_t most_keys;
  float *dk, *dv;

  int64_t blocks() const { return with.call.shape.tasks() * divide_up(most_keys, kRotaryTile); }
  int threads() const { return kMaxThreads; }
  int64_t shared_bytes() const {
    return int64_t{sizeof(float)} *
           (6 * kRotaryTile * (with.call.shape.head_dim + 1) + 2 * kRotaryScores);
  }
  TENFOLD_HOST_DEVICE int64_t rounds(int64_t block) const {
    const RotaryOwn own(with.call.shape, block, most_keys);
    return rotary_rounds(own.keys - own.first, own.queries);
  }

  TENFOLD_HOST_DEVICE void operator()(int phase, const Place& at, void* memory) const {
    const RotaryShape& shape = with.call.shape;
    const RotaryOwn own(shape, at.block, most_keys);
    const int tile = kRotaryTile * own.pitch;
    float *q = static_cast<float*>(memory), *d_read = q + tile, *k = d_read + tile, *v = k + tile,
          *key_sum = v + tile, *value_sum = key_sum + tile, *d_score = value_sum + tile,
          *weight = d_score + kRotaryScores;
    const int64_t query = at.round * kRotaryTile;
    if (phase == 0) {
      if (at.round == 0) {
        with.load_keys(own, own.first, at.thread, k, v);
        clear_tile(own.pitch, at.thread, key_sum);
        clear_tile(own.pitch, at.thread, value_sum);
      }
      with.load_queries(own, query, at.thread, q, d_read);
    } else if (phase == 1) {
      with.differentiate(own, query, own.first, at.thread, q, d_read, k, v, d_score, weight);
    } else if (phase == 2) {
      const auto whole = [](int) { return 1.0f; };
      add_product(
          whole, [&](int row, int j) { return d_score[j * kRotaryPitch + row]; }, q, own.pitch,
          shape.head_dim, at.thread, key_sum);
      add_product(
          whole, [&](int row, int j) { return weight[j * kRotaryPitch + row]; }, d_read, own.pitch,
          shape.head_dim, at.thread, value_sum);
    } else if (at.round + 1 == rounds(at.block)) {
      const int64_t token = own.key + own.first, count = own.keys - own.first;
      store_tile(key_sum, shape.keys, true, token, count, own.head, shape.head_dim,
                 shape.dkv_stride, at.thread, dk);
      store_tile(value_sum, shape.keys, shape.turn_values, token, count, own.head, shape.head_dim,
                 shape.dkv_stride, at.thread, dv);
    }
  }
};

// Sums of the tokens of every row, in the tokens' order (rotary_attention_cuda.h).
struct TokenSumTerm {
  const float* by_token;
  const int32_t *order, *offsets;
  int64_t width;
  float* sum;

  TENFOLD_HOST_DEVICE int64_t begin(int64_t row) const { return constant(offsets + row); }
  TENFOLD_HOST_DEVICE int64_t end(int64_t row) const { return constant(offsets + row + 1); }
  TENFOLD_HOST_DEVICE float entry(int64_t k, int64_t, int64_t column) const {
    return constant(by_token + constant(order + k) * width + column);
  }
  TENFOLD_HOST_DEVICE void finish(int64_t row, int64_t column, float total) const {
    sum[row * width + column] = total;
  }
};

// The launches of rotary_attention_cuda.h; run(body) launches a body, one after another.
template <class Run>
void rotary_attention_by_blocks(const RotaryShape& shape, const RotaryMost& most,
                                const RotaryInput& input, const AttentionDropout& dropout,
                                float* out, float* norms, const Run& run) {
  run(RotaryForwardBlocks{rotary_call(shape, input, dropout), most.queries, out, norms});
}

template <class Run>
void rotary_attention_backward_by_blocks(const RotaryShape& shape, const RotaryMost& most,
                                         const RotaryInput& input, const AttentionDropout& dropout,
                                         const float* out, const float* d_out, const float* norms,
                                         float* dots, float* dq, float* dk, float* dv,
                                         const Run& run) {
  run(RotaryDotBlocks{shape, most.queries, out, d_out, dots});
  const RotaryBackward with{rotary_call(shape, input, dropout), d_out, norms, dots};
  run(RotaryQueryGradient{with, most.queries, dq});
  run(RotaryKeyGradient{with, most.keys, dk, dv});
}

template <class Run>
void token_sum_by_blocks(const float* by_token, const int32_t* order, const int32_t* offsets,
                         int64_t rows, int64_t tokens, int64_t width, float* sum, const Run& run) {
  run(SegmentSum<float, TokenSumTerm>{segment_shape(rows, tokens, width),
                                      {by_token, order, offsets, width, sum}});
}

}  // namespace tenfold::kernels
