// rate_rnn.h in blocks (blocks.h), many networks at once and of any floating type: a block takes
// one sample of one network through all steps, its threads share the units. Sums run in one order:
// nothing is added up by atomics.
#pragma once

#include <math.h>

#include "common/kernels/blocks.h"
#include "common/kernels/rate_rnn.h"

namespace tenfold::kernels {

// Sizes and pointers of all networks, one after the other: weight [models, units, units], bias
// [models, units], start [models, batch, units], x [models, steps or 1, batch, units].
template <class T>
struct RateRnnNetworks {
  int64_t models, steps, batch, units;
  T keep, rate, inner, drive;
  RateActivation activation;
  const T *weight, *bias, *start, *x;  // nullptr as in RateRnnInput
  bool x_is_constant;

  TENFOLD_HOST_DEVICE int64_t model(int64_t block) const { return block / batch; }
  // The row of step t in [models, steps, batch, units].
  TENFOLD_HOST_DEVICE int64_t at(int64_t block, int64_t t) const {
    return ((model(block) * steps + t) * batch + block % batch) * units;
  }
  TENFOLD_HOST_DEVICE T outside(int64_t block, int64_t t, int64_t i) const {
    T sum = bias == nullptr ? T(0) : constant(bias + model(block) * units + i);
    if (x == nullptr) return sum;
    const int64_t rows =
        x_is_constant ? model(block) * batch + block % batch : at(block, t) / units;
    return sum + constant(x + rows * units + i);
  }
  TENFOLD_HOST_DEVICE T first(int64_t block, int64_t i) const {
    return start == nullptr ? T(0) : constant(start + block * units + i);
  }
};

// phi(u) and phi'(u).
template <class T>
TENFOLD_HOST_DEVICE inline T rate_of(RateActivation activation, T u, T& slope) {
  T value = 0;
  slope = 0;
  if (activation == RateActivation::kRelu) {
    value = u > 0 || u != u ? u : T(0);
    slope = u > 0 ? T(1) : T(0);
  } else if (activation == RateActivation::kHeaviside) {
    value = u > 0 ? T(1) : T(0);
  } else if (activation == RateActivation::kSigmoid) {
    value = 1 / (1 + T(exp(-u)));
    slope = value * (1 - value);
  } else {
    value = T(tanh(u));
    slope = 1 - value * value;
  }
  return value;
}

TENFOLD_HOST_DEVICE inline int rate_rnn_threads(int64_t units) {
  return units < kMaxThreads ? int(units) : kMaxThreads;
}

template <class T>
struct RateRnnForwardBlocks {
  static constexpr int kPhases = 2;
  RateRnnNetworks<T> net;
  T *states, *slopes;  // slopes may be nullptr

  int64_t blocks() const { return net.models * net.batch; }
  int threads() const { return rate_rnn_threads(net.units); }
  int64_t shared_bytes() const { return int64_t{sizeof(T)} * 2 * net.units; }
  TENFOLD_HOST_DEVICE int64_t rounds(int64_t) const { return net.steps; }

  TENFOLD_HOST_DEVICE void operator()(int phase, const Place& at, void* memory) const {
    T *now = static_cast<T*>(memory), *next = now + net.units;
    const int64_t n = net.units, t = at.round, row = net.at(at.block, t);
    const auto before = [&](int64_t i) { return t == 0 ? net.first(at.block, i) : now[i]; };
    for (int64_t i = at.thread; i < n; i += rate_rnn_threads(n)) {
      if (phase == 1) {
        now[i] = next[i];
        continue;
      }
      const T* w = net.weight + (net.model(at.block) * n + i) * n;
      T sum = 0, slope;
      for (int64_t j = 0; j < n; ++j) sum += constant(w + j) * before(j);
      const T u = net.inner * before(i) + net.drive * (sum + net.outside(at.block, t, i));
      next[i] = net.keep * before(i) + net.rate * rate_of(net.activation, u, slope);
      states[row + i] = next[i];
      if (slopes != nullptr) slopes[row + i] = slope;
    }
  }
};

template <class T>
struct RateRnnBackwardBlocks {
  static constexpr int kPhases = 3;
  RateRnnNetworks<T> net;
  const T* slopes;
  T *d_states, *d_start;  // d_start may be nullptr

  int64_t blocks() const { return net.models * net.batch; }
  int threads() const { return rate_rnn_threads(net.units); }
  int64_t shared_bytes() const { return int64_t{sizeof(T)} * 3 * net.units; }
  TENFOLD_HOST_DEVICE int64_t rounds(int64_t) const { return net.steps; }

  TENFOLD_HOST_DEVICE void operator()(int phase, const Place& at, void* memory) const {
    const int64_t n = net.units, t = net.steps - 1 - at.round, row = net.at(at.block, t);
    T *adjoint = static_cast<T*>(memory), *d_u = adjoint + n, *before = d_u + n;
    for (int64_t i = at.thread; i < n; i += rate_rnn_threads(n)) {
      if (phase == 0) {
        adjoint[i] = (at.round == 0 ? T(0) : adjoint[i]) + d_states[row + i];
        d_states[row + i] = d_u[i] = net.rate * constant(slopes + row + i) * adjoint[i];
      } else if (phase == 1) {
        const T* w = net.weight + net.model(at.block) * n * n + i;
        T sum = 0;
        for (int64_t j = 0; j < n; ++j) sum += d_u[j] * constant(w + j * n);
        before[i] = net.keep * adjoint[i] + net.inner * d_u[i] + net.drive * sum;
        if (t == 0 && d_start != nullptr) d_start[at.block * n + i] = before[i];
      } else {
        adjoint[i] = before[i];
      }
    }
  }
};

// A block for every row of a network's weights; the row's bias with it.
template <class T>
struct RateRnnGradientBlocks {
  static constexpr int kPhases = 1;
  RateRnnNetworks<T> net;
  const T *states, *d_u;
  T *d_weight, *d_bias;  // each may be nullptr

  int64_t blocks() const { return net.models * net.units; }
  int threads() const { return rate_rnn_threads(net.units); }
  int64_t shared_bytes() const { return 0; }

  TENFOLD_HOST_DEVICE void operator()(int, const Place& at, void*) const {
    const int64_t n = net.units, model = at.block / n, i = at.block % n;
    const auto each = [&](const auto& visit) {
      for (int64_t b = 0; b < net.batch; ++b) {
        const int64_t sample = model * net.batch + b;
        for (int64_t t = 0; t < net.steps; ++t) visit(sample, t, net.at(sample, t));
      }
    };
    for (int64_t j = at.thread; j < n && d_weight != nullptr; j += rate_rnn_threads(n)) {
      T sum = 0;
      each([&](int64_t sample, int64_t t, int64_t row) {
        const T before =
            t == 0 ? net.first(sample, j) : constant(states + net.at(sample, t - 1) + j);
        sum += constant(d_u + row + i) * before;
      });
      d_weight[at.block * n + j] = net.drive * sum;
    }
    if (at.thread != 0 || d_bias == nullptr) return;
    T sum = 0;
    each([&](int64_t, int64_t, int64_t row) { sum += constant(d_u + row + i); });
    d_bias[at.block] = net.drive * sum;
  }
};

}  // namespace tenfold::kernels
