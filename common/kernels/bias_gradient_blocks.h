// bias_gradient.h in blocks (blocks.h), of any floating type: a block takes one image of one bias
// vector forward and through the loss, its threads share the units; then a thread takes one unit
// of one bias vector back through all images. Sums run in one order: nothing is added up by
// atomics.
#pragma once

#include <math.h>

#include "common/kernels/bias_gradient.h"
#include "common/kernels/blocks.h"

namespace tenfold::kernels {

// Bias vectors that share z and A.
template <class T>
struct BiasModels {
  int64_t models, images, units, classes;  // classes <= kMostClasses
  const T* z;                              // [*, units]
  const int64_t* rows;                     // [images], of z
  const T *bias, *readout;                 // [models, units], [classes, units]
  const int64_t* labels;                   // [models, images]
  T scale;

  TENFOLD_HOST_DEVICE T input(int64_t model, int64_t image, int64_t unit) const {
    return constant(z + constant(rows + image) * units + unit) +
           constant(bias + model * units + unit);
  }
};

TENFOLD_HOST_DEVICE inline int bias_threads(int64_t units) {
  return units < kMaxThreads ? int(units) : kMaxThreads;
}

// d [models, images, classes]: `scale` times the gradient of the cross-entropy by the logits;
// image_losses [models, images].
template <class T>
struct ReluReadoutLossBlocks {
  static constexpr int kPhases = 3;
  BiasModels<T> in;
  T *d, *image_losses;

  int64_t blocks() const { return in.models * in.images; }
  int threads() const {
    const int wanted = bias_threads(in.units);
    return wanted < in.classes ? int(in.classes) : wanted;
  }
  int64_t shared_bytes() const { return int64_t{sizeof(T)} * (threads() + 1) * in.classes; }

  TENFOLD_HOST_DEVICE void operator()(int phase, const Place& at, void* memory) const {
    const int64_t classes = in.classes, model = at.block / in.images, image = at.block % in.images;
    const int sharing = bias_threads(in.units);
    T *logits = static_cast<T*>(memory), *parts = logits + classes;
    if (phase == 0) {
      if (at.thread >= sharing) return;
      T sums[kMostClasses] = {};
      for (int64_t i = at.thread; i < in.units; i += sharing) {
        const T u = in.input(model, image, i), h = u < 0 ? T(0) : u;
        for (int64_t k = 0; k < classes; ++k)
          sums[k] += h * constant(in.readout + k * in.units + i);
      }
      for (int64_t k = 0; k < classes; ++k) parts[at.thread * classes + k] = sums[k];
      return;
    }
    const int64_t own = at.thread;
    if (own >= classes) return;
    if (phase == 1) {
      logits[own] = 0;
      for (int64_t thread = 0; thread < sharing; ++thread)
        logits[own] += parts[thread * classes + own];
      return;
    }
    T top = logits[0], total = 0;
    for (int64_t k = 1; k < classes; ++k) top = logits[k] > top ? logits[k] : top;
    for (int64_t k = 0; k < classes; ++k) total += T(exp(logits[k] - top));
    const int64_t label = constant(in.labels + at.block);
    d[at.block * classes + own] =
        in.scale * (T(exp(logits[own] - top)) / total - (own == label ? T(1) : T(0)));
    if (own == label) image_losses[at.block] = T(log(total)) - (logits[own] - top);
  }
};

// gradient [models, units], losses [models].
template <class T>
struct BiasGradientBlocks {
  static constexpr int kPhases = 1;
  BiasModels<T> in;
  const T *d, *image_losses;
  T *gradient, *losses;

  TENFOLD_HOST_DEVICE int64_t tiles() const { return divide_up(in.units, bias_threads(in.units)); }
  int64_t blocks() const { return in.models * tiles(); }
  int threads() const { return bias_threads(in.units); }
  int64_t shared_bytes() const { return 0; }

  TENFOLD_HOST_DEVICE void operator()(int, const Place& at, void*) const {
    const int64_t model = at.block / tiles(), first = model * in.images;
    const int64_t unit = at.block % tiles() * bias_threads(in.units) + at.thread;
    if (unit < in.units) {
      T a[kMostClasses], sum = 0;
      for (int64_t k = 0; k < in.classes; ++k) a[k] = constant(in.readout + k * in.units + unit);
      for (int64_t n = 0; n < in.images; ++n) {
        if (!(in.input(model, n, unit) > 0)) continue;
        for (int64_t k = 0; k < in.classes; ++k)
          sum += constant(d + (first + n) * in.classes + k) * a[k];
      }
      gradient[model * in.units + unit] = sum;
    }
    if (unit != 0) return;
    T loss = 0;
    for (int64_t n = 0; n < in.images; ++n) loss += constant(image_losses + first + n);
    losses[model] = loss;
  }
};

}  // namespace tenfold::kernels
