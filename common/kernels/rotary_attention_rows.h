// The arithmetic of rotary_attention.h, compiled once for every instruction set.
#pragma once

#include <math.h>
#include <stddef.h>

#include <vector>

#include "common/kernels/attention_rows.h"
#include "common/kernels/philox_fill.h"
#include "common/kernels/rotary_attention_isa.h"

namespace tenfold::kernels::TENFOLD_ISA {

// Pairs (x, y) of a row to (x cos - y sin, y cos + x sin), or, backwards, by the negative angle.
static inline void turn_row(const float* from, const float* turn, int64_t width, bool backwards,
                            float* to) {
  const float sign = backwards ? -1.0f : 1.0f;
  for (int64_t c = 0; c < width; c += 2) {
    const float x = from[c], y = from[c + 1], cosine = turn[c], sine = sign * turn[c + 1];
    to[c] = x * cosine - y * sine;
    to[c + 1] = y * cosine + x * sine;
  }
}

// One head of one sequence.
struct RotaryHead {
  const RotaryShape& shape;
  int64_t head, column;                      // head, and its first column
  int64_t query, queries, key, keys, width;  // first token and number of tokens

  RotaryHead(const RotaryShape& s, int64_t task)
      : shape(s),
        head(task % s.heads),
        column(head * s.head_dim),
        query(s.queries.begin[task / s.heads]),
        queries(s.queries.count[task / s.heads]),
        key(s.keys.begin[task / s.heads]),
        keys(s.keys.count[task / s.heads]),
        width(s.head_dim) {}

  int64_t norm_of(int64_t i) const { return 2 * ((query + i) * shape.heads + head); }
  const float* query_turn(int64_t i) const { return shape.queries.turn_of(query + i, width); }

  // Rows of q, k or v as the scores see them: [tokens, width] without gaps.
  void load_queries(const float* q, int64_t first, int64_t count, float* to) const {
    for (int64_t i = first; i < first + count; ++i, to += width) {
      const float* from = q + shape.queries.row_of(query + i) * shape.q_stride + column;
      turn_row(from, query_turn(i), width, false, to);
    }
  }
  void load_keys(const float* k, bool turned, float* to) const {
    for (int64_t j = key; j < key + keys; ++j, to += width) {
      const float* from = k + shape.keys.row_of(j) * shape.kv_stride + column;
      if (turned) {
        turn_row(from, shape.keys.turn_of(j, width), width, false, to);
      } else {
        for (int64_t c = 0; c < width; ++c) to[c] = from[c];
      }
    }
  }
};

// What is left of one row of weights: `kept` [keys] holds 0 or 1 / (1 - rate).
class DropoutRow {
 public:
  DropoutRow(const AttentionDropout& dropout, const RotaryHead& head)
      : key_(dropout.key),
        head_(head),
        limit_(uint32_t(dropout.rate * 65536)),
        scale_(65536.0f / float(65536 - limit_)) {}

  bool on() const { return limit_ > 0; }

  // Writes whole groups of draws.
  void fill(int64_t i, float* kept) const {
    const uint64_t row = uint64_t((head_.query + i) * head_.shape.heads + head_.head) << 20;
    const uint32_t limit = limit_;
    const float scale = scale_;
    for (int64_t j = 0; j < head_.keys; j += kDraws) {
      uint32_t words[4 * kPhiloxGroup];
      philox_fill(row + uint64_t(j / kDraws * kPhiloxGroup), key_, words);
      uint16_t draws[kDraws];
      __builtin_memcpy(draws, words, sizeof draws);
      for (int64_t n = 0; n < kDraws; ++n) kept[j + n] = draws[n] < limit ? 0.0f : scale;
    }
  }
  static int64_t floats(int64_t keys) { return round_up(keys, kDraws); }

 private:
  static constexpr int64_t kDraws = 8 * kPhiloxGroup;  // two a word

  std::array<uint32_t, 2> key_;
  const RotaryHead& head_;
  uint32_t limit_;
  float scale_;
};

// Parts of one thread's memory, one after the other.
class ScratchParts {
 public:
  explicit ScratchParts(std::vector<float>& memory) : memory_(memory) {}

  // Twice the same calls of `take`: the first time they only count.
  template <class Take>
  void lay_out(const Take& take) {
    take(*this);
    memory_.resize(size_t(used_));
    base_ = memory_.data();
    used_ = 0;
    take(*this);
  }
  float* take(int64_t count) {
    float* here = base_ == nullptr ? nullptr : base_ + used_;
    used_ += round_up(count, 16);
    return here;
  }
  Panels panels(int64_t depth, int64_t columns) {
    return {take(Panels::floats(depth, columns)), depth, columns};
  }

 private:
  std::vector<float>& memory_;
  float* base_ = nullptr;
  int64_t used_ = 0;
};

static void forward_head(const RotaryHead& head, const RotaryInput& input,
                         const AttentionDropout& dropout, float* out, float* norms,
                         std::vector<float>& memory) {
  const RotaryShape& shape = head.shape;
  const int64_t keys = head.keys, width = head.width, pitch = score_pitch(keys),
                out_pitch = round_up(width, kPanel);
  Panels key_panels{}, value_panels{};
  float *rows = nullptr, *q = nullptr, *scores = nullptr, *mixed = nullptr, *kept = nullptr;
  ScratchParts parts(memory);
  parts.lay_out([&](ScratchParts& p) {
    key_panels = p.panels(width, keys);
    value_panels = p.panels(keys, width);
    rows = p.take(keys * width);
    q = p.take(kTileRows * width);
    scores = p.take(kTileRows * pitch);
    mixed = p.take(kTileRows * out_pitch);
    kept = p.take(DropoutRow::floats(keys));
  });
  head.load_keys(input.k, true, rows);
  key_panels.fill_transposed(rows, width);
  head.load_keys(input.v, shape.turn_values, rows);
  value_panels.fill(rows, width);
  const DropoutRow mask(dropout, head);
  const float scale = 1.0f / sqrtf(float(width));
  for (int64_t i0 = 0; i0 < head.queries; i0 += kTileRows) {
    const int64_t count = head.queries - i0 < kTileRows ? head.queries - i0 : kTileRows;
    head.load_queries(input.q, i0, count, q);
    multiply<false>(rows_of(q, width, 0, count), 0, width, key_panels, keys, scores, pitch);
    for (int64_t r = 0; r < count; ++r) {
      float* s = scores + r * pitch;
      softmax_row(s, keys, keys, scale, norms + head.norm_of(i0 + r));
      if (!mask.on()) continue;
      mask.fill(i0 + r, kept);
      for (int64_t j = 0; j < keys; j += kFloatLanes) store(s + j, load(s + j) * load(kept + j));
    }
    for (int64_t r = count; r < kTileRows; ++r)
      for (int64_t j = 0; j < keys; ++j) scores[r * pitch + j] = 0;
    multiply<false>(rows_of(scores, pitch), 0, keys, value_panels, width, mixed, out_pitch);
    for (int64_t r = 0; r < count; ++r) {
      float* m = mixed + r * out_pitch;
      const float inverse = norms[head.norm_of(i0 + r) + 1];
      for (int64_t c = 0; c < width; ++c) m[c] *= inverse;
      float* to = out + (head.query + i0 + r) * shape.out_stride + head.column;
      if (shape.turn_values) {
        turn_row(m, head.query_turn(i0 + r), width, true, to);
      } else {
        for (int64_t c = 0; c < width; ++c) to[c] = m[c];
      }
    }
  }
}

constexpr int64_t kBlockRows = 32;  // queries whose weights are kept at once on the way back

struct RotaryScratch {
  Panels keys_t, values_t, keys, queries, d_outs;
  float *rows, *q, *d_o;         // [keys, width], [kBlockRows, width]
  float *probability, *d_score;  // [kBlockRows][pitch]
  float *d_key, *d_value;        // [round_up(keys, 4)][width_pitch]
  float *d_query, *kept;
  int64_t pitch, width_pitch;

  RotaryScratch(const RotaryHead& head, std::vector<float>& memory) {
    const int64_t count = head.keys, width = head.width;
    pitch = score_pitch(count);
    width_pitch = round_up(width, kPanel);
    const int64_t whole = round_up(count, kTileRows) * width_pitch;
    ScratchParts parts(memory);
    parts.lay_out([&](ScratchParts& p) {
      keys_t = p.panels(width, count);
      values_t = p.panels(width, count);
      keys = p.panels(count, width);
      queries = p.panels(kBlockRows, width);
      d_outs = p.panels(kBlockRows, width);
      rows = p.take(count * width);
      q = p.take(kBlockRows * width);
      d_o = p.take(kBlockRows * width);
      probability = p.take(kBlockRows * pitch);
      d_score = p.take(kBlockRows * pitch);
      d_key = p.take(whole);
      d_value = p.take(whole);
      d_query = p.take(kTileRows * width_pitch);
      kept = p.take(DropoutRow::floats(count));
    });
    for (int64_t i = 0; i < whole; ++i) d_key[i] = d_value[i] = 0;
  }
};

// The gradient of what query i read, before it was turned back.
static inline void load_d_out(const RotaryHead& head, const float* d_out, int64_t i, float* to) {
  const float* from = d_out + (head.query + i) * head.shape.out_stride + head.column;
  if (head.shape.turn_values) {
    turn_row(from, head.query_turn(i), head.width, false, to);
  } else {
    for (int64_t c = 0; c < head.width; ++c) to[c] = from[c];
  }
}

// Row of scores to weights (with dropout) and row of d_out . value to gradients of the scores.
// `dot` is out . d_out, which turning does not change.
static inline void row_gradients(const RotaryHead& head, const DropoutRow& mask, int64_t i,
                                 float dot, const float* norm, float scale, float* p, float* d,
                                 float* kept) {
  if (mask.on()) mask.fill(i, kept);
  const int64_t keys = head.keys;
  for (int64_t j = 0; j < keys; j += kFloatLanes) {
    const Floats e = only(exp_negative(load(p + j) * scale - norm[0]) * norm[1], j, keys, 0);
    if (mask.on()) {
      const Floats m = only(load(kept + j), j, keys, 0);
      store(p + j, e * m);
      store(d + j, e * (load(d + j) * m - dot) * scale);
    } else {
      store(p + j, e);
      store(d + j, e * (load(d + j) - dot) * scale);
    }
  }
}

static void backward_head(const RotaryHead& head, const RotaryInput& input,
                          const AttentionDropout& dropout, const float* out, const float* d_out,
                          const float* norms, float* dq, float* dk, float* dv,
                          std::vector<float>& memory) {
  const RotaryShape& shape = head.shape;
  const int64_t keys = head.keys, width = head.width;
  const RotaryScratch s(head, memory);
  const DropoutRow mask(dropout, head);
  const float scale = 1.0f / sqrtf(float(width));
  head.load_keys(input.v, shape.turn_values, s.rows);
  s.values_t.fill_transposed(s.rows, width);
  head.load_keys(input.k, true, s.rows);
  s.keys_t.fill_transposed(s.rows, width);
  s.keys.fill(s.rows, width);
  for (int64_t first = 0; first < head.queries; first += kBlockRows) {
    const int64_t count = head.queries - first < kBlockRows ? head.queries - first : kBlockRows;
    head.load_queries(input.q, first, count, s.q);
    for (int64_t r = 0; r < count; ++r) load_d_out(head, d_out, first + r, s.d_o + r * width);
    const Panels queries{s.queries.data, count, width}, d_outs{s.d_outs.data, count, width};
    queries.fill(s.q, width);
    d_outs.fill(s.d_o, width);
    for (int64_t r0 = 0; r0 < count; r0 += kTileRows) {
      float *p = s.probability + r0 * s.pitch, *d = s.d_score + r0 * s.pitch;
      multiply<false>(rows_of(s.q, width, r0, count), 0, width, s.keys_t, keys, p, s.pitch);
      multiply<false>(rows_of(s.d_o, width, r0, count), 0, width, s.values_t, keys, d, s.pitch);
      for (int64_t r = 0; r < kTileRows; ++r) {
        const int64_t i = first + r0 + r;
        if (r0 + r >= count) {
          for (int64_t j = 0; j < keys; ++j) p[r * s.pitch + j] = d[r * s.pitch + j] = 0;
          continue;
        }
        const int64_t at = (head.query + i) * shape.out_stride + head.column;
        row_gradients(head, mask, i, dot_of(out + at, d_out + at, width), norms + head.norm_of(i),
                      scale, p + r * s.pitch, d + r * s.pitch, s.kept);
      }
      multiply<false>(rows_of(d, s.pitch), 0, keys, s.keys, width, s.d_query, s.width_pitch);
      for (int64_t r = 0; r < kTileRows && r0 + r < count; ++r) {
        const int64_t i = first + r0 + r;
        turn_row(s.d_query + r * s.width_pitch, head.query_turn(i), width, true,
                 dq + (head.query + i) * shape.dq_stride + head.column);
      }
    }
    for (int64_t j = 0; j < keys; j += kTileRows) {
      const auto columns_of = [&](const float* m) {
        return Rows{{m + j, m + j + 1, m + j + 2, m + j + 3}, s.pitch};
      };
      multiply<true>(columns_of(s.d_score), 0, count, queries, width, s.d_key + j * s.width_pitch,
                     s.width_pitch);
      multiply<true>(columns_of(s.probability), 0, count, d_outs, width,
                     s.d_value + j * s.width_pitch, s.width_pitch);
    }
  }
  for (int64_t j = 0; j < keys; ++j) {
    const float* turn = shape.keys.turn_of(head.key + j, width);
    const int64_t to = (head.key + j) * shape.dkv_stride + head.column;
    turn_row(s.d_key + j * s.width_pitch, turn, width, true, dk + to);
    if (shape.turn_values) {
      turn_row(s.d_value + j * s.width_pitch, turn, width, true, dv + to);
    } else {
      for (int64_t c = 0; c < width; ++c) dv[to + c] = s.d_value[j * s.width_pitch + c];
    }
  }
}

static std::vector<float>& thread_scratch() {
  static thread_local std::vector<float> scratch;
  return scratch;
}

static void clear_queries(const RotaryHead& head, int64_t stride, float* to) {
  for (int64_t i = 0; i < head.queries; ++i)
    for (int64_t c = 0; c < head.width; ++c) to[(head.query + i) * stride + head.column + c] = 0;
}

static void rotary_attention(const RotaryShape& shape, const RotaryInput& input,
                             const AttentionDropout& dropout, int64_t first, int64_t end,
                             float* out, float* norms) {
  for (int64_t task = first; task < end; ++task) {
    const RotaryHead head(shape, task);
    if (head.keys == 0) {
      clear_queries(head, shape.out_stride, out);
    } else {
      forward_head(head, input, dropout, out, norms, thread_scratch());
    }
  }
}

static void rotary_attention_backward(const RotaryShape& shape, const RotaryInput& input,
                                      const AttentionDropout& dropout, const float* out,
                                      const float* d_out, const float* norms, int64_t first,
                                      int64_t end, float* dq, float* dk, float* dv) {
  for (int64_t task = first; task < end; ++task) {
    const RotaryHead head(shape, task);
    if (head.keys == 0) {
      clear_queries(head, shape.dq_stride, dq);
    } else {
      backward_head(head, input, dropout, out, d_out, norms, dq, dk, dv, thread_scratch());
    }
  }
}

}  // namespace tenfold::kernels::TENFOLD_ISA
