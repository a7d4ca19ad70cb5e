// The loops of edge_linear.h, compiled once for every instruction set. Nothing of the standard
// library is instantiated here.
#pragma once

#include "common/kernels/edge_linear_isa.h"
#include "common/kernels/edge_tile_body.h"
#include "common/kernels/simd.h"

namespace tenfold::kernels::TENFOLD_ISA {

using Floats = Vector<float>;
using Ints = Vector<int32_t>;

constexpr int kBlockRows = 6;  // times 2 vectors: 12 of AVX2's 16 registers hold sums
constexpr int64_t kLanes = VectorOf<float>::kLanes;

// Products of kRows rows with one panel of kVectors vectors. A function of its own, so that nothing
// else competes for the registers.
template <int kRows, int kVectors>
__attribute__((noinline)) static void product(const float* x, int64_t in, const float* panel,
                                              Floats* out) {
  Floats sum[kRows][kVectors] = {};
  for (int64_t k = 0; k < in; ++k, panel += kVectors * kLanes) {
    Floats weight[kVectors];
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) weight[v] = load(panel + v * kLanes);
#pragma GCC unroll 6
    for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
      for (int v = 0; v < kVectors; ++v) sum[r][v] += x[r * in + k] * weight[v];
    }
  }
#pragma GCC unroll 6
  for (int r = 0; r < kRows; ++r) {
#pragma GCC unroll 2
    for (int v = 0; v < kVectors; ++v) out[r * kVectors + v] = sum[r][v];
  }
}

template <int kVectors>
static inline void product_of(int64_t rows, const float* x, int64_t in, const float* panel,
                              Floats* out) {
  switch (rows) {
    case 1:
      return product<1, kVectors>(x, in, panel, out);
    case 2:
      return product<2, kVectors>(x, in, panel, out);
    case 3:
      return product<3, kVectors>(x, in, panel, out);
    case 4:
      return product<4, kVectors>(x, in, panel, out);
    case 5:
      return product<5, kVectors>(x, in, panel, out);
    default:
      return product<kBlockRows, kVectors>(x, in, panel, out);
  }
}

// The rows of the terms at one row and column of a product.
template <int kTerms>
struct TermRows {
  const float* at[kTerms > 0 ? kTerms : 1];

  TermRows(const LinearCall& c, int64_t row, int64_t column) {
    for (int t = 0; t < kTerms; ++t) {
      const int64_t line = c.index[t] == nullptr ? 0 : c.index[t][row];
      at[t] = c.table[t] + line * c.out + column;
    }
  }
  template <class Access>
  Floats add_to(Floats value, int64_t offset, const Access& access) const {
    for (int t = 0; t < kTerms; ++t) value += access.get(at[t] + offset);
    return value;
  }
};

// One panel, first column `column`: for every row calls finish.row(row, column) and with its result
// finish.set(rows, offset, value, access) for every vector, terms added.
template <int kVectors, int kTerms, class Finish>
static inline void panel_products(const LinearCall& c, int64_t column, const float* panel,
                                  const Finish& finish) {
  const bool whole = column + kVectors * kLanes <= c.out;
  for (int64_t first = 0; first < c.tile; first += kBlockRows) {
    const int64_t rows = c.tile - first < kBlockRows ? c.tile - first : kBlockRows;
    Floats out[kBlockRows * kVectors];
    product_of<kVectors>(rows, c.x + first * c.in, c.in, panel, out);
    for (int64_t r = 0; r < rows; ++r) {
      const TermRows<kTerms> terms(c, first + r, column);
      const auto place = finish.row(first + r, column);
      const auto set = [&](int v, auto access) {
        const int64_t offset = v * kLanes;
        finish.set(place, offset, terms.add_to(out[r * kVectors + v], offset, access), access);
      };
      if (whole) {
#pragma GCC unroll 2
        for (int v = 0; v < kVectors; ++v) set(v, Whole<float>{});
        continue;
      }
      int v = 0;
      int64_t left = c.out - column;
      for (; left >= kLanes; left -= kLanes) set(v++, Whole<float>{});
      set(v, Part<float>{left});
    }
  }
}

template <int kTerms, class Finish>
static inline void all_panels(const LinearCall& c, const Finish& finish) {
  const float* panel = c.panels;
  int64_t column = 0;
  for (; column + kLanes < c.out; column += 2 * kLanes, panel += 2 * kLanes * c.in) {
    panel_products<2, kTerms>(c, column, panel, finish);
  }
  if (column < c.out) panel_products<1, kTerms>(c, column, panel, finish);
}

template <class Finish>
static inline void for_products(const LinearCall& c, const Finish& finish) {
  switch (c.num_terms) {
    case 0:
      return all_panels<0>(c, finish);
    case 1:
      return all_panels<1>(c, finish);
    case 2:
      return all_panels<2>(c, finish);
    default:
      return all_panels<3>(c, finish);
  }
}

struct Store {
  float* y;
  int64_t width;

  float* row(int64_t row, int64_t column) const { return y + row * width + column; }
  template <class Access>
  void set(float* to, int64_t offset, const Floats& value, const Access& access) const {
    access.set(to + offset, value);
  }
};

struct StoreSilu : Store {
  template <class Access>
  void set(float* to, int64_t offset, const Floats& value, const Access& access) const {
    access.set(to + offset, silu<Floats, Ints>(value));
  }
};

struct ModulateSum {
  const float* source_term;
  const int32_t *source, *target;
  float* sum;
  int64_t width;

  struct Place {
    const float* factor;
    float* sum;
  };
  Place row(int64_t row, int64_t column) const {
    return {source_term + source[row] * width + column, sum + target[row] * width + column};
  }
  template <class Access>
  void set(const Place& to, int64_t offset, const Floats& value, const Access& access) const {
    access.set(to.sum + offset,
               access.get(to.sum + offset) + value * access.get(to.factor + offset));
  }
};

static inline void linear(const LinearCall& c, float* y) { for_products(c, Store{y, c.out}); }

static inline void linear_silu(const LinearCall& c, float* y) {
  for_products(c, StoreSilu{{y, c.out}});
}

static inline void linear_modulate_sum(const LinearCall& c, const float* source_term,
                                       const int32_t* source, const int32_t* target, float* sum) {
  for_products(c, ModulateSum{source_term, source, target, sum, c.out});
}

}  // namespace tenfold::kernels::TENFOLD_ISA
