// Shapes, contents, the definition and tolerances of causal_conv_silu's tests, for the CPU and for
// CUDA.
#pragma once

#include <array>

#include "common/kernels/scan_cases.h"

namespace tenfold::kernels {

// Relative to the largest entry of a tensor, against the definition in float64.
template <class T>
constexpr double kCausalConvTolerance = sizeof(T) == 4 ? 2e-6 : 1e-14;

struct CausalConvCase {
  int64_t batch, time, channels, width;
};

// Every width, part vectors, several blocks of channels, sequences shorter than the width, lengths
// at the edges of a chunk, a long sequence.
inline const std::vector<CausalConvCase> kCausalConvCases = {
    {1, 1, 1, 1},   {2, 10, 32, 4},  {3, 2, 5, 4},    {2, 31, 33, 3},
    {1, 32, 8, 2},  {2, 33, 48, 4},  {1, 35, 24, 8},  {1, 64, 7, 5},
    {2, 65, 16, 6}, {1, 66, 300, 7}, {1, 1001, 37, 4}};

// In the order of causal_conv_silu's arguments: x, weight, bias.
constexpr size_t kCausalConvInputs = 3;
using CausalConvInputs = std::array<Doubles, kCausalConvInputs>;

inline std::array<std::vector<int64_t>, kCausalConvInputs> causal_conv_shapes(
    const CausalConvCase& s) {
  return {{{s.batch, s.time, s.channels}, {s.channels, s.width}, {s.channels}}};
}

struct CausalConvProblem {
  CausalConvInputs in;
  Doubles grad;  // of the output
};

inline CausalConvProblem make_causal_conv_problem(const CausalConvCase& s) {
  ScanValues draw;
  const int64_t tokens = s.batch * s.time * s.channels;
  return {{draw.normal(tokens), draw.normal(s.channels * s.width), draw.normal(s.channels)},
          draw.normal(tokens)};
}

struct CausalConvExpected {
  Doubles out;
  CausalConvInputs grad;
};

// The definition, token by token, and its derivatives by hand, in float64.
inline CausalConvExpected expected_causal_conv(const CausalConvCase& s,
                                               const CausalConvProblem& p) {
  const auto& [x, weight, bias] = p.in;
  CausalConvExpected r;
  r.out.resize(p.grad.size());
  for (size_t i = 0; i < kCausalConvInputs; ++i) r.grad[i].resize(p.in[i].size());
  auto& [dx, dweight, dbias] = r.grad;
  for (int64_t batch = 0; batch < s.batch; ++batch) {
    for (int64_t t = 0; t < s.time; ++t) {
      for (int64_t i = 0; i < s.channels; ++i) {
        const auto entry = [&](int64_t time) {
          return static_cast<size_t>((batch * s.time + time) * s.channels + i);
        };
        const auto tap = [&](int64_t k) { return static_cast<size_t>(i * s.width + k); };
        const int64_t before = t - s.width + 1;  // tap 0
        double y = bias[static_cast<size_t>(i)];
        for (int64_t k = std::max<int64_t>(0, -before); k < s.width; ++k) {
          y += weight[tap(k)] * x[entry(before + k)];
        }
        const double gate = sigmoid_of(y);
        r.out[entry(t)] = y * gate;
        const double g = p.grad[entry(t)] * gate * (1 + y * (1 - gate));
        dbias[static_cast<size_t>(i)] += g;
        for (int64_t k = std::max<int64_t>(0, -before); k < s.width; ++k) {
          dweight[tap(k)] += g * x[entry(before + k)];
          dx[entry(before + k)] += g * weight[tap(k)];
        }
      }
    }
  }
  return r;
}

}  // namespace tenfold::kernels
