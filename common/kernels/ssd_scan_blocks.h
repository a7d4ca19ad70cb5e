// ssd_scan.h in blocks (blocks.h): a thread takes one column of a head of one sequence and groups
// of states one after another; a block stays within a head. The backward pass is one launch a chunk
// of time, from the last to the first.
#pragma once

#include "common/kernels/scan_blocks.h"
#include "common/kernels/ssd_scan_launch.h"

namespace tenfold::kernels {

// Where the parts of the scratch lie. A part is a tile of columns of a head.
template <class T>
struct SsdScanDeviceScratch {
  T* carry;       // [batch, states, padded]: gradients of states, from chunk to chunk
  T* block_sums;  // [parts, 2, batch * time, states]: gradients of b and c
  T* step_sums;   // [parts, batch, 2, time]: of dh * decay * h before, of dh * b * x
  T* skip_sums;   // [parts, batch]: of grad * x
};

template <class T>
SsdScanDeviceScratch<T> ssd_scan_parts(const SsdScanView<T>& v, T* scratch) {
  const int64_t parts = v.heads * divide_up(v.head_dim, kDeviceLanes<T>);
  T* block_sums = scratch + v.batch * v.states * plan_of(v).padded();
  T* step_sums = block_sums + parts * 2 * v.batch * v.time * v.states;
  return {scratch, block_sums, step_sums, step_sums + parts * 2 * v.batch * v.time};
}

// Which columns a block owns.
template <class T>
struct SsdScanTile {
  int64_t sequence, head, column, part;

  TENFOLD_HOST_DEVICE SsdScanTile(const SsdScanView<T>& v, int64_t block) {
    const BlockTile own(block, v.head_dim, kDeviceLanes<T>);
    sequence = own.row / v.heads;
    head = own.row % v.heads;
    column = own.column;
    part = head * divide_up(v.head_dim, kDeviceLanes<T>) + column / kDeviceLanes<T>;
  }
};

template <class T>
struct SsdScanForwardBlocks {
  static constexpr int kPhases = 1;
  SsdScanView<T> v;
  SsdScanPlan plan;
  T *starts, *out;

  int64_t blocks() const { return v.batch * v.heads * divide_up(v.head_dim, kDeviceLanes<T>); }
  int threads() const { return kDeviceLanes<T>; }
  int64_t shared_bytes() const { return 0; }

  TENFOLD_HOST_DEVICE void operator()(int, const Place& at, void*) const {
    const SsdScanTile<T> own(v, at.block);
    const int64_t column = own.column + at.thread;
    if (column >= v.head_dim) return;
    for (int64_t state = 0; state < v.states; state += kDeviceStates) {
      run_group(own, column, state);
    }
  }

  TENFOLD_HOST_DEVICE void run_group(const SsdScanTile<T>& own, int64_t column,
                                     int64_t state) const {
    const int64_t s = own.sequence, channel = own.head * v.head_dim + column;
    const T a = constant(v.a + own.head), d = constant(v.d + own.head);
    const T bias = constant(v.dt_bias + own.head);
    T h[kDeviceStates];
#pragma unroll
    for (int n = 0; n < kDeviceStates; ++n) h[n] = T(0);
    for (int64_t t = 0; t < v.time; ++t) {
      if (t > 0 && t % kDeviceChunk == 0 && starts != nullptr) {
        const int64_t chunk = s * (plan.chunks() - 1) + t / kDeviceChunk - 1;
        T* start = starts + (chunk * v.states + state) * plan.padded() +
                   own.head * plan.padded_head() + column;
#pragma unroll
        for (int n = 0; n < kDeviceStates; ++n) {
          if (state + n < v.states) start[n * plan.padded()] = h[n];
        }
      }
      const T x = constant(v.x.row(s, t) + channel);
      const T dt = softplus_on_device(constant(v.dt.row(s, t) + own.head) + bias);
      const T decay = exp_on_device(dt * a);
      const T *b = v.b.row(s, t) + state, *c = v.c.row(s, t) + state;
      T& entry = out[(s * v.time + t) * v.heads * v.head_dim + channel];
      T y = state == 0 ? d * x : entry;
#pragma unroll
      for (int n = 0; n < kDeviceStates; ++n) {
        if (state + n < v.states) {
          h[n] = decay * h[n] + dt * x * constant(b + n);
          y += constant(c + n) * h[n];
        }
      }
      entry = y;
    }
  }
};

// One chunk and group of states.
template <class T>
struct SsdScanBackwardBlocks {
  static constexpr int kPhases = 2;
  static constexpr int kLanes = kDeviceLanes<T>;
  // Rows of shared memory, a contribution a lane: to the gradients of b and c [2, kDeviceChunk,
  // kDeviceStates], to the step sums [2, kDeviceChunk], to the skip sum.
  static constexpr int kStepRows = 2 * kDeviceChunk * kDeviceStates;
  static constexpr int kSkipRow = kStepRows + 2 * kDeviceChunk;

  SsdScanView<T> v;
  SsdScanPlan plan;
  const T* starts;
  SsdScanDeviceScratch<T> scratch;
  StridedRows<T> grad;
  SsdScanGradient<T> to;
  int64_t chunk, state;

  int64_t blocks() const { return v.batch * v.heads * divide_up(v.head_dim, kLanes); }
  int threads() const { return kLanes; }
  int64_t shared_bytes() const { return static_cast<int64_t>(sizeof(T)) * (kSkipRow + 1) * kLanes; }

  TENFOLD_HOST_DEVICE void operator()(int phase, const Place& at, void* memory) const {
    const SsdScanTile<T> own(v, at.block);
    T* shared = static_cast<T*>(memory);
    if (phase == 1) {
      add_up(own, at, shared);
    } else if (own.column + at.thread < v.head_dim) {
      run_column(own, own.column + at.thread, shared + at.thread);
    }
  }

  TENFOLD_HOST_DEVICE int64_t first_step() const { return chunk * kDeviceChunk; }
  TENFOLD_HOST_DEVICE int steps() const {
    const int64_t left = v.time - first_step();
    return static_cast<int>(left < kDeviceChunk ? left : kDeviceChunk);
  }

  TENFOLD_HOST_DEVICE void run_column(const SsdScanTile<T>& own, int64_t column, T* shared) const {
    const int64_t s = own.sequence, channel = own.head * v.head_dim + column;
    const int64_t padded = plan.padded(), place = own.head * plan.padded_head() + column;
    const T a = constant(v.a + own.head), d = constant(v.d + own.head);
    const T bias = constant(v.dt_bias + own.head);
    T h[kDeviceStates], after[kDeviceStates];
    T kept[kDeviceChunk][kDeviceStates], dt[kDeviceChunk], decay[kDeviceChunk];
    T* carry = scratch.carry + (s * v.states + state) * padded + place;
    const int64_t slot = s * (plan.chunks() - 1) + chunk - 1;
    const T* start = chunk == 0 ? nullptr : starts + (slot * v.states + state) * padded + place;
#pragma unroll
    for (int n = 0; n < kDeviceStates; ++n) {
      const bool inside = state + n < v.states;
      h[n] = inside && start != nullptr ? constant(start + n * padded) : T(0);
      after[n] = inside && chunk + 1 < plan.chunks() ? carry[n * padded] : T(0);
    }
    for (int t = 0; t < steps(); ++t) {
      const int64_t time = first_step() + t;
      const T x = constant(v.x.row(s, time) + channel);
      const T* b = v.b.row(s, time) + state;
      dt[t] = softplus_on_device(constant(v.dt.row(s, time) + own.head) + bias);
      decay[t] = exp_on_device(dt[t] * a);
#pragma unroll
      for (int n = 0; n < kDeviceStates; ++n) {
        kept[t][n] = decay[t] * h[n];
        if (state + n < v.states) h[n] = kept[t][n] + dt[t] * x * constant(b + n);
      }
    }
    T skip = 0;
    for (int t = steps() - 1; t >= 0; --t) {
      const int64_t time = first_step() + t;
      const T x = constant(v.x.row(s, time) + channel), u = dt[t] * x;
      const T dy = constant(grad.row(s, time) + channel);
      const T *b = v.b.row(s, time) + state, *c = v.c.row(s, time) + state;
      T over_b = 0, over_state = 0;
#pragma unroll
      for (int n = 0; n < kDeviceStates; ++n) {
        if (state + n < v.states) {
          const T weight = constant(b + n), now = after[n] + dy * constant(c + n);
          T* contribution = shared + (t * kDeviceStates + n) * kLanes;
          contribution[0] = now * u;
          contribution[kDeviceChunk * kDeviceStates * kLanes] = dy * (kept[t][n] + u * weight);
          over_b += now * weight;
          over_state += now * kept[t][n];
          after[n] = now * decay[t];
        }
      }
      shared[(kStepRows + t) * kLanes] = over_state;
      shared[(kStepRows + kDeviceChunk + t) * kLanes] = over_b * x;
      skip += dy * x;
      T& entry = to.x[(s * v.time + time) * v.heads * v.head_dim + channel];
      entry = (state == 0 ? d * dy : entry) + dt[t] * over_b;
    }
    shared[kSkipRow * kLanes] = skip;
#pragma unroll
    for (int n = 0; n < kDeviceStates; ++n) {
      if (state + n < v.states) carry[n * padded] = after[n];
    }
  }

  TENFOLD_HOST_DEVICE void add_up(const SsdScanTile<T>& own, const Place& at,
                                  const T* shared) const {
    const int64_t s = own.sequence, entries = v.batch * v.time * v.states;
    const int64_t left = v.head_dim - own.column;
    const int lanes = static_cast<int>(left < kLanes ? left : kLanes);
    T* sums = scratch.block_sums + own.part * 2 * entries;
    T* step_sums = scratch.step_sums + (own.part * v.batch + s) * 2 * v.time + first_step();
    for (int i = at.thread; i <= kSkipRow; i += kLanes) {
      const T* row = shared + i * kLanes;
      if (i < kStepRows) {
        const int which = i / (kDeviceChunk * kDeviceStates), n = i % kDeviceStates;
        const int t = i / kDeviceStates % kDeviceChunk;
        if (t >= steps() || state + n >= v.states) continue;
        sums[which * entries + (s * v.time + first_step() + t) * v.states + state + n] =
            sum_of_row(row, lanes, at.thread);
      } else if (i < kSkipRow) {
        const int which = (i - kStepRows) / kDeviceChunk, t = (i - kStepRows) % kDeviceChunk;
        if (t >= steps()) continue;
        T& sum = step_sums[which * v.time + t];
        sum = (state == 0 ? T(0) : sum) + sum_of_row(row, lanes, at.thread);
      } else if (state == 0) {
        T& sum = scratch.skip_sums[own.part * v.batch + s];
        sum = (chunk == plan.chunks() - 1 ? T(0) : sum) + sum_of_row(row, lanes, at.thread);
      }
    }
  }
};

// A block takes one head: the gradient of dt from the step sums, then those of a, d and dt_bias.
template <class T>
struct SsdScanFinishBlocks {
  static constexpr int kPhases = 2;
  SsdScanView<T> v;
  SsdScanDeviceScratch<T> scratch;
  SsdScanGradient<T> to;

  int64_t blocks() const { return v.heads; }
  int threads() const { return kMaxThreads; }
  int64_t shared_bytes() const { return static_cast<int64_t>(sizeof(T)) * 3 * kMaxThreads; }

  TENFOLD_HOST_DEVICE void operator()(int phase, const Place& at, void* memory) const {
    T* shared = static_cast<T*>(memory);  // [a, d, dt_bias; thread]
    if (phase == 0) {
      sum_steps(at, shared);
    } else if (at.thread < 3) {
      T sum = 0;
      for (int i = 0; i < kMaxThreads; ++i) sum += shared[at.thread * kMaxThreads + i];
      (at.thread == 0 ? to.a : at.thread == 1 ? to.d : to.dt_bias)[at.block] = sum;
    }
  }

  TENFOLD_HOST_DEVICE void sum_steps(const Place& at, T* shared) const {
    const int64_t tiles = divide_up(v.head_dim, kDeviceLanes<T>), head = at.block;
    const T a = constant(v.a + head), bias = constant(v.dt_bias + head);
    T rate = 0, skip = 0, raw_sum = 0;
    for (int64_t i = at.thread; i < v.batch * v.time; i += kMaxThreads) {
      const int64_t s = i / v.time, t = i % v.time;
      T over_state = 0, over_input = 0;
      for (int64_t part = head * tiles; part < (head + 1) * tiles; ++part) {
        const T* sums = scratch.step_sums + (part * v.batch + s) * 2 * v.time + t;
        over_state += sums[0];
        over_input += sums[v.time];
      }
      const T raw = constant(v.dt.row(s, t) + head) + bias;
      const T raw_grad = (a * over_state + over_input) * sigmoid_on_device(raw);
      to.dt[i * v.heads + head] = raw_grad;
      rate += softplus_on_device(raw) * over_state;
      raw_sum += raw_grad;
    }
    for (int64_t i = at.thread; i < tiles * v.batch; i += kMaxThreads) {
      skip += scratch.skip_sums[head * tiles * v.batch + i];
    }
    shared[at.thread] = rate;
    shared[kMaxThreads + at.thread] = skip;
    shared[2 * kMaxThreads + at.thread] = raw_sum;
  }
};

// Both passes; run(body) launches a body, one after another.
template <class T, class Run>
void ssd_scan_by_blocks(const SsdScanView<T>& v, T* starts, T* out, const Run& run) {
  run(SsdScanForwardBlocks<T>{v, plan_of(v), starts, out});
}

template <class T, class Run>
void ssd_scan_backward_by_blocks(const SsdScanView<T>& v, const T* starts, T* scratch,
                                 const StridedRows<T>& grad, const SsdScanGradient<T>& to,
                                 const Run& run) {
  const SsdScanPlan plan = plan_of(v);
  const SsdScanDeviceScratch<T> parts = ssd_scan_parts(v, scratch);
  for (int64_t chunk = plan.chunks() - 1; chunk >= 0; --chunk) {
    for (int64_t state = 0; state < v.states; state += kDeviceStates) {
      run(SsdScanBackwardBlocks<T>{v, plan, starts, parts, grad, to, chunk, state});
    }
  }
  const int64_t entries = v.batch * v.time * v.states;
  const int64_t count = v.heads * divide_up(v.head_dim, kDeviceLanes<T>);
  run(SsdScanFinishBlocks<T>{v, parts, to});
  run(AddParts<T>{parts.block_sums, count, 2 * entries, entries, to.b});
  run(AddParts<T>{parts.block_sums + entries, count, 2 * entries, entries, to.c});
}

}  // namespace tenfold::kernels
