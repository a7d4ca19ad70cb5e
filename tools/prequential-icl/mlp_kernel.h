// Products of small matrices that stay in the cache, for mlp_fit: a register-blocked tile over
// panels of 16 columns (GCC and Clang vector extensions, AVX2).
#pragma once

#include <algorithm>
#include <cstdint>

namespace tenfold::prequential_icl::mlp {

typedef float Vector __attribute__((vector_size(32)));
constexpr int64_t kLanes = 8;
constexpr int64_t kPanel = 2 * kLanes;  // 6 rows of 2 vectors fill the registers
constexpr int64_t kTileRows = 6;

inline Vector load(const float* from) {
  Vector v;
  __builtin_memcpy(&v, from, sizeof v);
  return v;
}

inline void store(float* to, const Vector& v) { __builtin_memcpy(to, &v, sizeof v); }

inline int64_t padded(int64_t n) { return (n + kLanes - 1) / kLanes * kLanes; }

// A matrix [depth, columns] cut into panels of 16 columns (the last may have 8), each of them
// [depth, its columns] and contiguous; `columns` is a multiple of 8.
struct Panels {
  int64_t depth, columns;

  int64_t size() const { return depth * columns; }
  static int64_t width(int64_t first, int64_t columns) { return std::min(kPanel, columns - first); }
  // Where the entry (row, column) lies.
  int64_t at(int64_t row, int64_t column) const {
    const int64_t first = column / kPanel * kPanel;
    return first * depth + row * width(first, columns) + column - first;
  }
};

// The left factor: entry (row, k) is at[row * row_step + k * depth_step].
struct Left {
  const float* at;
  int64_t row_step, depth_step;
};

// finish(row, v, sum) gets sum[row, 8 v ..] = start + sum_k left(row, k) right[k * right_step + 8 v
// ..], where start [8 V] may be null (zeros).
template <int R, int V, class Finish>
inline void multiply_tile(const Left& left, const float* right, int64_t right_step, int64_t depth,
                          const float* start, const Finish& finish) {
  Vector sum[R][V];
  for (int v = 0; v < V; ++v) {
    const Vector first = start == nullptr ? Vector{} : load(start + v * kLanes);
    for (int r = 0; r < R; ++r) sum[r][v] = first;
  }
  const float* a = left.at;
  for (int64_t k = 0; k < depth; ++k) {
    Vector b[V];
    for (int v = 0; v < V; ++v) b[v] = load(right + v * kLanes);
    for (int r = 0; r < R; ++r) {
      for (int v = 0; v < V; ++v) sum[r][v] += a[r * left.row_step] * b[v];
    }
    a += left.depth_step;
    right += right_step;
  }
  for (int r = 0; r < R; ++r) {
    for (int v = 0; v < V; ++v) finish(r, v, sum[r][v]);
  }
}

// The same for any number of rows: tiles whose heights differ by one at most.
template <int V, class Finish>
inline void multiply_rows(const Left& left, int64_t rows, const float* right, int64_t right_step,
                          int64_t depth, const float* start, const Finish& finish) {
  const int64_t tiles = (rows + kTileRows - 1) / kTileRows;
  for (int64_t t = 0; t < tiles; ++t) {
    const int64_t first = rows * t / tiles;
    const Left part = {left.at + first * left.row_step, left.row_step, left.depth_step};
    const auto place = [&](int r, int v, const Vector& sum) { finish(first + r, v, sum); };
    switch (rows * (t + 1) / tiles - first) {
      case 6:
        multiply_tile<6, V>(part, right, right_step, depth, start, place);
        break;
      case 5:
        multiply_tile<5, V>(part, right, right_step, depth, start, place);
        break;
      case 4:
        multiply_tile<4, V>(part, right, right_step, depth, start, place);
        break;
      case 3:
        multiply_tile<3, V>(part, right, right_step, depth, start, place);
        break;
      case 2:
        multiply_tile<2, V>(part, right, right_step, depth, start, place);
        break;
      default:
        multiply_tile<1, V>(part, right, right_step, depth, start, place);
        break;
    }
  }
}

// left [rows, depth] times a matrix in panels whose row `depth`, where it has one, is the start of
// every sum: out(row, column, sum of 8 columns).
template <class Out>
inline void multiply_panels(const Left& left, int64_t rows, const float* right, const Panels& shape,
                            int64_t depth, const Out& out) {
  for (int64_t first = 0; first < shape.columns; first += kPanel) {
    const int64_t width = Panels::width(first, shape.columns);
    const float* panel = right + first * shape.depth;
    const float* start = depth < shape.depth ? panel + depth * width : nullptr;
    const auto finish = [&](int64_t row, int v, const Vector& sum) {
      out(row, first + v * kLanes, sum);
    };
    if (width == kPanel) {
      multiply_rows<2>(left, rows, panel, width, depth, start, finish);
    } else {
      multiply_rows<1>(left, rows, panel, width, depth, start, finish);
    }
  }
}

// left [shape.depth, depth] times right [depth, shape.columns] (row by row, right_step apart) into
// panels of that shape.
inline void multiply_into_panels(const Left& left, const float* right, int64_t right_step,
                                 int64_t depth, const Panels& shape, float* out) {
  for (int64_t first = 0; first < shape.columns; first += kPanel) {
    const int64_t width = Panels::width(first, shape.columns);
    float* panel = out + first * shape.depth;
    const auto finish = [&](int64_t row, int v, const Vector& sum) {
      store(panel + row * width + v * kLanes, sum);
    };
    if (width == kPanel) {
      multiply_rows<2>(left, shape.depth, right + first, right_step, depth, nullptr, finish);
    } else {
      multiply_rows<1>(left, shape.depth, right + first, right_step, depth, nullptr, finish);
    }
  }
}

// to[c * to_step + r] = from[r * from_step + c] for a block of 8 x 8.
inline void transpose_block(const float* from, int64_t from_step, float* to, int64_t to_step) {
  Vector r[8], s[8];
  for (int i = 0; i < 8; ++i) r[i] = load(from + i * from_step);
  for (int i = 0; i < 8; i += 2) {
    s[i] = __builtin_shufflevector(r[i], r[i + 1], 0, 8, 1, 9, 4, 12, 5, 13);
    s[i + 1] = __builtin_shufflevector(r[i], r[i + 1], 2, 10, 3, 11, 6, 14, 7, 15);
  }
  for (int i = 0; i < 8; i += 4) {
    for (int j = 0; j < 2; ++j) {
      r[i + 2 * j] = __builtin_shufflevector(s[i + j], s[i + j + 2], 0, 1, 8, 9, 4, 5, 12, 13);
      r[i + 2 * j + 1] =
          __builtin_shufflevector(s[i + j], s[i + j + 2], 2, 3, 10, 11, 6, 7, 14, 15);
    }
  }
  for (int i = 0; i < 4; ++i) {
    store(to + i * to_step, __builtin_shufflevector(r[i], r[i + 4], 0, 1, 2, 3, 8, 9, 10, 11));
    store(to + (i + 4) * to_step,
          __builtin_shufflevector(r[i], r[i + 4], 4, 5, 6, 7, 12, 13, 14, 15));
  }
}

// One step of Adam on n values (Kingma and Ba, PyTorch's form and defaults). `scale` multiplies the
// gradients, step_size = lr / (1 - beta1^t), root_scale = 1 / sqrt(1 - beta2^t).
inline void adam_step(int64_t n, const float* __restrict gradient, float scale, float step_size,
                      float root_scale, float* __restrict weight, float* __restrict first,
                      float* __restrict second) {
  constexpr float kRest1 = 1 - 0.9, kBeta2 = 0.999, kRest2 = 1 - 0.999, kEpsilon = 1e-8;
  for (int64_t i = 0; i < n; ++i) {
    const float g = gradient[i] * scale;
    const float m = first[i] + kRest1 * (g - first[i]);
    const float v = kBeta2 * second[i] + kRest2 * g * g;
    first[i] = m;
    second[i] = v;
    weight[i] -= step_size * m / (__builtin_sqrtf(v) * root_scale + kEpsilon);
  }
}

}  // namespace tenfold::prequential_icl::mlp
