// The loops of selective_scan.h over time, states and channels, compiled once for every
// instruction set (selective_scan_avx2.cc, selective_scan_avx512.cc). A vector holds one entry of
// neighbouring channels. Nothing of the standard library is instantiated here.
#pragma once

#include "common/kernels/scan_rows.h"
#include "common/kernels/selective_scan_isa.h"

namespace tenfold::kernels::TENFOLD_ISA {

constexpr int64_t kScanChunk = SelectiveScanPlan::kChunk, kScanBlock = SelectiveScanPlan::kBlock;
constexpr int kScanStates = 8;  // as many states as stay in registers together

// A chunk of time of one vector of channels, between the loops over channels and over states.
template <class T>
struct ScanChunk {
  using V = Vector<T>;
  int64_t steps;
  StridedRows<T> b, c;
  int64_t sequence, first;
  V dt[kScanChunk], u[kScanChunk];  // u = dt * x
  V y[kScanChunk];                  // d * x + sum over the states of c * h

  ScanChunk(const SelectiveScanView<T>& v, int64_t sequence, int64_t chunk)
      : b(v.b), c(v.c), sequence(sequence), first(chunk * kScanChunk) {
    steps = v.time - first < kScanChunk ? v.time - first : kScanChunk;
  }
  const T* b_of(int64_t t, int64_t state) const { return b.row(sequence, first + t) + state; }
  const T* c_of(int64_t t, int64_t state) const { return c.row(sequence, first + t) + state; }
};

template <class T>
struct BackwardChunk : ScanChunk<T> {
  using V = Vector<T>;
  using ScanChunk<T>::ScanChunk;
  V slope[kScanChunk];  // derivative of dt in its raw value
  V x[kScanChunk], dy[kScanChunk];
  V gate_grad[kScanChunk];           // grad * d silu(z) / dz
  V over_b[kScanChunk];              // sum over the states of dh * b
  V over_rate[kScanChunk];           // sum over the states of dh * decay * h before * rate
  V decay[kScanChunk][kScanStates];  // of the group of states at work
  V kept[kScanChunk][kScanStates];   // decay * h before, of that group
};

template <class T>
struct ScanTask {
  int64_t sequence, block, first, width;  // channels first .. first + width

  ScanTask(const SelectiveScanView<T>& v, int64_t task) {
    const SelectiveScanPlan plan = plan_of(v);
    sequence = task / plan.blocks();
    block = task % plan.blocks();
    first = block * kScanBlock;
    width = v.channels - first < kScanBlock ? v.channels - first : kScanBlock;
  }
};

// States of the vector at channel `channel` at the start of a chunk after the first.
template <class T>
static inline T* start_of(const SelectiveScanView<T>& v, T* starts, int64_t sequence, int64_t chunk,
                          int64_t channel) {
  const SelectiveScanPlan plan = plan_of(v);
  return starts + (sequence * (plan.chunks() - 1) + chunk - 1) * plan.rates() + channel;
}

// h of `count` states over a chunk; rows of rate and h lie `stride` and kScanBlock apart.
template <int count, class T>
static inline void advance(ScanChunk<T>& k, int64_t state, const T* rate, int64_t stride, T* h) {
  using V = Vector<T>;
  V r[count], now[count];
  for (int n = 0; n < count; ++n) {
    r[n] = load(rate + n * stride);
    now[n] = load(h + n * kScanBlock);
  }
  for (int64_t t = 0; t < k.steps; ++t) {
    const T *b = k.b_of(t, state), *c = k.c_of(t, state);
    const V dt = k.dt[t], u = k.u[t];
    V y = k.y[t];
    for (int n = 0; n < count; ++n) {
      now[n] = exp2_of(dt * r[n]) * now[n] + u * b[n];
      y += now[n] * c[n];
    }
    k.y[t] = y;
  }
  for (int n = 0; n < count; ++n) store(h + n * kScanBlock, now[n]);
}

template <class T>
static void selective_scan_task(const SelectiveScanView<T>& v,
                                const SelectiveScanScratch<T>& scratch, int64_t task, T* out,
                                T* workspace) {
  using V = Vector<T>;
  const FlushSubnormals flush;
  const SelectiveScanPlan plan = plan_of(v);
  const ScanTask<T> own(v, task);
  const int64_t s = own.sequence, padded = plan.padded();
  T* states = workspace;  // [states, kScanBlock]
  clear(states, v.states * kScanBlock);
  for (int64_t chunk = 0; chunk < plan.chunks(); ++chunk) {
    for_columns<T>(own.width, [&](int64_t i, auto at) {
      const int64_t channel = own.first + i;
      ScanChunk<T> k(v, s, chunk);
      const V bias = at.get(v.dt_bias + channel), d = at.get(v.d + channel);
      for (int64_t t = 0; t < k.steps; ++t) {
        prefetch(v.dt, s, k.first + t + kScanChunk, channel);
        prefetch(v.x, s, k.first + t + kScanChunk, channel);
        prefetch(v.z, s, k.first + t + kScanChunk, channel);
        const V x = at.get(v.x.row(s, k.first + t) + channel);
        k.dt[t] = softplus(at.get(v.dt.row(s, k.first + t) + channel) + bias).value;
        k.u[t] = k.dt[t] * x;
        k.y[t] = d * x;
      }
      if (chunk > 0 && scratch.starts != nullptr) {
        T* start = start_of(v, scratch.starts, s, chunk, channel);
        for (int64_t n = 0; n < v.states; ++n) {
          store(start + n * padded, load(states + n * kScanBlock + i));
        }
      }
      for_states<kScanStates>(v.states, [&](int64_t n, auto count) {
        advance<decltype(count)::kValue>(k, n, scratch.rates + n * padded + channel, padded,
                                         states + n * kScanBlock + i);
      });
      for (int64_t t = 0; t < k.steps; ++t) {
        const V z = at.get(v.z.row(s, k.first + t) + channel);
        at.set(out + (s * v.time + k.first + t) * v.channels + channel, k.y[t] * z * sigmoid(z));
      }
    });
  }
}

// The forward pass again from a stored start, keeping what the reverse pass needs.
template <int count, class T>
static inline void replay(BackwardChunk<T>& k, int64_t state, const T* rate, int64_t stride,
                          const T* start) {
  using V = Vector<T>;
  V r[count], now[count];
  for (int n = 0; n < count; ++n) {
    r[n] = load(rate + n * stride);
    now[n] = start != nullptr ? load(start + n * stride) : V{};
  }
  for (int64_t t = 0; t < k.steps; ++t) {
    const T *b = k.b_of(t, state), *c = k.c_of(t, state);
    const V dt = k.dt[t], u = k.u[t];
    V y = k.y[t];
    for (int n = 0; n < count; ++n) {
      const V decay = exp2_of(dt * r[n]);
      const V kept = decay * now[n];
      k.decay[t][n] = decay;
      k.kept[t][n] = kept;
      now[n] = kept + u * b[n];
      y += now[n] * c[n];
    }
    k.y[t] = y;
  }
}

// From the last step to the first. dh [.., kScanBlock] comes from the chunk after this one and goes
// to the one before; b_sum and c_sum [steps, 2 * states] are this chunk's, over all channels.
template <int count, class T>
static inline void reverse(BackwardChunk<T>& k, int64_t state, int64_t states, const T* rate,
                           int64_t stride, T* dh, Vector<T>* b_sum, Vector<T>* rate_sum) {
  using V = Vector<T>;
  V r[count], carry[count], sum[count];
  for (int n = 0; n < count; ++n) {
    r[n] = load(rate + n * stride);
    carry[n] = load(dh + n * kScanBlock);
    sum[n] = V{};
  }
  for (int64_t t = k.steps - 1; t >= 0; --t) {
    const T *b = k.b_of(t, state), *c = k.c_of(t, state);
    V* b_grad = b_sum + t * 2 * states;
    V* c_grad = b_grad + states;
    const V u = k.u[t], dy = k.dy[t], dt = k.dt[t];
    V over_b = state > 0 ? k.over_b[t] : V{};
    V over_rate = state > 0 ? k.over_rate[t] : V{};
    for (int n = 0; n < count; ++n) {
      const V kept = k.kept[t][n];
      c_grad[n] += dy * (kept + u * b[n]);
      const V now = carry[n] + dy * c[n];
      b_grad[n] += now * u;
      over_b += now * b[n];
      const V share = now * kept;
      over_rate += share * r[n];
      sum[n] += share * dt;
      carry[n] = now * k.decay[t][n];
    }
    k.over_b[t] = over_b;
    k.over_rate[t] = over_rate;
  }
  for (int n = 0; n < count; ++n) {
    store(dh + n * kScanBlock, carry[n]);
    rate_sum[n] = sum[n];
  }
}

template <class T>
struct SelectiveScanBackward {
  using V = Vector<T>;
  const SelectiveScanView<T>& v;
  const SelectiveScanScratch<T>& scratch;
  const StridedRows<T>& grad;
  const SelectiveScanGradient<T>& to;
  const ScanTask<T> own;
  const SelectiveScanPlan plan;
  T* dh;    // [states, kScanBlock]
  V* sums;  // [kScanChunk, 2 * states]: gradients of b and c

  template <class Access>
  void prepare(BackwardChunk<T>& k, int64_t channel, const Access& at) const {
    const V bias = at.get(v.dt_bias + channel), d = at.get(v.d + channel);
    for (int64_t t = 0; t < k.steps; ++t) {
      const int64_t time = k.first + t;
      const auto dt = softplus(at.get(v.dt.row(own.sequence, time) + channel) + bias);
      const V z = at.get(v.z.row(own.sequence, time) + channel), gate = sigmoid(z);
      const V g = at.get(grad.row(own.sequence, time) + channel);
      k.dt[t] = dt.value;
      k.slope[t] = dt.slope;
      k.x[t] = at.get(v.x.row(own.sequence, time) + channel);
      k.u[t] = dt.value * k.x[t];
      k.dy[t] = g * z * gate;
      k.gate_grad[t] = g * gate * (1 + z * (1 - gate));
      k.y[t] = d * k.x[t];
      prefetch(v.dt, own.sequence, time - kScanChunk, channel);
      prefetch(v.x, own.sequence, time - kScanChunk, channel);
      prefetch(v.z, own.sequence, time - kScanChunk, channel);
      prefetch(grad, own.sequence, time - kScanChunk, channel);
    }
  }

  template <class Access>
  void finish(const BackwardChunk<T>& k, int64_t channel, const Access& at, V& d_sum,
              V& bias_sum) const {
    const V d = at.get(v.d + channel);
    d_sum = bias_sum = V{};
    for (int64_t t = 0; t < k.steps; ++t) {
      const int64_t entry = (own.sequence * v.time + k.first + t) * v.channels + channel;
      const V dt_grad = (k.x[t] * k.over_b[t] + T(kLn2) * k.over_rate[t]) * k.slope[t];
      at.set(to.z + entry, k.gate_grad[t] * k.y[t]);
      at.set(to.x + entry, d * k.dy[t] + k.dt[t] * k.over_b[t]);
      at.set(to.dt + entry, dt_grad);
      d_sum += k.dy[t] * k.x[t];
      bias_sum += dt_grad;
    }
  }

  // Adds to a row of the sums of this sequence; the last chunk comes first.
  void add(int64_t row, int64_t channel, int64_t chunk, const V& value) const {
    T* sum = scratch.sequence_sums + (own.sequence * plan.sequence_rows() + row) * plan.padded() +
             channel;
    store(sum, chunk == plan.chunks() - 1 ? value : load(sum) + value);
  }

  template <class Access>
  void vector_of_chunk(int64_t chunk, int64_t i, const Access& at) const {
    const int64_t channel = own.first + i, padded = plan.padded();
    BackwardChunk<T> k(v, own.sequence, chunk);
    prepare(k, channel, at);
    const T* start =
        chunk > 0 ? start_of(v, scratch.starts, own.sequence, chunk, channel) : nullptr;
    for_states<kScanStates>(v.states, [&](int64_t n, auto count) {
      constexpr int kCount = decltype(count)::kValue;
      const T* rate = scratch.rates + n * padded + channel;
      V rate_sum[kCount];
      replay<kCount>(k, n, rate, padded, start == nullptr ? nullptr : start + n * padded);
      reverse<kCount>(k, n, v.states, rate, padded, dh + n * kScanBlock + i, sums + n, rate_sum);
      for (int j = 0; j < kCount; ++j) add(n + j, channel, chunk, rate_sum[j]);
    });
    V d_sum, bias_sum;
    finish(k, channel, at, d_sum, bias_sum);
    add(v.states, channel, chunk, d_sum);
    add(v.states + 1, channel, chunk, bias_sum);
  }

  void write_sums_of(int64_t chunk) const {
    const int64_t entries = v.batch * v.time * v.states, first = chunk * kScanChunk;
    const bool alone = plan.blocks() == 1;
    T* b_grad = alone ? to.b : scratch.block_sums + own.block * 2 * entries;
    T* c_grad = alone ? to.c : b_grad + entries;
    const int64_t row = (own.sequence * v.time + first) * v.states;
    const int64_t steps = v.time - first < kScanChunk ? v.time - first : kScanChunk;
    write_sums(sums, steps, v.states, b_grad + row, c_grad + row);
  }

  void run() const {
    clear(dh, v.states * kScanBlock);
    for (int64_t chunk = plan.chunks() - 1; chunk >= 0; --chunk) {
      clear(sums, kScanChunk * 2 * v.states);
      for_columns<T>(own.width, [&](int64_t i, const auto& at) { vector_of_chunk(chunk, i, at); });
      write_sums_of(chunk);
    }
  }
};

template <class T>
static void selective_scan_backward_task(const SelectiveScanView<T>& v,
                                         const SelectiveScanScratch<T>& scratch, int64_t task,
                                         const StridedRows<T>& grad,
                                         const SelectiveScanGradient<T>& to, T* workspace) {
  const FlushSubnormals flush;
  auto* sums = reinterpret_cast<Vector<T>*>(workspace);
  SelectiveScanBackward<T>{v,
                           scratch,
                           grad,
                           to,
                           ScanTask<T>(v, task),
                           plan_of(v),
                           workspace + kScanChunk * 2 * v.states * VectorOf<T>::kLanes,
                           sums}
      .run();
}

}  // namespace tenfold::kernels::TENFOLD_ISA
