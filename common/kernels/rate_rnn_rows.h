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

// One row of A times several panels at once: a tile of one row has too few sums to hide their
// latency.
template <int kPanels>
static inline void row_by_panels(const float* a, int64_t depth, const float* b, float* c) {
  Floats sum[kPanels][2] = {};
  const int64_t apart = depth * kPanel;
  for (int64_t k = 0; k < depth; ++k, b += kPanel) {
    const float x = a[k];
#pragma GCC unroll 4
    for (int p = 0; p < kPanels; ++p) {
      sum[p][0] += x * load(b + p * apart);
      sum[p][1] += x * load(b + p * apart + kFloatLanes);
    }
  }
#pragma GCC unroll 4
  for (int p = 0; p < kPanels; ++p) {
    store(c + p * kPanel, sum[p][0]);
    store(c + p * kPanel + kFloatLanes, sum[p][1]);
  }
}

// C [rows, columns] = A B; rows of both are `pitch` apart.
static inline void times(const float* a, int64_t rows, int64_t pitch, const Panels& b, float* c) {
  if (rows > 1) return product<false>(Left{a, rows, pitch}, b, c, pitch);
  int64_t j = 0;
  const auto wide = [&] { return j < b.columns && b.width(j) == kPanel; };
  for (; j + 3 * kPanel < b.columns && b.width(j + 3 * kPanel) == kPanel; j += 4 * kPanel)
    row_by_panels<4>(a, b.depth, b.at(j), c + j);
  for (; j + kPanel < b.columns && b.width(j + kPanel) == kPanel; j += 2 * kPanel)
    row_by_panels<2>(a, b.depth, b.at(j), c + j);
  for (; wide(); j += kPanel) row_by_panels<1>(a, b.depth, b.at(j), c + j);
  if (j < b.columns)
    product_panel<1, false, false>(Left{a, 1, pitch}, b.depth, b.at(j), c + j, pitch);
}

// Lanes beyond the units take no part in a product, whose depth is `units`.
template <class Activation>
static void forward_steps(const RateRnnShape& s, const RateRnnInput& in, const Panels& turned,
                          float* now, float* heard, float* states, float* slopes) {
  const int64_t n = s.units, pitch = round_up(n, kFloatLanes);
  for (int64_t t = 0; t < s.steps; ++t) {
    if (t > 0 || in.start != nullptr) {
      times(now, s.batch, pitch, turned, heard);
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
    times(d_u, s.batch, pitch, weight, back);
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
