// The loops of ssd_scan.h over time, states and columns of a head, compiled once for every
// instruction set (ssd_scan_avx2.cc, ssd_scan_avx512.cc). A vector holds one entry of neighbouring
// columns and never reaches into another head, so that its step and decay are plain numbers.
// Nothing of the standard library is instantiated here.
#pragma once

#include "common/kernels/scan_rows.h"
#include "common/kernels/ssd_scan_isa.h"

namespace tenfold::kernels::TENFOLD_ISA {

constexpr int64_t kSsdChunk = SsdScanPlan::kChunk;
constexpr int kSsdVectors = 2;  // neighbours, which share their loads of b and c
constexpr int kSsdStates = kVectorBytes == 64 ? 8 : 4;  // as many as fit 32 or 16 registers

// Calls body(column, vectors, access) along a head; vectors.kValue is how many.
template <class T, class Body>
static inline void for_head(int64_t width, const Body& body) {
  constexpr int64_t kLanes = VectorOf<T>::kLanes;
  int64_t i = 0;
  for (; i + kSsdVectors * kLanes <= width; i += kSsdVectors * kLanes) {
    body(i, Count<kSsdVectors>{}, Whole<T>{});
  }
  for (; i + kLanes <= width; i += kLanes) body(i, Count<1>{}, Whole<T>{});
  if (i < width) body(i, Count<1>{}, Part<T>{width - i});
}

// A chunk of time of one head: its steps, and the sums over its columns that the backward pass
// takes (lanes still apart).
template <class T>
struct HeadChunk {
  using V = Vector<T>;
  int64_t sequence, first, steps, head;
  T dt[kSsdChunk], slope[kSsdChunk], decay[kSsdChunk];  // slope: derivative of dt in its raw value
  V over_state[kSsdChunk];                              // of dh * decay * h before
  V over_input[kSsdChunk];                              // of dh * b * x
  V over_skip;                                          // of grad * x

  HeadChunk(const SsdScanView<T>& v, int64_t sequence, int64_t chunk, int64_t head)
      : sequence(sequence), first(chunk * kSsdChunk), head(head) {
    steps = v.time - first < kSsdChunk ? v.time - first : kSsdChunk;
    T raw[kSsdChunk] = {};
    for (int64_t t = 0; t < steps; ++t) raw[t] = v.dt.row(sequence, first + t)[head];
    for (int64_t t = 0; t < kSsdChunk; t += VectorOf<T>::kLanes) {
      const auto step = softplus(load(raw + t) + v.dt_bias[head]);
      store(dt + t, step.value);
      store(slope + t, step.slope);
      store(decay + t, exp2_of(step.value * (v.a[head] * T(kLog2OfE))));
    }
  }
};

// What a task owns: heads first_head .. end_head of one sequence.
template <class T>
struct SsdTask {
  const SsdScanView<T>& v;
  SsdScanPlan plan;
  int64_t sequence, block, first_head, end_head;

  SsdTask(const SsdScanView<T>& v, int64_t task) : v(v), plan(plan_of(v)) {
    sequence = task / plan.blocks();
    block = task % plan.blocks();
    first_head = block * plan.block_heads;
    end_head = first_head + plan.block_heads;
    if (end_head > v.heads) end_head = v.heads;
  }
  // Columns between two states in the workspace.
  int64_t row() const { return plan.block_heads * plan.padded_head(); }
  int64_t in_row(int64_t head, int64_t column) const {
    return (head - first_head) * plan.padded_head() + column;
  }
  // State 0 of a column at the start of a chunk after the first; states lie plan.padded() apart.
  T* start(T* starts, int64_t chunk, int64_t head, int64_t column) const {
    return starts + (sequence * (plan.chunks() - 1) + chunk - 1) * v.states * plan.padded() +
           head * plan.padded_head() + column;
  }
};

// Output entries of `vectors` vectors of a head over a chunk, as far as states state .. state +
// count contribute; the first of them also bring d * x. Rows of h lie `stride` apart.
template <int vectors, int count, class T, class Access>
static inline void advance(const SsdScanView<T>& v, const HeadChunk<T>& k, int64_t column,
                           int64_t state, const Access& at, T* h, int64_t stride, T* out) {
  using V = Vector<T>;
  constexpr int64_t kLanes = VectorOf<T>::kLanes;
  const int64_t width = v.heads * v.head_dim, channel = k.head * v.head_dim + column;
  const T d = v.d[k.head];
  V now[vectors][count];
  for (int j = 0; j < vectors; ++j) {
    for (int n = 0; n < count; ++n) now[j][n] = load(h + n * stride + j * kLanes);
  }
  for (int64_t t = 0; t < k.steps; ++t) {
    const T* b = v.b.row(k.sequence, k.first + t) + state;
    const T* c = v.c.row(k.sequence, k.first + t) + state;
    const T* x = v.x.row(k.sequence, k.first + t) + channel;
    T* o = out + (k.sequence * v.time + k.first + t) * width + channel;
    const T dt = k.dt[t], decay = k.decay[t];
    prefetch(v.x, k.sequence, k.first + t + kSsdChunk, channel);
    V u[vectors], y[vectors];
    for (int j = 0; j < vectors; ++j) {
      const V input = at.get(x + j * kLanes);
      u[j] = dt * input;
      y[j] = state == 0 ? d * input : at.get(o + j * kLanes);
    }
    for (int n = 0; n < count; ++n) {
      for (int j = 0; j < vectors; ++j) {
        now[j][n] = decay * now[j][n] + u[j] * b[n];
        y[j] += now[j][n] * c[n];
      }
    }
    for (int j = 0; j < vectors; ++j) at.set(o + j * kLanes, y[j]);
  }
  for (int j = 0; j < vectors; ++j) {
    for (int n = 0; n < count; ++n) store(h + n * stride + j * kLanes, now[j][n]);
  }
}

template <class T>
static void ssd_scan_task(const SsdScanView<T>& v, const SsdScanScratch<T>& scratch, int64_t task,
                          T* out, T* workspace) {
  const FlushSubnormals flush;
  const SsdTask<T> own(v, task);
  const int64_t row = own.row(), padded = own.plan.padded();
  clear(workspace, v.states * row);
  for (int64_t chunk = 0; chunk < own.plan.chunks(); ++chunk) {
    for (int64_t head = own.first_head; head < own.end_head; ++head) {
      const HeadChunk<T> k(v, own.sequence, chunk, head);
      for_head<T>(v.head_dim, [&](int64_t i, auto vectors, auto at) {
        constexpr int kVectors = decltype(vectors)::kValue;
        T* h = workspace + own.in_row(head, i);
        if (chunk > 0 && scratch.starts != nullptr) {
          T* start = own.start(scratch.starts, chunk, head, i);
          for (int64_t n = 0; n < v.states; ++n) {
            for (int64_t j = 0; j < kVectors * VectorOf<T>::kLanes; j += VectorOf<T>::kLanes) {
              store(start + n * padded + j, load(h + n * row + j));
            }
          }
        }
        for_states<kSsdStates>(v.states, [&](int64_t n, auto count) {
          advance<kVectors, decltype(count)::kValue>(v, k, i, n, at, h + n * row, row, out);
        });
      });
    }
  }
}

template <class T>
struct SsdScanBackward {
  using V = Vector<T>;
  static constexpr int64_t kLanes = VectorOf<T>::kLanes;
  const SsdScanView<T>& v;
  const SsdScanScratch<T>& scratch;
  const StridedRows<T>& grad;
  const SsdScanGradient<T>& to;
  SsdTask<T> own;
  T* dh;    // [states, own.row()]
  V* sums;  // [kSsdChunk, 2 * states]: gradients of b and c

  // The states of a chunk again from its start (nullptr: zeros): decay * h before, for every step.
  template <int vectors, int count, class Access>
  void replay(const HeadChunk<T>& k, int64_t channel, int64_t state, const Access& at,
              const T* start, V (*kept)[count][vectors]) const {
    const int64_t padded = own.plan.padded();
    V now[count][vectors];
    for (int n = 0; n < count; ++n) {
      for (int j = 0; j < vectors; ++j) {
        now[n][j] = start != nullptr ? load(start + n * padded + j * kLanes) : V{};
      }
    }
    for (int64_t t = 0; t < k.steps; ++t) {
      const T* b = v.b.row(k.sequence, k.first + t) + state;
      const T* x = v.x.row(k.sequence, k.first + t) + channel;
      const T dt = k.dt[t], decay = k.decay[t];
      prefetch(v.x, k.sequence, k.first + t - kSsdChunk, channel);
      prefetch(grad, k.sequence, k.first + t - kSsdChunk, channel);
      V u[vectors];
      for (int j = 0; j < vectors; ++j) u[j] = dt * at.get(x + j * kLanes);
      for (int n = 0; n < count; ++n) {
        for (int j = 0; j < vectors; ++j) {
          kept[t][n][j] = decay * now[n][j];
          now[n][j] = kept[t][n][j] + u[j] * b[n];
        }
      }
    }
  }

  // From the last step to the first; `carry` (rows own.row() apart) comes from the chunk after this
  // one and goes to the one before.
  template <int vectors, int count, class Access>
  void reverse(HeadChunk<T>& k, int64_t channel, int64_t state, const Access& at, T* carry,
               const V (*kept)[count][vectors]) const {
    const int64_t row = own.row(), width = v.heads * v.head_dim;
    const T d = v.d[k.head];
    V after[count][vectors];
    for (int n = 0; n < count; ++n) {
      for (int j = 0; j < vectors; ++j) after[n][j] = load(carry + n * row + j * kLanes);
    }
    for (int64_t t = k.steps - 1; t >= 0; --t) {
      const int64_t time = k.first + t;
      const T *b = v.b.row(k.sequence, time) + state, *c = v.c.row(k.sequence, time) + state;
      const T* x = v.x.row(k.sequence, time) + channel;
      const T* g = grad.row(k.sequence, time) + channel;
      T* x_grad = to.x + (k.sequence * v.time + time) * width + channel;
      V* b_sum = sums + t * 2 * v.states + state;
      V* c_sum = b_sum + v.states;
      const T dt = k.dt[t], decay = k.decay[t];
      V input[vectors], u[vectors], dy[vectors], over_b[vectors];
      V over_state = k.over_state[t];
      for (int j = 0; j < vectors; ++j) {
        input[j] = at.get(x + j * kLanes);
        dy[j] = at.get(g + j * kLanes);
        u[j] = dt * input[j];
        over_b[j] = V{};
      }
      for (int n = 0; n < count; ++n) {
        V to_b = b_sum[n], to_c = c_sum[n];
        for (int j = 0; j < vectors; ++j) {
          to_c += dy[j] * (kept[t][n][j] + u[j] * b[n]);
          const V now = after[n][j] + dy[j] * c[n];
          to_b += now * u[j];
          over_b[j] += now * b[n];
          over_state += now * kept[t][n][j];
          after[n][j] = now * decay;
        }
        b_sum[n] = to_b;
        c_sum[n] = to_c;
      }
      k.over_state[t] = over_state;
      for (int j = 0; j < vectors; ++j) {
        k.over_input[t] += over_b[j] * input[j];
        if (state == 0) k.over_skip += dy[j] * input[j];
        const V before = state == 0 ? d * dy[j] : at.get(x_grad + j * kLanes);
        at.set(x_grad + j * kLanes, before + dt * over_b[j]);
      }
    }
    for (int n = 0; n < count; ++n) {
      for (int j = 0; j < vectors; ++j) store(carry + n * row + j * kLanes, after[n][j]);
    }
  }

  // Adds to an entry of the sums of this sequence; the last chunk comes first.
  void add(int64_t which, int64_t head, int64_t chunk, T value) const {
    T& sum = scratch.sequence_sums[(own.sequence * 3 + which) * v.heads + head];
    sum = chunk == own.plan.chunks() - 1 ? value : sum + value;
  }

  void head_of_chunk(int64_t chunk, int64_t head) const {
    HeadChunk<T> k(v, own.sequence, chunk, head);
    clear(k.over_state, kSsdChunk);
    clear(k.over_input, kSsdChunk);
    k.over_skip = V{};
    for_head<T>(v.head_dim, [&](int64_t i, auto vectors, auto at) {
      constexpr int kVectors = decltype(vectors)::kValue;
      const T* start = chunk > 0 ? own.start(scratch.starts, chunk, head, i) : nullptr;
      const int64_t channel = head * v.head_dim + i;
      for_states<kSsdStates>(v.states, [&](int64_t n, auto count) {
        constexpr int kCount = decltype(count)::kValue;
        V kept[kSsdChunk][kCount][kVectors];
        replay<kVectors, kCount>(k, channel, n, at,
                                 start == nullptr ? nullptr : start + n * own.plan.padded(), kept);
        reverse<kVectors, kCount>(k, channel, n, at, dh + n * own.row() + own.in_row(head, i),
                                  kept);
      });
    });
    T rate_sum = 0, bias_sum = 0;
    for (int64_t t = 0; t < k.steps; ++t) {
      const T state = sum_of_lanes<T>(k.over_state[t]);
      const T dt_grad = (v.a[head] * state + sum_of_lanes<T>(k.over_input[t])) * k.slope[t];
      to.dt[(k.sequence * v.time + k.first + t) * v.heads + head] = dt_grad;
      rate_sum += k.dt[t] * state;
      bias_sum += dt_grad;
    }
    add(0, head, chunk, rate_sum);
    add(1, head, chunk, sum_of_lanes<T>(k.over_skip));
    add(2, head, chunk, bias_sum);
  }

  void write_sums_of(int64_t chunk) const {
    const int64_t entries = v.batch * v.time * v.states, first = chunk * kSsdChunk;
    const bool alone = own.plan.blocks() == 1;
    T* b_grad = alone ? to.b : scratch.block_sums + own.block * 2 * entries;
    T* c_grad = alone ? to.c : b_grad + entries;
    const int64_t row = (own.sequence * v.time + first) * v.states;
    const int64_t steps = v.time - first < kSsdChunk ? v.time - first : kSsdChunk;
    write_sums(sums, steps, v.states, b_grad + row, c_grad + row);
  }

  void run() const {
    clear(dh, v.states * own.row());
    for (int64_t chunk = own.plan.chunks() - 1; chunk >= 0; --chunk) {
      clear(sums, kSsdChunk * 2 * v.states);
      for (int64_t head = own.first_head; head < own.end_head; ++head) head_of_chunk(chunk, head);
      write_sums_of(chunk);
    }
  }
};

template <class T>
static void ssd_scan_backward_task(const SsdScanView<T>& v, const SsdScanScratch<T>& scratch,
                                   int64_t task, const StridedRows<T>& grad,
                                   const SsdScanGradient<T>& to, T* workspace) {
  const FlushSubnormals flush;
  auto* sums = reinterpret_cast<Vector<T>*>(workspace);
  T* dh = workspace + kSsdChunk * 2 * v.states * VectorOf<T>::kLanes;
  SsdScanBackward<T>{v, scratch, grad, to, SsdTask<T>(v, task), dh, sums}.run();
}

}  // namespace tenfold::kernels::TENFOLD_ISA
