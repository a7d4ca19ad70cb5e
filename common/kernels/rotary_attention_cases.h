// Problems, the definition in float64 and the tolerances of rotary_attention's tests, for the CPU
// and for CUDA.
#pragma once

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "common/core/philox.h"
#include "common/kernels/rotary_attention_cuda.h"

namespace tenfold::kernels {

struct RotarySizes {
  std::vector<int64_t> queries, keys;  // tokens of every sequence
  int64_t heads, width;
  bool turn_values;
  double dropout;
};

inline const std::vector<RotarySizes> kRotarySizes = {{{1}, {1}, 1, 2, true, 0},
                                                      {{3, 5}, {4, 9}, 2, 4, true, 0},
                                                      {{6, 1, 33}, {17, 0, 3}, 1, 16, true, 0},
                                                      {{40, 7}, {70, 131}, 3, 32, true, 0},
                                                      {{9, 13}, {64, 8}, 2, 64, false, 0},
                                                      {{36}, {300}, 1, 64, true, 0}};
constexpr double kRotaryDropout = 0.25;

// Tokens stand with gaps between sequences, share rows, and share angles on the query side.
struct RotaryProblem {
  RotarySizes sizes;
  std::vector<int64_t> query_begin, key_begin;
  std::vector<int32_t> query_row, query_turn, key_row;
  std::vector<float> q, k, v, d_out, query_turns, key_turns;
  int64_t query_tokens = 2, key_tokens = 1, rows;
  RotaryShape shape;

  explicit RotaryProblem(const RotarySizes& s) : sizes(s) {
    for (size_t b = 0; b < s.keys.size(); ++b) {
      query_begin.push_back(query_tokens);
      key_begin.push_back(key_tokens);
      query_tokens += s.queries[b] + 1;
      key_tokens += s.keys[b] + 3;
    }
    rows = key_tokens / 2 + 1;
    const Stream choices(7, "rows");
    for (int64_t i = 0; i < query_tokens; ++i) {
      query_row.push_back(int32_t(choices.below(uint64_t(i), 5)));
      query_turn.push_back(int32_t(choices.below(uint64_t(1000 + i), 4)));
    }
    for (int64_t j = 0; j < key_tokens; ++j)
      key_row.push_back(int32_t(choices.below(uint64_t(2000 + j), uint64_t(rows))));
    const int64_t wide = s.heads * s.width;
    shape = {
        int64_t(s.keys.size()), s.heads, s.width, {}, {}, wide + 2, wide + 5, wide + 4, wide, wide,
        s.turn_values};
    draw(q, 5 * shape.q_stride, 1);
    draw(k, rows * shape.kv_stride, 2);
    draw(v, rows * shape.kv_stride, 3);
    draw(d_out, query_tokens * shape.out_stride, 4);
    query_turns = turns_of(4, 5);
    key_turns = turns_of(key_tokens, 6);
    shape.queries = {query_begin.data(), sizes.queries.data(), query_row.data(), query_turn.data(),
                     query_turns.data()};
    shape.keys = {key_begin.data(), sizes.keys.data(), key_row.data(), nullptr, key_turns.data()};
  }
  RotaryProblem(const RotaryProblem&) = delete;

  static void draw(std::vector<float>& into, int64_t count, uint64_t seed) {
    into.resize(size_t(count));
    Stream(seed, "rotary").fill_normal(into.data(), count, 0, 1);
  }
  std::vector<float> turns_of(int64_t tokens, uint64_t seed) const {
    std::vector<float> turns;
    const Stream angles(seed, "angles");
    for (int64_t i = 0; i < tokens * sizes.width / 2; ++i) {
      const double a = 6.0 * angles.uniform(uint64_t(i));
      turns.push_back(float(std::cos(a)));
      turns.push_back(float(std::sin(a)));
    }
    return turns;
  }
};

struct RotaryAnswer {
  std::vector<float> out, norms, dq, dk, dv;
};

inline AttentionDropout dropout_of(const RotaryProblem& p) { return {p.sizes.dropout, {11, 12}}; }

inline RotaryMost most_of(const RotaryProblem& p) {
  const auto most = [](const std::vector<int64_t>& n) {
    return *std::max_element(n.begin(), n.end());
  };
  return {most(p.sizes.queries), most(p.sizes.keys)};
}

// Zeros of the answer's sizes.
inline RotaryAnswer empty_answer(const RotaryProblem& p) {
  RotaryAnswer a;
  const int64_t wide = p.sizes.heads * p.sizes.width;
  a.out.resize(p.d_out.size());
  a.norms.resize(size_t(2 * p.query_tokens * p.sizes.heads));
  a.dq.resize(size_t(p.query_tokens * wide));
  a.dk.resize(size_t(p.key_tokens * wide));
  a.dv = a.dk;
  return a;
}

using Doubles = std::vector<double>;

inline Doubles turned(const float* x, const float* turn, int64_t width, double sign) {
  Doubles out(size_t(width), 0.0);
  for (int64_t c = 0; c < width; c += 2) {
    const double cosine = turn == nullptr ? 1 : turn[c],
                 sine = turn == nullptr ? 0 : sign * turn[c + 1];
    out[size_t(c)] = x[c] * cosine - x[c + 1] * sine;
    out[size_t(c + 1)] = x[c + 1] * cosine + x[c] * sine;
  }
  return out;
}

inline double dot(const Doubles& a, const Doubles& b) {
  double sum = 0;
  for (size_t i = 0; i < a.size(); ++i) sum += a[i] * b[i];
  return sum;
}

// The definition in float64; `kept` says what dropout leaves of the weight of (sequence, head,
// query, key).
struct RotaryExact {
  Doubles out, dq, dk, dv;

  template <class Kept>
  RotaryExact(const RotaryProblem& p, const Kept& kept)
      : out(p.d_out.size()),
        dq(size_t(p.query_tokens * p.sizes.heads * p.sizes.width)),
        dk(size_t(p.key_tokens * p.sizes.heads * p.sizes.width)),
        dv(dk.size()) {
    for (int64_t b = 0; b < p.shape.sequences; ++b)
      for (int64_t h = 0; h < p.sizes.heads; ++h) head(p, b, h, kept);
  }

  template <class Kept>
  void head(const RotaryProblem& p, int64_t b, int64_t h, const Kept& kept) {
    const int64_t width = p.sizes.width, column = h * width, wide = p.sizes.heads * width;
    const float* none = nullptr;
    std::vector<Doubles> keys, values, d_keys, d_values;
    std::vector<const float*> turns;
    for (int64_t j = 0; j < p.sizes.keys[size_t(b)]; ++j) {
      const int64_t token = p.key_begin[size_t(b)] + j, row = p.key_row[size_t(token)];
      turns.push_back(p.key_turns.data() + token * width);
      keys.push_back(turned(p.k.data() + row * p.shape.kv_stride + column, turns.back(), width, 1));
      values.push_back(turned(p.v.data() + row * p.shape.kv_stride + column,
                              p.sizes.turn_values ? turns.back() : none, width, 1));
    }
    d_keys.assign(keys.size(), Doubles(size_t(width), 0.0));
    d_values = d_keys;
    for (int64_t i = 0; i < p.sizes.queries[size_t(b)]; ++i) {
      const int64_t token = p.query_begin[size_t(b)] + i;
      const float* turn = p.query_turns.data() + p.query_turn[size_t(token)] * width;
      const Doubles query = turned(
          p.q.data() + p.query_row[size_t(token)] * p.shape.q_stride + column, turn, width, 1);
      const int64_t at = token * p.shape.out_stride + column;
      const Doubles d_read =
          turned(p.d_out.data() + at, p.sizes.turn_values ? turn : none, width, 1);
      Doubles w(keys.size()), read(size_t(width), 0.0), d_query(size_t(width), 0.0);
      double sum = 0, mean = 0;
      for (size_t j = 0; j < keys.size(); ++j)
        sum += w[j] = std::exp(dot(query, keys[j]) / std::sqrt(double(width)));
      for (size_t j = 0; j < keys.size(); ++j) {
        w[j] /= sum;
        const double m = kept(b, h, i, int64_t(j));
        mean += w[j] * m * dot(d_read, values[j]);
        for (int64_t c = 0; c < width; ++c) {
          read[size_t(c)] += w[j] * m * values[j][size_t(c)];
          d_values[j][size_t(c)] += w[j] * m * d_read[size_t(c)];
        }
      }
      for (size_t j = 0; j < keys.size(); ++j) {
        const double m = kept(b, h, i, int64_t(j));
        const double d = w[j] * (m * dot(d_read, values[j]) - mean) / std::sqrt(double(width));
        for (int64_t c = 0; c < width; ++c) {
          d_query[size_t(c)] += d * keys[j][size_t(c)];
          d_keys[j][size_t(c)] += d * query[size_t(c)];
        }
      }
      put(out, at, read, p.sizes.turn_values ? turn : none);
      put(dq, token * wide + column, d_query, turn);
    }
    for (size_t j = 0; j < keys.size(); ++j) {
      const int64_t at = (p.key_begin[size_t(b)] + int64_t(j)) * wide + column;
      put(dk, at, d_keys[j], turns[j]);
      put(dv, at, d_values[j], p.sizes.turn_values ? turns[j] : none);
    }
  }

  static void put(Doubles& into, int64_t at, const Doubles& x, const float* turn) {
    for (size_t c = 0; c < x.size(); c += 2) {
      const double cosine = turn == nullptr ? 1 : turn[c],
                   sine = turn == nullptr ? 0 : -turn[c + 1];
      into[size_t(at) + c] = x[c] * cosine - x[c + 1] * sine;
      into[size_t(at) + c + 1] = x[c + 1] * cosine + x[c] * sine;
    }
  }
};

inline double error(const std::vector<float>& found, const Doubles& expected) {
  double worst = 0, most = 1e-30;
  for (size_t i = 0; i < found.size(); ++i) {
    worst = std::max(worst, std::abs(found[i] - expected[i]));
    most = std::max(most, std::abs(expected[i]));
  }
  return worst / most;
}

inline void check(const RotaryAnswer& a, const RotaryExact& exact) {
  CHECK(error(a.out, exact.out) < 3e-6);
  CHECK(error(a.dq, exact.dq) < 1e-5);
  CHECK(error(a.dk, exact.dk) < 1e-5);
  CHECK(error(a.dv, exact.dv) < 3e-6);
}

inline RotaryAnswer by_cpu(const RotaryProblem& p) {
  RotaryAnswer a = empty_answer(p);
  const RotaryInput input{p.q.data(), p.k.data(), p.v.data()};
  rotary_attention(p.shape, input, dropout_of(p), 0, p.shape.tasks(), a.out.data(), a.norms.data());
  rotary_attention_backward(p.shape, input, dropout_of(p), a.out.data(), p.d_out.data(),
                            a.norms.data(), 0, p.shape.tasks(), a.dq.data(), a.dk.data(),
                            a.dv.data());
  return a;
}

// Two answers in float32 with the same draws.
inline void check_alike(const RotaryAnswer& found, const RotaryAnswer& expected) {
  const auto wide = [](const std::vector<float>& x) { return Doubles(x.begin(), x.end()); };
  CHECK(error(found.out, wide(expected.out)) < 6e-6);
  CHECK(error(found.norms, wide(expected.norms)) < 6e-6);
  CHECK(error(found.dq, wide(expected.dq)) < 2e-5);
  CHECK(error(found.dk, wide(expected.dk)) < 2e-5);
  CHECK(error(found.dv, wide(expected.dv)) < 6e-6);
}

}  // namespace tenfold::kernels
