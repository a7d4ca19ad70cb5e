// Shapes, contents, the definition and tolerances of selective_scan's tests, for the CPU and for
// CUDA.
#pragma once

#include <array>

#include "common/kernels/scan_cases.h"

namespace tenfold::kernels {

// Relative to the largest entry of a tensor, against the recurrence in float64.
template <class T>
constexpr double kSelectiveScanTolerance = sizeof(T) == 4 ? 5e-6 : 1e-13;

struct SelectiveScanCase {
  int64_t batch, time, channels, states;
};

// Single entries, part vectors, several blocks of channels, several groups of states, lengths at
// the edges of a chunk, a long sequence.
inline const std::vector<SelectiveScanCase> kSelectiveScanCases = {
    {1, 1, 1, 1},    {2, 10, 32, 8},   {3, 15, 5, 5},   {2, 16, 33, 8},
    {1, 17, 8, 16},  {1, 31, 24, 13},  {2, 32, 7, 1},   {4, 33, 16, 8},
    {1, 48, 130, 5}, {1, 1001, 37, 8}, {2, 40, 300, 3},
};

// In the order of selective_scan's arguments: x, dt, A, B, C, D, z, dt_bias.
constexpr size_t kSelectiveScanInputs = 8;
using SelectiveScanInputs = std::array<Doubles, kSelectiveScanInputs>;

inline std::array<std::vector<int64_t>, kSelectiveScanInputs> selective_scan_shapes(
    const SelectiveScanCase& s) {
  const std::vector<int64_t> tokens = {s.batch, s.time, s.channels},
                             rows = {s.batch, s.time, s.states};
  return {{tokens, tokens, {s.channels, s.states}, rows, rows, {s.channels}, tokens, {s.channels}}};
}

struct SelectiveScanProblem {
  SelectiveScanInputs in;
  Doubles grad;  // of the output
};

inline SelectiveScanProblem make_selective_scan_problem(const SelectiveScanCase& s) {
  ScanValues draw;
  const int64_t tokens = s.batch * s.time * s.channels, rows = s.batch * s.time * s.states;
  Doubles a = draw.between(0.05, 16, s.channels * s.states);
  for (double& x : a) x = -x;
  return {{draw.normal(tokens), draw.raw_steps(tokens), a, draw.normal(rows), draw.normal(rows),
           draw.normal(s.channels), draw.normal(tokens), draw.normal(s.channels)},
          draw.normal(tokens)};
}

struct SelectiveScanExpected {
  Doubles out;
  SelectiveScanInputs grad;
};

// The recurrence of one channel, then its derivatives backwards in time, by hand, in float64.
inline SelectiveScanExpected expected_selective_scan(const SelectiveScanCase& s,
                                                     const SelectiveScanProblem& p) {
  const auto& [x, raw, a, b, c, d, z, bias] = p.in;
  SelectiveScanExpected r;
  r.out.resize(p.grad.size());
  for (size_t i = 0; i < kSelectiveScanInputs; ++i) r.grad[i].resize(p.in[i].size());
  auto& [dx, draw, da, db, dc, dd, dz, dbias] = r.grad;
  const auto n_states = static_cast<size_t>(s.states), time = static_cast<size_t>(s.time);
  const auto channels = static_cast<size_t>(s.channels);
  for (size_t batch = 0; batch < static_cast<size_t>(s.batch); ++batch) {
    for (size_t i = 0; i < channels; ++i) {
      Doubles h((time + 1) * n_states), y(time), dh(n_states);  // h[0] is before the first token
      const auto token = [&](size_t t) { return (batch * time + t) * channels + i; };
      const auto row = [&](size_t t) { return (batch * time + t) * n_states; };
      for (size_t t = 0; t < time; ++t) {
        const double dt = softplus_of(raw[token(t)] + bias[i]), input = x[token(t)];
        y[t] = d[i] * input;
        for (size_t n = 0; n < n_states; ++n) {
          double& now = h[(t + 1) * n_states + n];
          now =
              std::exp(dt * a[i * n_states + n]) * h[t * n_states + n] + dt * b[row(t) + n] * input;
          y[t] += c[row(t) + n] * now;
        }
        r.out[token(t)] = y[t] * z[token(t)] * sigmoid_of(z[token(t)]);
      }
      for (size_t t = time; t-- > 0;) {
        const size_t k = token(t);
        const double dt = softplus_of(raw[k] + bias[i]), gate = sigmoid_of(z[k]);
        const double dy = p.grad[k] * z[k] * gate;
        dz[k] = p.grad[k] * y[t] * gate * (1 + z[k] * (1 - gate));
        dx[k] = d[i] * dy;
        dd[i] += dy * x[k];
        double ddt = 0;
        for (size_t n = 0; n < n_states; ++n) {
          const double rate = a[i * n_states + n], decay = std::exp(dt * rate);
          const double before = h[t * n_states + n];
          dc[row(t) + n] += dy * h[(t + 1) * n_states + n];
          dh[n] += dy * c[row(t) + n];
          db[row(t) + n] += dh[n] * dt * x[k];
          dx[k] += dh[n] * dt * b[row(t) + n];
          ddt += dh[n] * (decay * rate * before + b[row(t) + n] * x[k]);
          da[i * n_states + n] += dh[n] * decay * dt * before;
          dh[n] *= decay;
        }
        draw[k] = ddt * sigmoid_of(raw[k] + bias[i]);
        dbias[i] += draw[k];
      }
    }
  }
  return r;
}

}  // namespace tenfold::kernels
