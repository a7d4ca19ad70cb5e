// Shapes, contents, the definition and tolerances of ssd_scan's tests, for the CPU and for CUDA.
#pragma once

#include <array>

#include "common/kernels/scan_cases.h"

namespace tenfold::kernels {

// Relative to the largest entry of a tensor, against the recurrence in float64.
template <class T>
constexpr double kSsdScanTolerance = sizeof(T) == 4 ? 5e-6 : 1e-13;

struct SsdScanCase {
  int64_t batch, time, heads, head_dim, states;

  int64_t channels() const { return heads * head_dim; }
};

// Single entries, part vectors, several blocks of heads, several groups of states, lengths at the
// edges of a chunk, a long sequence.
inline const std::vector<SsdScanCase> kSsdScanCases = {
    {1, 1, 1, 1, 1},    {2, 10, 4, 8, 8},    {3, 15, 1, 5, 5},  {2, 16, 2, 33, 8},
    {1, 17, 1, 64, 16}, {1, 31, 3, 24, 13},  {2, 32, 7, 1, 1},  {4, 33, 2, 64, 8},
    {1, 48, 26, 5, 5},  {1, 1001, 3, 13, 8}, {2, 40, 2, 150, 3}};

// In the order of ssd_scan's arguments: x, dt, A, B, C, D, dt_bias.
constexpr size_t kSsdScanInputs = 7;
using SsdScanInputs = std::array<Doubles, kSsdScanInputs>;

inline std::array<std::vector<int64_t>, kSsdScanInputs> ssd_scan_shapes(const SsdScanCase& s) {
  const std::vector<int64_t> rows = {s.batch, s.time, s.states}, heads = {s.heads};
  return {{{s.batch, s.time, s.channels()},
           {s.batch, s.time, s.heads},
           heads,
           rows,
           rows,
           heads,
           heads}};
}

struct SsdScanProblem {
  SsdScanInputs in;
  Doubles grad;  // of the output
};

inline SsdScanProblem make_ssd_scan_problem(const SsdScanCase& s) {
  ScanValues draw;
  const int64_t steps = s.batch * s.time;
  Doubles a = draw.between(0.05, 16, s.heads);
  for (double& x : a) x = -x;
  return {{draw.normal(steps * s.channels()), draw.raw_steps(steps * s.heads), a,
           draw.normal(steps * s.states), draw.normal(steps * s.states), draw.normal(s.heads),
           draw.normal(s.heads)},
          draw.normal(steps * s.channels())};
}

struct SsdScanExpected {
  Doubles out;
  SsdScanInputs grad;
};

// The recurrence of one column of a head, then its derivatives backwards in time, by hand, in
// float64.
inline SsdScanExpected expected_ssd_scan(const SsdScanCase& s, const SsdScanProblem& p) {
  const auto& [x, raw, a, b, c, d, bias] = p.in;
  SsdScanExpected r;
  r.out.resize(p.grad.size());
  for (size_t i = 0; i < kSsdScanInputs; ++i) r.grad[i].resize(p.in[i].size());
  auto& [dx, draw, da, db, dc, dd, dbias] = r.grad;
  const auto n_states = static_cast<size_t>(s.states), time = static_cast<size_t>(s.time);
  const auto heads = static_cast<size_t>(s.heads), columns = static_cast<size_t>(s.head_dim);
  for (size_t batch = 0; batch < static_cast<size_t>(s.batch); ++batch) {
    for (size_t i = 0; i < heads * columns; ++i) {
      const size_t head = i / columns;
      Doubles h((time + 1) * n_states), dh(n_states);  // h[0] is before the first token
      for (size_t t = 0; t < time; ++t) {
        const size_t row = batch * time + t, token = row * heads * columns + i;
        const double dt = softplus_of(raw[row * heads + head] + bias[head]);
        r.out[token] = d[head] * x[token];
        for (size_t n = 0; n < n_states; ++n) {
          double& now = h[(t + 1) * n_states + n];
          now =
              std::exp(dt * a[head]) * h[t * n_states + n] + dt * x[token] * b[row * n_states + n];
          r.out[token] += now * c[row * n_states + n];
        }
      }
      for (size_t t = time; t-- > 0;) {
        const size_t row = batch * time + t, token = row * heads * columns + i;
        const size_t step = row * heads + head;
        const double dt = softplus_of(raw[step] + bias[head]), decay = std::exp(dt * a[head]);
        const double dy = p.grad[token];
        dx[token] = d[head] * dy;
        dd[head] += dy * x[token];
        double ddt = 0;
        for (size_t n = 0; n < n_states; ++n) {
          const size_t entry = row * n_states + n;
          const double before = h[t * n_states + n];
          dc[entry] += dy * h[(t + 1) * n_states + n];
          dh[n] += dy * c[entry];
          db[entry] += dh[n] * dt * x[token];
          dx[token] += dh[n] * dt * b[entry];
          ddt += dh[n] * (decay * a[head] * before + b[entry] * x[token]);
          da[head] += dh[n] * decay * dt * before;
          dh[n] *= decay;
        }
        const double raw_grad = ddt * sigmoid_of(raw[step] + bias[head]);
        draw[step] += raw_grad;
        dbias[head] += raw_grad;
      }
    }
  }
  return r;
}

}  // namespace tenfold::kernels
