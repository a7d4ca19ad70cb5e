// The arithmetic of rate_rnn.h, compiled once for every instruction set.
#pragma once

#include "common/kernels/panel_product.h"
#include "common/kernels/rate_rnn.h"
#include "common/kernels/scratch_parts.h"
#include "common/kernels/vector_math.h"

namespace tenfold::kernels::TENFOLD_ISA {

static inline Floats bits_where(const Vector<int32_t>& mask, const Floats& value) {
  return reinterpret_cast<Floats>(mask & reinterpret_cast<Vector<int32_t>>(value));
}

// phi(u) and phi'(u).
struct Relu {
  static void at(const Floats& u, Floats& value, Floats& slope) {
    value = larger(Floats{}, u);  // NaN stays NaN
    slope = bits_where(u > 0.0f, Floats{} + 1.0f);
  }
};

struct Heaviside {
  static void at(const Floats& u, Floats& value, Floats& slope) {
    value = bits_where(u > 0.0f, Floats{} + 1.0f);
    slope = Floats{};
  }
};

struct Sigmoid {
  static void at(const Floats& u, Floats& value, Floats& slope) {
    value = 1.0f / (1.0f + exp_of(-u));
    slope = value * (1.0f - value);
  }
};

struct Tanh {
  static void at(const Floats& u, Floats& value, Floats& slope) {
    value = 2.0f / (1.0f + exp_of(-2.0f * u)) - 1.0f;
    slope = 1.0f - value * value;
  }
};

// Calls body with the activation's type.
template <class Body>
static inline void with_activation(RateActivation activation, const Body& body) {
  switch (activation) {
    case RateActivation::kRelu:
      return body(Relu{});
    case RateActivation::kTanh:
      return body(Tanh{});
    case RateActivation::kSigmoid:
      return body(Sigmoid{});
    case RateActivation::kHeaviside:
      return body(Heaviside{});
  }
}

// One row of A times panels of B and, with kHalf, the narrow last one, in one pass: as many sums as
// registers hold, so that neither their latency nor the loads of A count. Backwards: from the last
// row of B to the first.
template <int kPanels, bool kHalf>
static inline void row_by_panels(const float* a, const Panels& b, int64_t first, bool backwards,
                                 float* c) {
  Floats sum[kPanels + 1][2] = {};
  const int64_t depth = b.depth, apart = depth * kPanel, end = backwards ? -1 : depth;
  const float* panel = b.at(first);
  const float* half = panel + kPanels * apart;
#pragma GCC unroll 1
  for (int64_t k = backwards ? depth - 1 : 0; k != end; k += backwards ? -1 : 1) {
    const float x = a[k];
#pragma GCC unroll 6
    for (int p = 0; p < kPanels; ++p) {
      sum[p][0] += x * load(panel + p * apart + k * kPanel);
      sum[p][1] += x * load(panel + p * apart + k * kPanel + kFloatLanes);
    }
    if (kHalf) sum[kPanels][0] += x * load(half + k * kFloatLanes);
  }
#pragma GCC unroll 6
  for (int p = 0; p < kPanels; ++p) {
    store(c + first + p * kPanel, sum[p][0]);
    store(c + first + p * kPanel + kFloatLanes, sum[p][1]);
  }
  if (kHalf) store(c + first + kPanels * kPanel, sum[kPanels][0]);
}

constexpr int kMostPanels = 6;
constexpr int64_t kInnerFloats = 6 << 10;  // that the innermost cache holds beside other things

// The same with the number of panels given.
template <int kPanels = kMostPanels>
static inline void row_by_some(int64_t panels, bool half, const float* a, const Panels& b,
                               int64_t first, bool backwards, float* c) {
  if constexpr (kPanels > 0) {
    if (panels < kPanels) return row_by_some<kPanels - 1>(panels, half, a, b, first, backwards, c);
  }
  if (half) return row_by_panels<kPanels, true>(a, b, first, backwards, c);
  row_by_panels<kPanels, false>(a, b, first, backwards, c);
}

// C [rows, columns] = A B; rows of both are `pitch` apart. In steps that say so, one row goes
// through a B that is too large for the innermost cache backwards: it begins with what is still
// there.
static inline void times(const float* a, int64_t rows, int64_t pitch, const Panels& b, bool turn,
                         float* c) {
  if (rows > 1) return product<false>(Left{a, rows, pitch}, b, c, pitch);
  const bool backwards = turn && b.depth * b.columns > kInnerFloats;
  const int64_t whole = (b.columns + kPanel - kFloatLanes - 1) / kPanel;
  const bool half = whole * kPanel < b.columns;
  const int64_t groups = whole == 0 ? 1 : (whole + kMostPanels - 1) / kMostPanels;
  for (int64_t i = 0; i < groups; ++i) {
    const int64_t g = backwards ? groups - 1 - i : i, first = whole * g / groups,
                  end = whole * (g + 1) / groups;
    row_by_some(end - first, half && g == groups - 1, a, b, first * kPanel, backwards, c);
  }
}

// Lanes beyond the units take no part in a product, whose depth is `units`.
template <class Activation>
static void forward_steps(const RateRnnShape& s, const RateRnnInput& in, const Panels& turned,
                          float* now, float* heard, float* states, float* slopes) {
  const int64_t n = s.units, pitch = round_up(n, kFloatLanes);
  for (int64_t t = 0; t < s.steps; ++t) {
    if (t > 0 || in.start != nullptr) {
      times(now, s.batch, pitch, turned, t % 2 == 1, heard);
    } else {
      for (int64_t i = 0; i < s.batch * pitch; ++i) heard[i] = 0;
    }
    for (int64_t b = 0; b < s.batch; ++b) {
      float *row = now + b * pitch, *sum = heard + b * pitch;
      const int64_t at = (t * s.batch + b) * n;
      const float* x = in.x == nullptr ? nullptr : in.x + t * in.x_step + b * n;
      for_columns<float>(n, [&](int64_t i, auto access) {
        Floats all = load(sum + i);
        if (x != nullptr) all += access.get(x + i);
        if (in.bias != nullptr) all += access.get(in.bias + i);
        const Floats before = load(row + i);
        Floats value, slope;
        Activation::at(s.inner * before + s.drive * all, value, slope);
        const Floats next = s.keep * before + s.rate * value;
        store(row + i, next);
        access.set(states + at + i, next);
        if (slopes != nullptr) access.set(slopes + at + i, slope);
      });
    }
  }
}

static void rate_rnn(const RateRnnShape& s, const RateRnnInput& in, float* states, float* slopes) {
  const FlushSubnormals flush;
  const int64_t pitch = round_up(s.units, kFloatLanes);
  Panels turned{};
  float *now = nullptr, *heard = nullptr;
  ScratchParts(thread_scratch()).lay_out([&](ScratchParts& p) {
    turned = p.panels(s.units, s.units);
    now = p.take(s.batch * pitch);
    heard = p.take(s.batch * pitch);
  });
  turned.fill_transposed(in.weight, s.units);
  for (int64_t i = 0; i < s.batch * pitch; ++i) now[i] = heard[i] = 0;
  for (int64_t b = 0; b < s.batch && in.start != nullptr; ++b)
    for (int64_t i = 0; i < s.units; ++i) now[b * pitch + i] = in.start[b * s.units + i];
  with_activation(s.activation, [&](auto activation) {
    forward_steps<decltype(activation)>(s, in, turned, now, heard, states, slopes);
  });
}

static void rate_rnn_backward(const RateRnnShape& s, const RateRnnInput& in, const float* slopes,
                              float* d_states, float* d_start) {
  const FlushSubnormals flush;
  const int64_t n = s.units, pitch = round_up(n, kFloatLanes);
  Panels weight{};
  float *adjoint = nullptr, *d_u = nullptr, *back = nullptr;
  ScratchParts(thread_scratch()).lay_out([&](ScratchParts& p) {
    weight = p.panels(n, n);
    adjoint = p.take(s.batch * pitch);
    d_u = p.take(s.batch * pitch);
    back = p.take(s.batch * pitch);
  });
  weight.fill(in.weight, n);
  for (int64_t i = 0; i < s.batch * pitch; ++i) adjoint[i] = d_u[i] = back[i] = 0;
  for (int64_t t = s.steps - 1; t >= 0; --t) {
    const bool goes_on = t > 0 || d_start != nullptr;
    for (int64_t b = 0; b < s.batch; ++b) {
      float *row = adjoint + b * pitch, *own = d_u + b * pitch;
      float* d = d_states + (t * s.batch + b) * n;
      const float* slope = slopes + (t * s.batch + b) * n;
      for_columns<float>(n, [&](int64_t i, auto access) {
        const Floats all = load(row + i) + access.get(d + i);
        const Floats through = s.rate * access.get(slope + i) * all;
        access.set(d + i, through);
        store(own + i, through);
        store(row + i, s.keep * all + s.inner * through);
      });
    }
    if (!goes_on) break;
    times(d_u, s.batch, pitch, weight, t % 2 == 1, back);
    for (int64_t i = 0; i < s.batch * pitch; i += kFloatLanes)
      store(adjoint + i, load(adjoint + i) + s.drive * load(back + i));
  }
  for (int64_t b = 0; b < s.batch && d_start != nullptr; ++b)
    for (int64_t i = 0; i < n; ++i) d_start[b * n + i] = adjoint[b * pitch + i];
}

static void rate_rnn_weight_gradient(const RateRnnShape& s, const RateRnnInput& in,
                                     const float* states, const float* d_u, float* d_weight) {
  const FlushSubnormals flush;
  constexpr int64_t kDeep = 256;  // rows of a piece that stays in the cache
  const int64_t n = s.units, pitch = round_up(n, kFloatLanes);
  const int64_t later = (s.steps - 1) * s.batch;
  Panels before{};
  float* sum = nullptr;
  const int64_t deepest = later < kDeep ? (later < s.batch ? s.batch : later) : kDeep;
  ScratchParts(thread_scratch()).lay_out([&](ScratchParts& p) {
    before = p.panels(deepest, n);
    sum = p.take(n * pitch);
  });
  bool add = false;
  // d_u of some rows and the states before them.
  const auto take = [&](const float* own, const float* states_before, int64_t rows) {
    for (int64_t first = 0; first < rows; first += deepest) {
      const int64_t depth = rows - first < deepest ? rows - first : deepest;
      const Panels piece{before.data, depth, n};
      piece.fill(states_before + first * n, n);
      sum_product(add, Left{own + first * n, n, n}, piece, sum, pitch);
      add = true;
    }
  };
  if (in.start != nullptr) take(d_u, in.start, s.batch);
  take(d_u + s.batch * n, states, later);
  for (int64_t i = 0; i < n; ++i) {
    float* row = d_weight + i * n;
    for_columns<float>(n, [&](int64_t j, auto access) {
      access.set(row + j, add ? s.drive * load(sum + i * pitch + j) : Floats{});
    });
  }
}

static void rate_rnn_bias_gradient(const RateRnnShape& s, const float* d_u, float* d_bias) {
  const int64_t n = s.units;
  for_columns<float>(n, [&](int64_t i, auto access) {
    Floats sum = {};
    for (int64_t row = 0; row < s.steps * s.batch; ++row) sum += access.get(d_u + row * n + i);
    access.set(d_bias + i, s.drive * sum);
  });
}

}  // namespace tenfold::kernels::TENFOLD_ISA
