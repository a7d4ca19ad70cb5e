// The arithmetic of rotary_attention.h, compiled once for every instruction set.
#pragma once

#include "common/kernels/rotary_attention_isa.h"
#include "common/kernels/rotary_head.h"

namespace tenfold::kernels::TENFOLD_ISA {

// Where one head of one sequence stands in memory.
struct RotaryHead {
  const RotaryShape& shape;
  int64_t head, column;                             // head, and its first column
  int64_t query, queries, key, keys, width, pitch;  // first token and number of tokens

  RotaryHead(const RotaryShape& s, int64_t task)
      : shape(s),
        head(task % s.heads),
        column(head * s.head_dim),
        query(s.queries.begin[task / s.heads]),
        queries(s.queries.count[task / s.heads]),
        key(s.keys.begin[task / s.heads]),
        keys(s.keys.count[task / s.heads]),
        width(s.head_dim),
        pitch(round_up(width, kPanel)) {}

  HeadNorms norms(const float* all) const {
    return {const_cast<float*>(all) + 2 * (query * shape.heads + head), 2 * shape.heads};
  }
  DropoutRows mask(const AttentionDropout& dropout, uint32_t* kept) const {
    return {{dropout.rate, dropout.key}, query, head, shape.heads, keys, kept, 0};
  }

  // Rows of q, k or v as the scores see them: [tokens][pitch].
  void load_queries(const float* q, float* to) const {
    for (int64_t i = query; i < query + queries; ++i, to += pitch) {
      const float* from = q + shape.queries.row_of(i) * shape.q_stride + column;
      turn_row(from, shape.queries.turn_of(i, width), width, false, to);
    }
  }
  void load_keys(const float* k, bool turned, float* to) const {
    for (int64_t j = key; j < key + keys; ++j, to += pitch) {
      const float* from = k + shape.keys.row_of(j) * shape.kv_stride + column;
      if (turned) {
        turn_row(from, shape.keys.turn_of(j, width), width, false, to);
      } else {
        for (int64_t c = 0; c < width; ++c) to[c] = from[c];
      }
    }
  }

  // [tokens][pitch] to or from rows `stride` apart, where asked turned on the way.
  void store_queries(const float* from, int64_t stride, bool turned, float* to) const {
    to += query * stride + column;
    for (int64_t i = query; i < query + queries; ++i, from += pitch, to += stride)
      move_row(from, shape.queries.turn_of(i, width), turned, true, to);
  }
  void load_by_query(const float* from, int64_t stride, bool turned, float* to) const {
    from += query * stride + column;
    for (int64_t i = query; i < query + queries; ++i, from += stride, to += pitch)
      move_row(from, shape.queries.turn_of(i, width), turned, false, to);
  }
  void store_keys(const float* from, bool turned, float* to) const {
    to += key * shape.dkv_stride + column;
    for (int64_t j = key; j < key + keys; ++j, from += pitch, to += shape.dkv_stride)
      move_row(from, shape.keys.turn_of(j, width), turned, true, to);
  }

 private:
  void move_row(const float* from, const float* turn, bool turned, bool backwards,
                float* to) const {
    if (turned) {
      turn_row(from, turn, width, backwards, to);
    } else {
      for (int64_t c = 0; c < width; ++c) to[c] = from[c];
    }
  }
};

static void forward_head(const RotaryHead& head, const RotaryInput& input,
                         const AttentionDropout& dropout, float* out, float* norms) {
  HeadForward core;
  float *rows = nullptr, *q = nullptr, *mixed = nullptr;
  uint32_t* kept = nullptr;
  ScratchParts(thread_scratch()).lay_out([&](ScratchParts& p) {
    core = HeadForward(p, head.keys, head.width);
    rows = p.take(head.keys * head.pitch);
    q = p.take(head.queries * head.pitch);
    mixed = p.take(head.queries * head.pitch);
    kept = p.take_words(DropoutRows::words(head.keys));
  });
  head.load_keys(input.k, true, rows);
  core.keys_t.fill_transposed(rows, head.pitch);
  head.load_keys(input.v, head.shape.turn_values, rows);
  core.values.fill(rows, head.pitch);
  head.load_queries(input.q, q);
  core.run({q, head.queries, head.pitch}, head.mask(dropout, kept), head.norms(norms), mixed,
           head.pitch);
  head.store_queries(mixed, head.shape.out_stride, head.shape.turn_values, out);
}

static void backward_head(const RotaryHead& head, const RotaryInput& input,
                          const AttentionDropout& dropout, const float* out, const float* d_out,
                          const float* norms, float* dq, float* dk, float* dv) {
  const RotaryShape& shape = head.shape;
  HeadBackward core;
  float *rows = nullptr, *q = nullptr, *d_o = nullptr, *dots = nullptr;
  uint32_t* kept = nullptr;
  ScratchParts(thread_scratch()).lay_out([&](ScratchParts& p) {
    core = HeadBackward(p, head.keys, head.width);
    rows = p.take(head.keys * head.pitch);
    q = p.take(head.queries * head.pitch);
    d_o = p.take(head.queries * head.pitch);
    dots = p.take(head.queries);
    kept = p.take_words(DropoutRows::words(head.keys));
  });
  head.load_keys(input.v, shape.turn_values, rows);
  core.values_t.fill_transposed(rows, head.pitch);
  head.load_keys(input.k, true, rows);
  core.keys_t.fill_transposed(rows, head.pitch);
  core.keys.fill(rows, head.pitch);
  head.load_queries(input.q, q);
  head.load_by_query(d_out, shape.out_stride, shape.turn_values, d_o);
  for (int64_t i = 0; i < head.queries; ++i) {
    const int64_t at = (head.query + i) * shape.out_stride + head.column;
    dots[i] = dot_of(out + at, d_out + at, head.width);  // turning both does not change it
  }
  core.run(q, d_o, dots, head.queries, head.mask(dropout, kept), head.norms(norms), d_o);
  head.store_queries(d_o, shape.dq_stride, true, dq);
  head.store_keys(core.d_key, true, dk);
  head.store_keys(core.d_value, shape.turn_values, dv);
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
      forward_head(head, input, dropout, out, norms);
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
      backward_head(head, input, dropout, out, d_out, norms, dq, dk, dv);
    }
  }
}

}  // namespace tenfold::kernels::TENFOLD_ISA
