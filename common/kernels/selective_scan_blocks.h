// selective_scan.h in blocks (blocks.h): a thread takes one channel of one sequence and groups of
// states one after another. The backward pass is one launch a chunk of time, from the last to the
// first; what follows from all groups of states grows in the gradients of x, dt and z themselves.
#pragma once

#include "common/kernels/scan_blocks.h"
#include "common/kernels/selective_scan_launch.h"

namespace tenfold::kernels {

// Where the parts of the scratch lie.
template <class T>
struct SelectiveScanDeviceScratch {
  T* carry;          // [batch, states, padded]: gradients of states, from chunk to chunk
  T* sequence_sums;  // [batch, states + 2, padded]
  T* block_sums;     // [tiles, 2, batch * time, states]
};

template <class T>
TENFOLD_HOST_DEVICE inline int64_t selective_scan_tiles(const SelectiveScanView<T>& v) {
  return divide_up(v.channels, kDeviceLanes<T>);
}

template <class T>
SelectiveScanDeviceScratch<T> selective_scan_parts(const SelectiveScanView<T>& v, T* scratch) {
  const SelectiveScanPlan plan = plan_of(v);
  T* sums = scratch + v.batch * plan.rates();
  return {scratch, sums, sums + plan.sequence_sums()};
}

template <class T>
struct SelectiveScanForwardBlocks {
  static constexpr int kPhases = 1;
  SelectiveScanView<T> v;
  SelectiveScanPlan plan;
  T *starts, *out;

  int64_t blocks() const { return v.batch * selective_scan_tiles(v); }
  int threads() const { return kDeviceLanes<T>; }
  int64_t shared_bytes() const { return 0; }

  TENFOLD_HOST_DEVICE void operator()(int, const Place& at, void*) const {
    const BlockTile own(at.block, v.channels, kDeviceLanes<T>);
    const int64_t s = own.row, channel = own.column + at.thread;
    if (channel >= v.channels) return;
    for (int64_t state = 0; state < v.states; state += kDeviceStates) {
      run_group(s, channel, state);
    }
  }

  TENFOLD_HOST_DEVICE void run_group(int64_t s, int64_t channel, int64_t state) const {
    const bool last = state + kDeviceStates >= v.states;
    const T bias = constant(v.dt_bias + channel), d = constant(v.d + channel);
    const T* a = v.a + channel * v.states + state;
    T rate[kDeviceStates], h[kDeviceStates];
#pragma unroll
    for (int n = 0; n < kDeviceStates; ++n) {
      rate[n] = state + n < v.states ? constant(a + n) : T(0);
      h[n] = T(0);
    }
    for (int64_t t = 0; t < v.time; ++t) {
      if (t > 0 && t % kDeviceChunk == 0 && starts != nullptr) {
        T* start = starts + (s * (plan.chunks() - 1) + t / kDeviceChunk - 1) * plan.rates() +
                   state * plan.padded() + channel;
#pragma unroll
        for (int n = 0; n < kDeviceStates; ++n) {
          if (state + n < v.states) start[n * plan.padded()] = h[n];
        }
      }
      const T x = constant(v.x.row(s, t) + channel);
      const T dt = softplus_on_device(constant(v.dt.row(s, t) + channel) + bias);
      const T *b = v.b.row(s, t) + state, *c = v.c.row(s, t) + state;
      T& entry = out[(s * v.time + t) * v.channels + channel];
      T y = state == 0 ? d * x : entry;
#pragma unroll
      for (int n = 0; n < kDeviceStates; ++n) {
        if (state + n < v.states) {
          h[n] = exp_on_device(dt * rate[n]) * h[n] + dt * x * constant(b + n);
          y += constant(c + n) * h[n];
        }
      }
      const T z = last ? constant(v.z.row(s, t) + channel) : T(0);
      entry = last ? y * z * sigmoid_on_device(z) : y;
    }
  }
};

// One chunk and group of states.
template <class T>
struct SelectiveScanBackwardBlocks {
  static constexpr int kPhases = 2;
  SelectiveScanView<T> v;
  SelectiveScanPlan plan;
  const T* starts;
  SelectiveScanDeviceScratch<T> scratch;
  StridedRows<T> grad;
  SelectiveScanGradient<T> to;
  int64_t chunk, state;

  int64_t blocks() const { return v.batch * selective_scan_tiles(v); }
  int threads() const { return kDeviceLanes<T>; }
  // Contributions [2, kDeviceChunk, kDeviceStates, lanes] to the gradients of b and c.
  int64_t shared_bytes() const {
    return static_cast<int64_t>(sizeof(T)) * 2 * kDeviceChunk * kDeviceStates * kDeviceLanes<T>;
  }

  TENFOLD_HOST_DEVICE void operator()(int phase, const Place& at, void* memory) const {
    const BlockTile own(at.block, v.channels, kDeviceLanes<T>);
    T* shared = static_cast<T*>(memory);
    if (phase == 1) {
      add_up(own, at, shared);
    } else if (own.column + at.thread < v.channels) {
      run_channel(own.row, own.column + at.thread, shared + at.thread);
    }
  }

  TENFOLD_HOST_DEVICE int64_t first_step() const { return chunk * kDeviceChunk; }
  TENFOLD_HOST_DEVICE int steps() const {
    const int64_t left = v.time - first_step();
    return static_cast<int>(left < kDeviceChunk ? left : kDeviceChunk);
  }
  TENFOLD_HOST_DEVICE bool last_group() const { return state + kDeviceStates >= v.states; }

  // Adds to a row of the sums of a sequence; the last chunk comes first.
  TENFOLD_HOST_DEVICE void add(int64_t s, int64_t row, int64_t channel, T value) const {
    T& sum = scratch.sequence_sums[(s * plan.sequence_rows() + row) * plan.padded() + channel];
    sum = chunk == plan.chunks() - 1 ? value : sum + value;
  }

  TENFOLD_HOST_DEVICE void run_channel(int64_t s, int64_t channel, T* shared) const {
    const T bias = constant(v.dt_bias + channel), d = constant(v.d + channel);
    T rate[kDeviceStates], h[kDeviceStates], after[kDeviceStates], rate_sum[kDeviceStates];
    T kept[kDeviceChunk][kDeviceStates], y[kDeviceChunk];  // kept: decay * h before
    T* carry = scratch.carry + (s * v.states + state) * plan.padded() + channel;
    const T* start = chunk == 0 ? nullptr
                                : starts + (s * (plan.chunks() - 1) + chunk - 1) * plan.rates() +
                                      state * plan.padded() + channel;
#pragma unroll
    for (int n = 0; n < kDeviceStates; ++n) {
      const bool inside = state + n < v.states;
      rate[n] = inside ? constant(v.a + channel * v.states + state + n) : T(0);
      h[n] = inside && start != nullptr ? constant(start + n * plan.padded()) : T(0);
      after[n] = inside && chunk + 1 < plan.chunks() ? carry[n * plan.padded()] : T(0);
      rate_sum[n] = T(0);
    }
    for (int t = 0; t < steps(); ++t) {
      const int64_t time = first_step() + t;
      const T x = constant(v.x.row(s, time) + channel);
      const T dt = softplus_on_device(constant(v.dt.row(s, time) + channel) + bias);
      const T *b = v.b.row(s, time) + state, *c = v.c.row(s, time) + state;
      y[t] = T(0);
#pragma unroll
      for (int n = 0; n < kDeviceStates; ++n) {
        kept[t][n] = exp_on_device(dt * rate[n]) * h[n];
        if (state + n < v.states) {
          h[n] = kept[t][n] + dt * x * constant(b + n);
          y[t] += constant(c + n) * h[n];
        }
      }
    }
    T d_sum = 0, bias_sum = 0;
    for (int t = steps() - 1; t >= 0; --t) {
      const int64_t time = first_step() + t, entry = (s * v.time + time) * v.channels + channel;
      const T x = constant(v.x.row(s, time) + channel);
      const T raw = constant(v.dt.row(s, time) + channel) + bias, dt = softplus_on_device(raw);
      const T z = constant(v.z.row(s, time) + channel), gate = sigmoid_on_device(z);
      const T g = constant(grad.row(s, time) + channel), dy = g * z * gate;
      const T *b = v.b.row(s, time) + state, *c = v.c.row(s, time) + state;
      T over_b = state == 0 ? T(0) : to.x[entry];
      T over_rate = state == 0 ? T(0) : to.dt[entry];
      const T total = y[t] + (state == 0 ? d * x : to.z[entry]);
#pragma unroll
      for (int n = 0; n < kDeviceStates; ++n) {
        if (state + n < v.states) {
          const T weight = constant(b + n), now = after[n] + dy * constant(c + n);
          T* contribution = shared + (t * kDeviceStates + n) * kDeviceLanes<T>;
          contribution[0] = now * dt * x;
          contribution[kDeviceChunk * kDeviceStates * kDeviceLanes<T>] =
              dy * (kept[t][n] + dt * x * weight);
          const T share = now * kept[t][n];
          over_b += now * weight;
          over_rate += share * rate[n];
          rate_sum[n] += share * dt;
          after[n] = now * exp_on_device(dt * rate[n]);
        }
      }
      if (!last_group()) {
        to.x[entry] = over_b;
        to.dt[entry] = over_rate;
        to.z[entry] = total;
        continue;
      }
      const T dt_grad = (x * over_b + over_rate) * sigmoid_on_device(raw);
      to.x[entry] = d * dy + dt * over_b;
      to.dt[entry] = dt_grad;
      to.z[entry] = g * gate * (T(1) + z * (T(1) - gate)) * total;
      d_sum += dy * x;
      bias_sum += dt_grad;
    }
#pragma unroll
    for (int n = 0; n < kDeviceStates; ++n) {
      if (state + n < v.states) {
        carry[n * plan.padded()] = after[n];
        add(s, state + n, channel, rate_sum[n]);
      }
    }
    if (last_group()) {
      add(s, v.states, channel, d_sum);
      add(s, v.states + 1, channel, bias_sum);
    }
  }

  TENFOLD_HOST_DEVICE void add_up(const BlockTile& own, const Place& at, const T* shared) const {
    const int64_t entries = v.batch * v.time * v.states, left = v.channels - own.column;
    const int lanes = static_cast<int>(left < kDeviceLanes<T> ? left : kDeviceLanes<T>);
    T* sums = scratch.block_sums + own.column / kDeviceLanes<T> * 2 * entries;
    for (int i = at.thread; i < 2 * kDeviceChunk * kDeviceStates; i += kDeviceLanes<T>) {
      const int which = i / (kDeviceChunk * kDeviceStates), n = i % kDeviceStates;
      const int t = i / kDeviceStates % kDeviceChunk;
      if (t >= steps() || state + n >= v.states) continue;
      sums[which * entries + (own.row * v.time + first_step() + t) * v.states + state + n] =
          sum_of_row(shared + i * kDeviceLanes<T>, lanes, at.thread);
    }
  }
};

// Both passes; run(body) launches a body, one after another.
template <class T, class Run>
void selective_scan_by_blocks(const SelectiveScanView<T>& v, T* starts, T* out, const Run& run) {
  run(SelectiveScanForwardBlocks<T>{v, plan_of(v), starts, out});
}

template <class T, class Run>
void selective_scan_backward_by_blocks(const SelectiveScanView<T>& v, const T* starts, T* scratch,
                                       const StridedRows<T>& grad,
                                       const SelectiveScanGradient<T>& to, const Run& run) {
  const SelectiveScanPlan plan = plan_of(v);
  const SelectiveScanDeviceScratch<T> parts = selective_scan_parts(v, scratch);
  for (int64_t chunk = plan.chunks() - 1; chunk >= 0; --chunk) {
    for (int64_t state = 0; state < v.states; state += kDeviceStates) {
      run(SelectiveScanBackwardBlocks<T>{v, plan, starts, parts, grad, to, chunk, state});
    }
  }
  const int64_t entries = v.batch * v.time * v.states;
  run(AddColumns<T>{parts.sequence_sums, v.batch, v.states, v.channels, plan.padded(), to.a, to.d,
                    to.dt_bias});
  run(AddParts<T>{parts.block_sums, selective_scan_tiles(v), 2 * entries, entries, to.b});
  run(AddParts<T>{parts.block_sums + entries, selective_scan_tiles(v), 2 * entries, entries, to.c});
}

}  // namespace tenfold::kernels
