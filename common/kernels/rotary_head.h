// One head of rotary attention on rows that were turned already, forward and backward. Compiled
// once for every instruction set.
#pragma once

#include <math.h>

#include "common/kernels/attention_rows.h"
#include "common/kernels/dropout_factors.h"
#include "common/kernels/panel_product.h"
#include "common/kernels/rotary_attention.h"
#include "common/kernels/scratch_parts.h"
#include "common/kernels/vector_math.h"

namespace tenfold::kernels::TENFOLD_ISA {

// Queries whose scores are kept at once: whole tiles.
constexpr int64_t kBlockRows = 8 * kProductRows;

// Pairs (x, y) of a row to (x cos - y sin, y cos + x sin), or, backwards, by the negative angle. In
// place where `to` is `from`.
static inline void turn_row(const float* from, const float* turn, int64_t width, bool backwards,
                            float* to) {
  Lanes swap, first, second;
  Floats signs;
  for (int i = 0; i < kFloatLanes; ++i) {
    swap[i] = i ^ 1;
    first[i] = i & ~1;
    second[i] = i | 1;
    signs[i] = (i % 2 == 0) == backwards ? 1.0f : -1.0f;
  }
  int64_t c = 0;
  for (; c + kFloatLanes <= width; c += kFloatLanes) {
    const Floats x = load(from + c), t = load(turn + c);
    store(to + c, x * __builtin_shuffle(t, first) +
                      __builtin_shuffle(x, swap) * (__builtin_shuffle(t, second) * signs));
  }
  for (; c < width; c += 2) {
    const float x = from[c], y = from[c + 1], sine = turn[c + 1] * signs[1];
    to[c] = x * turn[c] - y * sine;
    to[c + 1] = y * turn[c] + x * sine;
  }
}

// What dropout leaves of the weights of the head `head` of `heads`, as bits, row by row.
class DropoutRows {
 public:
  // `kept` has `words` of every row from the first query token `query` on, `step` from row to row;
  // a step of 0 is room for one row, which is then drawn again whenever it is asked for.
  DropoutRows(const DropoutFactors& factors, int64_t query, int64_t head, int64_t heads,
              int64_t keys, uint32_t* kept, int64_t step)
      : factors_(factors),
        query_(query),
        head_(head),
        heads_(heads),
        keys_(keys),
        kept_(kept),
        step_(step) {}

  bool on() const { return factors_.on(); }

  // Of query number i.
  const uint32_t* draw(int64_t i) const {
    uint32_t* kept = kept_ + i * step_;
    factors_.fill_bits(uint64_t((query_ + i) * heads_ + head_) << 23, keys_, kept);
    return kept;
  }
  const uint32_t* again(int64_t i) const { return step_ > 0 ? kept_ + i * step_ : draw(i); }
  Floats factors(const uint32_t* kept, int64_t j) const { return factors_.factors(kept, j); }

  static int64_t words(int64_t keys) { return DropoutFactors::words(keys); }

 private:
  DropoutFactors factors_;
  int64_t query_, head_, heads_, keys_;
  uint32_t* kept_;
  int64_t step_;
};

constexpr float kLog2E = 1.44269504088896341f;

// Greatest score and inverse sum of a query's softmax.
struct HeadNorms {
  float* first;
  int64_t step;  // floats from query to query
  float* of(int64_t i) const { return first + i * step; }
};

struct HeadForward {
  Panels keys_t, values;  // k^T [width, keys], v [keys, width]
  float* scores;
  int64_t pitch;

  HeadForward() = default;
  HeadForward(ScratchParts& p, int64_t keys, int64_t width)
      : keys_t(p.panels(width, keys)),
        values(p.panels(keys, width)),
        scores(p.take(kBlockRows * score_pitch(keys))),
        pitch(score_pitch(keys)) {}

  // out [queries of q, width] by `out_pitch`, a multiple of kPanel.
  void run(const Left& q, const DropoutRows& mask, const HeadNorms& norms, float* out,
           int64_t out_pitch) const {
    const int64_t width = values.columns;
    const float scale = 1.0f / sqrtf(float(width));
    for (int64_t i0 = 0; i0 < q.rows; i0 += kBlockRows) {
      const int64_t count = q.rows - i0 < kBlockRows ? q.rows - i0 : kBlockRows;
      product<false>({q.data + i0 * q.step, count, q.step}, keys_t, scores, pitch);
      for (int64_t r = 0; r < count; ++r) {
        weigh(scores + r * pitch, scale, mask.on() ? mask.draw(i0 + r) : nullptr, mask,
              norms.of(i0 + r));
      }
      float* to = out + i0 * out_pitch;
      product<false>({scores, count, pitch}, values, to, out_pitch);
      for (int64_t r = 0; r < count; ++r, to += out_pitch) {
        const float inverse = norms.of(i0 + r)[1];
        for (int64_t c = 0; c < width; c += kFloatLanes) store(to + c, load(to + c) * inverse);
      }
    }
  }

 private:
  // Scores of one row to e^(scale (s - max)), of which dropout leaves some.
  void weigh(float* s, float scale, const uint32_t* kept, const DropoutRows& mask,
             float* norm) const {
    const int64_t keys = keys_t.columns, last = round_up(keys, kFloatLanes) - kFloatLanes;
    Floats high = only(load(s + last), last, keys, -INFINITY);
    store(s + last, high);
    for (int64_t j = 0; j < last; j += kFloatLanes) high = larger(load(s + j), high);
    const float most = greatest_of(high), steep = scale * kLog2E;
    Floats sum = {};
    for (int64_t j = 0; j <= last; j += kFloatLanes) {
      const Floats e = exp2_of((load(s + j) - most) * steep);
      store(s + j, kept == nullptr ? e : e * mask.factors(kept, j));
      sum += e;
    }
    norm[0] = most * scale;
    norm[1] = 1.0f / sum_of(sum);
  }
};

struct HeadBackward {
  Panels keys_t, values_t, keys;  // k^T and v^T [width, keys], k [keys, width]
  Panels queries, d_outs;         // [kBlockRows, width]
  float *probability, *d_score;   // [kBlockRows][pitch]
  float *d_key, *d_value;         // [keys][width_pitch]
  int64_t pitch, width_pitch;

  HeadBackward() = default;
  HeadBackward(ScratchParts& p, int64_t count, int64_t width)
      : keys_t(p.panels(width, count)),
        values_t(p.panels(width, count)),
        keys(p.panels(count, width)),
        queries(p.panels(kBlockRows, width)),
        d_outs(p.panels(kBlockRows, width)),
        pitch(score_pitch(count)),
        width_pitch(round_up(width, kPanel)) {
    probability = p.take(kBlockRows * pitch);
    d_score = p.take(kBlockRows * pitch);
    d_key = p.take(count * width_pitch);
    d_value = p.take(count * width_pitch);
  }

  // From q and d_out (by width_pitch), and their `dots` out . d_out [queries]: d_q by width_pitch,
  // which may be d_out itself, and d_key and d_value.
  void run(const float* q, const float* d_out, const float* dots, int64_t count,
           const DropoutRows& mask, const HeadNorms& norms, float* d_q) const {
    for (int64_t first = 0; first < count; first += kBlockRows) {
      const int64_t rows = count - first < kBlockRows ? count - first : kBlockRows;
      block({q + first * width_pitch, rows, width_pitch},
            {d_out + first * width_pitch, rows, width_pitch}, dots + first, first, mask, norms,
            d_q + first * width_pitch);
    }
  }

 private:
  void block(const Left& q, const Left& d_out, const float* dots, int64_t first,
             const DropoutRows& mask, const HeadNorms& norms, float* d_q) const {
    const int64_t width = keys.columns, count = keys.depth;
    const float scale = 1.0f / sqrtf(float(width));
    const Panels q_rows{queries.data, q.rows, width}, d_rows{d_outs.data, q.rows, width};
    q_rows.fill(q.data, q.step);
    d_rows.fill(d_out.data, d_out.step);
    product<false>(q, keys_t, probability, pitch);
    product<false>(d_out, values_t, d_score, pitch);
    for (int64_t r = 0; r < q.rows; ++r) {
      gradients(mask.on() ? mask.again(first + r) : nullptr, mask, dots[r], norms.of(first + r),
                scale, probability + r * pitch, d_score + r * pitch);
    }
    product<false>({d_score, q.rows, pitch}, keys, d_q, width_pitch);
    const Left d_scores{d_score, count, pitch}, weights{probability, count, pitch};
    if (first == 0) {
      product<false, true>(d_scores, q_rows, d_key, width_pitch);
      product<false, true>(weights, d_rows, d_value, width_pitch);
    } else {
      product<true, true>(d_scores, q_rows, d_key, width_pitch);
      product<true, true>(weights, d_rows, d_value, width_pitch);
    }
  }

  // Row of scores to weights (with dropout) and row of d_out . value to gradients of the scores.
  void gradients(const uint32_t* kept, const DropoutRows& mask, float dot, const float* norm,
                 float scale, float* p, float* d) const {
    const float steep = scale * kLog2E, most = norm[0] * kLog2E;
    for (int64_t j = 0; j < keys.depth; j += kFloatLanes) {
      const Floats e = exp2_of(load(p + j) * steep - most) * norm[1];
      const Floats m = kept == nullptr ? Floats{} + 1.0f : mask.factors(kept, j);
      store(p + j, e * m);
      store(d + j, e * (load(d + j) * m - dot) * scale);
    }
  }
};

}  // namespace tenfold::kernels::TENFOLD_ISA
