// The arithmetic of bias_gradient.h, compiled once for every instruction set.
#pragma once

#include "common/kernels/bias_gradient.h"
#include "common/kernels/vector_math.h"

namespace tenfold::kernels::TENFOLD_ISA {

constexpr int64_t kUnitLanes = VectorOf<float>::kLanes;
// Images whose z stays in the second cache, with that of the next ones, while all bias vectors
// pass; and units of which relu(z + b) and A stay in the first.
constexpr int64_t kImages = 8, kUnits = 256;
// Two images or two vectors of units times five classes: the sums that 16 registers hold.
constexpr int kPair = 2, kClassesAtOnce = 5;

static inline Floats relu(const Floats& u) { return larger(Floats{}, u); }

// Calls body(first, Count) for classes `first` and following, as many at once as registers hold.
template <int classes, int first = 0, class Body>
static inline void for_classes(const Body& body) {
  if constexpr (classes > kClassesAtOnce) {
    body(first, Count<kClassesAtOnce>{});
    for_classes<classes - kClassesAtOnce, first + kClassesAtOnce>(body);
  } else {
    body(first, Count<classes>{});
  }
}

// sums[image][class] += h[image] . A[class] over `width` units, lane by lane; rows of h are kUnits
// apart.
template <int images, int classes>
static inline void add_products(const float* h, const float* readout, int64_t units, int64_t width,
                                Floats* sums) {
  Floats s[images][classes];
#pragma GCC unroll 2
  for (int n = 0; n < images; ++n) {
#pragma GCC unroll 5
    for (int k = 0; k < classes; ++k) s[n][k] = sums[n * kMostClasses + k];
  }
  for_columns<float>(width, [&](int64_t j, auto at) {
    Floats v[images];
#pragma GCC unroll 2
    for (int n = 0; n < images; ++n) v[n] = load(h + n * kUnits + j);
#pragma GCC unroll 5
    for (int k = 0; k < classes; ++k) {
      Floats a = at.get(readout + k * units + j);
      asm("" : "+v"(a));  // GCC loads it anew for every image otherwise
#pragma GCC unroll 2
      for (int n = 0; n < images; ++n) s[n][k] += v[n] * a;
    }
  });
#pragma GCC unroll 2
  for (int n = 0; n < images; ++n) {
#pragma GCC unroll 5
    for (int k = 0; k < classes; ++k) sums[n * kMostClasses + k] = s[n][k];
  }
}

// Of up to kImages images.
template <int classes>
static void logits_of(const HiddenRows& in, const float* bias, const float* readout,
                      float* logits) {
  alignas(64) float h[kImages * kUnits];
  Floats sums[kImages * kMostClasses] = {};
  for (int64_t tile = 0; tile < in.units; tile += kUnits) {
    const int64_t width = in.units - tile < kUnits ? in.units - tile : kUnits;
    for (int64_t n = 0; n < in.images; ++n) {
      const float* z = in.z + in.rows[n] * in.units + tile;
      for_columns<float>(width, [&](int64_t j, auto at) {
        store(h + n * kUnits + j, relu(at.get(z + j) + at.get(bias + tile + j)));
      });
    }
    for_classes<classes>([&](int first, auto some) {
      constexpr int kSome = decltype(some)::kValue;
      const float* a = readout + first * in.units + tile;
      Floats* to = sums + first;
      int64_t n = 0;
      for (; n + kPair <= in.images; n += kPair)
        add_products<kPair, kSome>(h + n * kUnits, a, in.units, width, to + n * kMostClasses);
      if (n < in.images)
        add_products<1, kSome>(h + n * kUnits, a, in.units, width, to + n * kMostClasses);
    });
  }
  for (int64_t n = 0; n < in.images; ++n) {
    for (int k = 0; k < classes; ++k) logits[n * classes + k] = sum_of(sums[n * kMostClasses + k]);
  }
}

// Cross-entropy of one image, and `scale` times its gradient by the logits, in their place.
template <int classes>
static double take_loss(float* logits, int64_t label, float scale) {
  constexpr int64_t kPadded = 16;
  static_assert(kMostClasses <= kPadded && kPadded % kUnitLanes == 0);
  float p[kPadded];
  float top = logits[0];
  for (int k = 1; k < classes; ++k) top = logits[k] > top ? logits[k] : top;
  for (int k = 0; k < kPadded; ++k) p[k] = k < classes ? logits[k] - top : 0;
  const float of_label = p[label];
  for (int64_t k = 0; k < kPadded; k += kUnitLanes) store(p + k, exp_of(load(p + k)));
  float total = 0;
  for (int k = 0; k < classes; ++k) total += p[k];
  for (int k = 0; k < classes; ++k) logits[k] = scale * (p[k] / total);
  logits[label] -= scale;
  return __builtin_log(double(total)) - double(of_label);
}

// gradient[j] += sum over images of 1[z + b > 0] (d . A)[j] for some classes and units.
template <int vectors, int classes, class At>
static inline void add_masked(const float* const* z, const float* const* ahead, int64_t images,
                              const float* bias, const float* readout, int64_t units,
                              const float* d, int64_t d_step, int64_t j, float* gradient,
                              const At& at) {
  Floats a[vectors][classes], sum[vectors];
#pragma GCC unroll 2
  for (int v = 0; v < vectors; ++v) {
    sum[v] = at.get(gradient + j + v * kUnitLanes);
#pragma GCC unroll 5
    for (int k = 0; k < classes; ++k) a[v][k] = at.get(readout + k * units + j + v * kUnitLanes);
  }
  for (int64_t n = 0; n < images; ++n) {
    if (ahead != nullptr) __builtin_prefetch(ahead[n] + j, 0, 2);
    Floats by_value[vectors] = {};
#pragma GCC unroll 5
    for (int k = 0; k < classes; ++k) {
      const float of_class = d[n * d_step + k];
#pragma GCC unroll 2
      for (int v = 0; v < vectors; ++v) by_value[v] += of_class * a[v][k];
    }
#pragma GCC unroll 2
    for (int v = 0; v < vectors; ++v) {
      const int64_t i = j + v * kUnitLanes;
      sum[v] += at.get(z[n] + i) + at.get(bias + i) > 0.0f ? by_value[v] : Floats{};
    }
  }
#pragma GCC unroll 2
  for (int v = 0; v < vectors; ++v) at.set(gradient + j + v * kUnitLanes, sum[v]);
}

// Calls body(column, vectors, access) for the units first .. end - 1, two vectors at once.
template <class Body>
static inline void for_unit_pairs(int64_t first, int64_t end, const Body& body) {
  int64_t j = first;
  for (; j + kPair * kUnitLanes <= end; j += kPair * kUnitLanes)
    body(j, Count<kPair>{}, Whole<float>{});
  for_columns<float>(end - j, [&](int64_t i, auto at) { body(j + i, Count<1>{}, at); });
}

// Of up to kImages images, added to the gradient; `next` are as many, of which z is fetched.
template <int classes>
static void add_gradient(const HiddenRows& in, const int64_t* next, const float* bias,
                         const float* readout, const float* d, float* gradient) {
  const float *z[kImages], *ahead[kImages];
  for (int64_t n = 0; n < in.images; ++n) {
    z[n] = in.z + in.rows[n] * in.units;
    ahead[n] = next == nullptr ? nullptr : in.z + next[n] * in.units;
  }
  for_unit_pairs(0, in.units, [&](int64_t j, auto vectors, auto at) {
    for_classes<classes>([&](int first, auto some) {
      add_masked<decltype(vectors)::kValue, decltype(some)::kValue>(
          z, first == 0 && next != nullptr ? ahead : nullptr, in.images, bias,
          readout + first * in.units, in.units, d + first, classes, j, gradient, at);
    });
  });
}

template <int classes>
static void bias_gradients_of(const HiddenRows& in, const float* readout, float scale,
                              BiasVector* vectors, int64_t count) {
  for (int64_t v = 0; v < count; ++v) {
    vectors[v].loss = 0;
    for (int64_t i = 0; i < in.units; ++i) vectors[v].gradient[i] = 0;
  }
  for (int64_t first = 0; first < in.images; first += kImages) {
    const int64_t left = in.images - first, some = left < kImages ? left : kImages;
    const HiddenRows block{in.z, in.rows + first, some, in.units};
    const int64_t* next = left >= 2 * kImages ? in.rows + first + kImages : nullptr;
    for (int64_t v = 0; v < count; ++v) {
      BiasVector& own = vectors[v];
      float logits[kImages * kMostClasses];
      logits_of<classes>(block, own.bias, readout, logits);
      for (int64_t n = 0; n < some; ++n)
        own.loss += take_loss<classes>(logits + n * classes, own.labels[first + n], scale);
      add_gradient<classes>(block, v == 0 ? next : nullptr, own.bias, readout, logits,
                            own.gradient);
    }
  }
}

template <int classes, UnitSum kind>
static void sums_of(const HiddenRows& in, const float* bias, const float* d, int64_t first,
                    int64_t end, float* out) {
  for_unit_pairs(first, end, [&](int64_t j, auto vectors, auto at) {
    constexpr int kVectors = decltype(vectors)::kValue;
    for_classes<classes>([&](int from, auto some) {
      constexpr int kSome = decltype(some)::kValue;
      Floats sums[kVectors][kSome] = {};
      for (int64_t n = 0; n < in.images; ++n) {
        const float* z = in.z + in.rows[n] * in.units;
        Floats weight[kVectors];
#pragma GCC unroll 2
        for (int v = 0; v < kVectors; ++v) {
          const int64_t i = j + v * kUnitLanes;
          const Floats u = at.get(z + i) + at.get(bias + i);
          weight[v] = kind == UnitSum::kValue ? relu(u) : u > 0.0f ? Floats{} + 1.0f : Floats{};
        }
#pragma GCC unroll 5
        for (int k = 0; k < kSome; ++k) {
          const float of_class = d[n * classes + from + k];
#pragma GCC unroll 2
          for (int v = 0; v < kVectors; ++v) sums[v][k] += of_class * weight[v];
        }
      }
      for (int v = 0; v < kVectors; ++v) {
        for (int k = 0; k < kSome; ++k)
          at.set(out + (from + k) * in.units + j + v * kUnitLanes, sums[v][k]);
      }
    });
  });
}

// body(Count) with the number of classes known when compiling.
template <int classes = int(kMostClasses), class Body>
static void with_classes(int64_t wanted, const Body& body) {
  if (wanted == classes) return body(Count<classes>{});
  if constexpr (classes > 1) with_classes<classes - 1>(wanted, body);
}

static void relu_readout(const HiddenRows& in, const float* bias, const float* readout,
                         int64_t classes, float* logits) {
  with_classes(classes, [&](auto known) {
    for (int64_t first = 0; first < in.images; first += kImages) {
      const int64_t left = in.images - first;
      const HiddenRows block{in.z, in.rows + first, left < kImages ? left : kImages, in.units};
      logits_of<decltype(known)::kValue>(block, bias, readout, logits + first * classes);
    }
  });
}

static void relu_readout_sums(const HiddenRows& in, const float* bias, const float* d,
                              int64_t classes, UnitSum kind, int64_t first, int64_t end,
                              float* sums) {
  with_classes(classes, [&](auto known) {
    constexpr int kClasses = decltype(known)::kValue;
    if (kind == UnitSum::kOn)
      sums_of<kClasses, UnitSum::kOn>(in, bias, d, first, end, sums);
    else
      sums_of<kClasses, UnitSum::kValue>(in, bias, d, first, end, sums);
  });
}

static void relu_readout_bias_gradients(const HiddenRows& in, const float* readout, int64_t classes,
                                        float scale, BiasVector* vectors, int64_t count) {
  with_classes(classes, [&](auto known) {
    bias_gradients_of<decltype(known)::kValue>(in, readout, scale, vectors, count);
  });
}

}  // namespace tenfold::kernels::TENFOLD_ISA
