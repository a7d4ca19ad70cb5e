// The arithmetic of causal_attention.h, compiled once for every instruction set.
#pragma once

#include <math.h>
#include <stddef.h>

#include <vector>

#include "common/kernels/attention_rows.h"
#include "common/kernels/causal_attention_isa.h"

namespace tenfold::kernels::TENFOLD_ISA {

// One head of one sequence.
struct HeadView {
  const AttentionShape& shape;
  int64_t row, column;  // first row and column in q, k, v and out
  int64_t norms;        // where its [time] begins

  HeadView(const AttentionShape& s, int64_t task)
      : shape(s),
        row(task / s.heads * s.time),
        column(task % s.heads * s.head_dim),
        norms(task * s.time) {}

  template <class T>
  T* in(T* base, int64_t stride) const {
    return base + row * stride + column;
  }
};

static void forward_head(const HeadView& head, const AttentionInput& input, float* out,
                         float* norms, std::vector<float>& scratch) {
  const AttentionShape& shape = head.shape;
  const int64_t time = shape.time, width = shape.head_dim, pitch = score_pitch(time),
                out_pitch = round_up(width, kPanel);
  const int64_t key_floats = Panels::floats(width, time),
                value_floats = Panels::floats(time, width);
  scratch.resize(size_t(key_floats + value_floats + kTileRows * (pitch + out_pitch)));
  const Panels keys{scratch.data(), width, time}, values{keys.data + key_floats, time, width};
  float* scores = values.data + value_floats;
  float* mixed = scores + kTileRows * pitch;
  keys.fill_transposed(head.in(input.k, shape.k_stride), shape.k_stride);
  values.fill(head.in(input.v, shape.v_stride), shape.v_stride);
  const float* q = head.in(input.q, shape.q_stride);
  const float scale = 1.0f / sqrtf(float(width));
  for (int64_t i0 = 0; i0 < time; i0 += kTileRows) {
    const int64_t rows = time - i0 < kTileRows ? time - i0 : kTileRows, seen = i0 + rows;
    multiply<false>(rows_of(q, shape.q_stride, i0, time), 0, width, keys, seen, scores, pitch);
    float* norm = norms + 2 * (head.norms + i0);
    for (int64_t r = 0; r < rows; ++r)
      softmax_row(scores + r * pitch, i0 + r + 1, seen, scale, norm + 2 * r);
    for (int64_t r = rows; r < kTileRows; ++r)
      for (int64_t j = 0; j < seen; ++j) scores[r * pitch + j] = 0;
    multiply<false>(rows_of(scores, pitch), 0, seen, values, width, mixed, out_pitch);
    for (int64_t r = 0; r < rows; ++r) {
      float* to = head.in(out, shape.out_stride) + (i0 + r) * shape.out_stride;
      const float inverse = norm[2 * r + 1];
      for_columns<float>(width, [&](int64_t c, auto at) {
        at.set(to + c, load(mixed + r * out_pitch + c) * inverse);
      });
    }
  }
}

constexpr int64_t kBlockRows = 32;  // queries whose probabilities are kept at once on the way back

struct BackwardScratch {
  Panels keys_t, values_t, keys, queries, d_outs;
  float *probability, *d_score;  // [kBlockRows][pitch]
  float *d_key, *d_value;        // [round_up(time, 4)][width_pitch]
  float* d_query;                // [4][width_pitch]
  int64_t pitch, width_pitch;

  BackwardScratch(const AttentionShape& shape, std::vector<float>& memory) {
    const int64_t time = shape.time, width = shape.head_dim;
    pitch = score_pitch(time);
    width_pitch = round_up(width, kPanel);
    const int64_t by_key = Panels::floats(width, time), by_width = Panels::floats(time, width),
                  by_block = Panels::floats(kBlockRows, width), block = kBlockRows * pitch,
                  whole = round_up(time, kTileRows) * width_pitch;
    memory.resize(size_t(2 * by_key + by_width + 2 * by_block + 2 * block + 2 * whole +
                         kTileRows * width_pitch));
    float* next = memory.data();
    const auto take = [&](int64_t count) {
      float* here = next;
      next += count;
      return here;
    };
    keys_t = {take(by_key), width, time};
    values_t = {take(by_key), width, time};
    keys = {take(by_width), time, width};
    queries = {take(by_block), kBlockRows, width};
    d_outs = {take(by_block), kBlockRows, width};
    probability = take(block);
    d_score = take(block);
    d_key = take(whole);
    d_value = take(whole);
    d_query = take(kTileRows * width_pitch);
    for (int64_t i = 0; i < whole; ++i) d_key[i] = d_value[i] = 0;
  }
};

// Probabilities and gradients of the scores of the query rows i0 .. i0 + 3, zero up to `end`.
static void score_rows(const HeadView& head, const AttentionInput& input, const float* out,
                       const float* d_out, const float* norms, int64_t i0, int64_t end,
                       const BackwardScratch& s, float* probability, float* d_score) {
  const AttentionShape& shape = head.shape;
  const int64_t time = shape.time, width = shape.head_dim,
                seen = i0 + kTileRows < time ? i0 + kTileRows : time;
  const float scale = 1.0f / sqrtf(float(width));
  const float* o = head.in(out, shape.out_stride);
  const float* d_o = head.in(d_out, shape.out_stride);
  multiply<false>(rows_of(head.in(input.q, shape.q_stride), shape.q_stride, i0, time), 0, width,
                  s.keys_t, seen, probability, s.pitch);
  multiply<false>(rows_of(d_o, shape.out_stride, i0, time), 0, width, s.values_t, seen, d_score,
                  s.pitch);
  for (int64_t r = 0; r < kTileRows; ++r) {
    const int64_t i = i0 + r;
    float *p = probability + r * s.pitch, *d = d_score + r * s.pitch;
    const int64_t valid = i < time ? i + 1 : 0;
    if (valid > 0) {
      const float dot = dot_of(o + i * shape.out_stride, d_o + i * shape.out_stride, width);
      const float top = norms[2 * (head.norms + i)], inverse = norms[2 * (head.norms + i) + 1];
      for (int64_t j = 0; j < valid; j += kFloatLanes) {
        const Floats e = exp_negative(load(p + j) * scale - top) * inverse;
        const Floats slope = e * (load(d + j) - dot) * scale;
        const bool whole = j + kFloatLanes <= valid;
        store(p + j, whole ? e : only(e, j, valid, 0));
        store(d + j, whole ? slope : only(slope, j, valid, 0));
      }
    }
    for (int64_t j = round_up(valid, kFloatLanes); j < end; ++j) p[j] = d[j] = 0;
  }
}

static void backward_head(const HeadView& head, const AttentionInput& input, const float* out,
                          const float* d_out, const float* norms, float* dq, float* dk, float* dv,
                          std::vector<float>& memory) {
  const AttentionShape& shape = head.shape;
  const int64_t time = shape.time, width = shape.head_dim;
  const BackwardScratch s(shape, memory);
  const float *k = head.in(input.k, shape.k_stride), *v = head.in(input.v, shape.v_stride);
  s.keys_t.fill_transposed(k, shape.k_stride);
  s.values_t.fill_transposed(v, shape.v_stride);
  s.keys.fill(k, shape.k_stride);
  for (int64_t first = 0; first < time; first += kBlockRows) {
    const int64_t rows = time - first < kBlockRows ? time - first : kBlockRows, seen = first + rows;
    const Panels queries{s.queries.data, rows, width}, d_outs{s.d_outs.data, rows, width};
    queries.fill(head.in(input.q, shape.q_stride) + first * shape.q_stride, shape.q_stride);
    d_outs.fill(head.in(d_out, shape.out_stride) + first * shape.out_stride, shape.out_stride);
    for (int64_t r0 = 0; r0 < rows; r0 += kTileRows) {
      float *p = s.probability + r0 * s.pitch, *d = s.d_score + r0 * s.pitch;
      score_rows(head, input, out, d_out, norms, first + r0, round_up(seen, kTileRows), s, p, d);
      const int64_t here = rows - r0 < kTileRows ? rows - r0 : kTileRows;
      multiply<false>(rows_of(d, s.pitch), 0, first + r0 + here, s.keys, width, s.d_query,
                      s.width_pitch);
      for (int64_t r = 0; r < here; ++r) {
        float* to = head.in(dq, shape.q_stride) + (first + r0 + r) * shape.q_stride;
        copy_row(s.d_query + r * s.width_pitch, width, to);
      }
    }
    for (int64_t j = 0; j < seen; j += kTileRows) {
      const int64_t from = j > first ? j - first : 0;  // earlier queries do not see key j
      const auto columns_of = [&](const float* m) {
        return Rows{{m + j, m + j + 1, m + j + 2, m + j + 3}, s.pitch};
      };
      multiply<true>(columns_of(s.d_score), from, rows, queries, width, s.d_key + j * s.width_pitch,
                     s.width_pitch);
      multiply<true>(columns_of(s.probability), from, rows, d_outs, width,
                     s.d_value + j * s.width_pitch, s.width_pitch);
    }
  }
  for (int64_t j = 0; j < time; ++j) {
    copy_row(s.d_key + j * s.width_pitch, width, head.in(dk, shape.k_stride) + j * shape.k_stride);
    copy_row(s.d_value + j * s.width_pitch, width,
             head.in(dv, shape.v_stride) + j * shape.v_stride);
  }
}

static std::vector<float>& thread_scratch() {
  static thread_local std::vector<float> scratch;
  return scratch;
}

static void causal_attention(const AttentionShape& shape, const AttentionInput& input,
                             int64_t first, int64_t end, float* out, float* norms) {
  for (int64_t task = first; task < end; ++task)
    forward_head(HeadView(shape, task), input, out, norms, thread_scratch());
}

static void causal_attention_backward(const AttentionShape& shape, const AttentionInput& input,
                                      const float* out, const float* d_out, const float* norms,
                                      int64_t first, int64_t end, float* dq, float* dk, float* dv) {
  for (int64_t task = first; task < end; ++task) {
    backward_head(HeadView(shape, task), input, out, d_out, norms, dq, dk, dv, thread_scratch());
  }
}

}  // namespace tenfold::kernels::TENFOLD_ISA
