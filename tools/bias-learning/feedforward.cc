#include "tools/bias-learning/feedforward.h"

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <cmath>

#include "common/core/philox.h"
#include "tools/bias-learning/image_tasks.h"

namespace tenfold::bias_learning {
namespace {

using kernels::BiasVector;
using kernels::HiddenRows;
using kernels::UnitSum;

// Below so many units times images a second thread takes longer to wake than to help.
constexpr int64_t kThreadWork = 1'000'000;

// Logits of a batch, the images shared by the threads.
void readout(const HiddenRows& z, const float* bias, const float* weights, int64_t classes,
             float* logits) {
  at::parallel_for(0, z.images, kThreadWork / z.units + 1, [&](int64_t first, int64_t end) {
    kernels::relu_readout({z.z, z.rows + first, end - first, z.units}, bias, weights, classes,
                          logits + first * classes);
  });
}

// Sums over the batch, the units shared by the threads in blocks of whole vectors.
void unit_sums(const HiddenRows& z, const float* bias, const float* d, int64_t classes,
               UnitSum kind, float* sums) {
  constexpr int64_t kBlock = 16;
  const int64_t grain = kThreadWork / (kBlock * z.images) + 1;
  at::parallel_for(0, (z.units + kBlock - 1) / kBlock, grain, [&](int64_t first, int64_t end) {
    kernels::relu_readout_sums(z, bias, d, classes, kind, first * kBlock,
                               std::min(end * kBlock, z.units), sums);
  });
}

// Mean losses of bias vectors and their gradients. The vectors are shared by the threads or, where
// there are fewer of them, the images.
void bias_gradients(const HiddenRows& z, const float* weights, int64_t classes,
                    std::vector<BiasVector>& vectors) {
  const int64_t count = int64_t(vectors.size()), units = z.units;
  const float scale = 1 / float(z.images);
  const bool wide = count * z.images > kThreadWork / units;
  const int64_t threads = wide ? at::get_num_threads() : 1;
  if (threads == 1 || count >= threads) {
    at::parallel_for(0, count, wide ? 1 : count, [&](int64_t first, int64_t end) {
      kernels::relu_readout_bias_gradients(z, weights, classes, scale, vectors.data() + first,
                                           end - first);
    });
  } else {
    std::vector<std::vector<BiasVector>> parts(size_t(threads), vectors);
    std::vector<float> more(size_t((threads - 1) * count * units));
    at::parallel_for(0, threads, 1, [&](int64_t begin, int64_t end) {
      for (int64_t t = begin; t < end; ++t) {
        const int64_t first = z.images * t / threads, last = z.images * (t + 1) / threads;
        for (int64_t v = 0; v < count; ++v) {
          BiasVector& own = parts[size_t(t)][size_t(v)];
          own.labels += first;
          if (t > 0) own.gradient = more.data() + ((t - 1) * count + v) * units;
        }
        kernels::relu_readout_bias_gradients({z.z, z.rows + first, last - first, units}, weights,
                                             classes, scale, parts[size_t(t)].data(), count);
      }
    });
    for (int64_t v = 0; v < count; ++v) {
      BiasVector& all = vectors[size_t(v)];
      all.loss = parts[0][size_t(v)].loss;
      for (int64_t t = 1; t < threads; ++t) {
        const BiasVector& part = parts[size_t(t)][size_t(v)];
        all.loss += part.loss;
        for (int64_t i = 0; i < units; ++i) all.gradient[i] += part.gradient[i];
      }
    }
  }
  for (BiasVector& v : vectors) v.loss /= double(z.images);
}

at::Tensor view(const float* data, at::IntArrayRef shape) {
  return at::from_blob(const_cast<float*>(data), shape, at::kFloat);
}

// The rows of a batch, next to each other.
at::Tensor gathered(const HiddenRows& z) {
  at::Tensor out = at::empty({z.images, z.units}, at::kFloat);
  for (int64_t n = 0; n < z.images; ++n)
    std::copy_n(z.z + z.rows[n] * z.units, z.units, out.data_ptr<float>() + n * z.units);
  return out;
}

}  // namespace

double default_rate(Method method) {
  switch (method) {
    case Method::kMask:
      return 0.05;
    case Method::kReadout:
      return 0.003;
    case Method::kFull:
    case Method::kFullEqual:
      return 0.001;
    default:
      return 0.02;
  }
}

double rate_in(Method method, double start, int64_t epoch, int64_t epochs) {
  return trains_all(method) ? start : start * (1 - double(epoch) / double(epochs));
}

double mask_steepness(int64_t epoch, int64_t epochs) {
  return epochs == 1 ? 1 : std::pow(100.0, double(epoch) / double(epochs - 1));
}

double cross_entropy(const float* logits, const int64_t* labels, int64_t n, int64_t classes,
                     float* d) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    const float* row = logits + i * classes;
    const double most = *std::max_element(row, row + classes);
    double total = 0, p[kClasses];
    for (int64_t k = 0; k < classes; ++k) total += p[k] = std::exp(row[k] - most);
    sum += std::log(total) + most - row[labels[i]];
    if (d == nullptr) continue;
    for (int64_t k = 0; k < classes; ++k)
      d[i * classes + k] = float((p[k] / total - (k == labels[i])) / double(n));
  }
  return sum / double(n);
}

TrainedTask::TrainedTask(Method method, const Network& network, int64_t classes,
                         const RandomWeights& weights, uint64_t seed)
    : method_(method), network_(network), classes_(classes) {
  const auto size = size_t(trained_parameters(method, network, classes));
  if (method == Method::kRandom) {
    values.resize(size_t(network.units()));
    Stream(seed, "random-biases").fill_normal(values.data(), network.units(), 0, 0.5);
    return;
  }
  values.reserve(size);
  const int64_t to_readout = weights.readout_offset(),
                of_readout = classes * network.weights.hidden;
  if (method == Method::kReadout)
    values.assign(weights.readout(), weights.readout() + of_readout);
  else if (trains_all(method))
    values.assign(weights.input(), weights.input() + to_readout + of_readout);
  else if (method == Method::kGain)
    values.assign(size_t(network.units()), 1.0f);
  values.resize(size, 0.0f);
}

bool TrainedTask::has_output_bias() const {
  return method_ == Method::kOutputBias || (network_.output_bias && method_ != Method::kRandom);
}

void TrainedTask::place(std::vector<float>& v, Layers& out) const {
  const WeightSpec& spec = network_.weights;
  const int64_t n = spec.hidden;
  float* at = v.data();
  const auto take = [&](at::IntArrayRef shape) {
    const at::Tensor t = view(at, shape);
    at += t.numel();
    return t;
  };
  const bool all = trains_all(method_);
  if (all) {
    out.input = take({n, spec.inputs});
    out.between.clear();
    out.back.clear();
    for (int64_t l = 1; l < spec.layers; ++l) {
      out.between.push_back(take({n, n}));
      if (spec.residual) out.back.push_back(take({n, n}));
    }
  }
  if (all || method_ == Method::kReadout) out.readout = take({classes_, n});
  if (all || method_ == Method::kBias || method_ == Method::kRandom)
    for (at::Tensor& b : out.bias) b = take({n});
  if (method_ == Method::kMask || method_ == Method::kGain)
    for (at::Tensor& g : out.gain) g = take({n});
  if (has_output_bias()) out.output_bias = take({classes_});
}

Layers TrainedTask::layers(const RandomWeights& weights) const {
  const WeightSpec& spec = network_.weights;
  const int64_t n = spec.hidden;
  Layers p;
  p.bias.resize(size_t(spec.layers));
  p.gain.resize(size_t(spec.layers));
  for (int64_t l = 1; l < spec.layers; ++l) {
    p.between.push_back(view(weights.between(l), {n, n}));
    if (spec.residual) p.back.push_back(view(weights.back(l), {n, n}));
  }
  p.readout = view(weights.readout(), {classes_, n});
  place(const_cast<std::vector<float>&>(values), p);
  if (method_ == Method::kMask)
    for (at::Tensor& g : p.gain) g = g.gt(0).to(at::kFloat);
  return p;
}

RandomWeights TrainedTask::trained_weights(RandomWeights weights) const {
  const bool all = trains_all(method_);
  if (all || method_ == Method::kReadout)
    std::copy_n(values.begin(),
                (all ? weights.readout_offset() : 0) + classes_ * network_.weights.hidden,
                weights.values.begin() + (all ? 0 : weights.readout_offset()));
  return weights;
}

void TrainedTask::set_gains(double steepness, Scratch& scratch) const {
  const auto units = size_t(network_.units());
  scratch.gain.resize(units);
  scratch.factor.resize(units);
  for (size_t i = 0; i < units; ++i) {
    const float s = values[i];
    const float m = method_ == Method::kGain ? s : 1 / (1 + std::exp(-float(steepness) * s));
    scratch.gain[i] = m;
    scratch.factor[i] = method_ == Method::kGain ? 1 : float(steepness) * m * (1 - m);
  }
}

void TrainedTask::advance(const float* gradient, double rate) {
  if (adam.m.empty()) adam.resize(values.size());
  adam.step(values.data(), gradient, rate);
}

double TrainedTask::step(const RandomWeights& weights, const Batch& batch, Scratch& scratch) {
  scratch.gradient.resize(values.size());
  if (trains_all(method_) || !network_.plain()) return general_step(weights, batch, scratch);
  if (biases_alone()) {
    std::vector<BiasVector> own = {{values.data(), batch.labels, scratch.gradient.data(), 0}};
    bias_gradients(batch.z, weights.readout(), classes_, own);
    advance(scratch.gradient.data(), batch.rate);
    return own[0].loss;
  }
  const HiddenRows& z = batch.z;
  const int64_t hidden = network_.weights.hidden;
  scratch.zero.resize(size_t(hidden), 0.0f);
  scratch.sums.resize(size_t(classes_ * hidden));
  scratch.logits.resize(size_t(z.images * classes_));
  scratch.d.resize(scratch.logits.size());
  const float* a = method_ == Method::kReadout ? values.data() : weights.readout();
  const bool scales = method_ == Method::kMask || method_ == Method::kGain;
  if (scales) {
    set_gains(batch.steepness, scratch);
    scratch.scaled.resize(size_t(classes_ * hidden));
    for (int64_t k = 0; k < classes_; ++k)
      for (int64_t i = 0; i < hidden; ++i)
        scratch.scaled[size_t(k * hidden + i)] = scratch.gain[size_t(i)] * a[k * hidden + i];
    a = scratch.scaled.data();
  }
  const float* bias = method_ == Method::kBias ? values.data() : scratch.zero.data();
  readout(z, bias, a, classes_, scratch.logits.data());
  const float* c = has_output_bias() ? values.data() + values.size() - classes_ : nullptr;
  if (c != nullptr)
    for (size_t i = 0; i < scratch.logits.size(); ++i) scratch.logits[i] += c[i % size_t(classes_)];
  const double loss =
      cross_entropy(scratch.logits.data(), batch.labels, z.images, classes_, scratch.d.data());
  std::fill(scratch.gradient.begin(), scratch.gradient.end(), 0.0f);
  float* gradient = scratch.gradient.data();
  if (method_ == Method::kReadout) {
    unit_sums(z, bias, scratch.d.data(), classes_, UnitSum::kValue, gradient);
  } else if (method_ != Method::kOutputBias) {
    unit_sums(z, bias, scratch.d.data(), classes_,
              method_ == Method::kBias ? UnitSum::kOn : UnitSum::kValue, scratch.sums.data());
    for (int64_t k = 0; k < classes_; ++k) {
      const float *row = weights.readout() + k * hidden, *of = scratch.sums.data() + k * hidden;
      for (int64_t i = 0; i < hidden; ++i) gradient[i] += row[i] * of[i];
    }
    if (scales)
      for (int64_t i = 0; i < hidden; ++i) gradient[i] *= scratch.factor[size_t(i)];
  }
  if (c != nullptr) {
    float* of_c = gradient + values.size() - classes_;
    for (size_t i = 0; i < scratch.d.size(); ++i) of_c[i % size_t(classes_)] += scratch.d[i];
  }
  advance(gradient, batch.rate);
  return loss;
}

std::vector<double> TrainedTask::step_biases(std::vector<TrainedTask>& tasks,
                                             const RandomWeights& weights, const Batch& batch,
                                             Scratch& scratch) {
  const int64_t units = batch.z.units;
  scratch.gradient.resize(tasks.size() * size_t(units));
  std::vector<BiasVector> vectors;
  for (size_t t = 0; t < tasks.size(); ++t)
    vectors.push_back({tasks[t].values.data(), batch.labels + int64_t(t) * batch.z.images,
                       scratch.gradient.data() + int64_t(t) * units, 0});
  bias_gradients(batch.z, weights.readout(), tasks[0].classes_, vectors);
  std::vector<double> losses;
  for (size_t t = 0; t < tasks.size(); ++t) {
    tasks[t].advance(vectors[t].gradient, batch.rate);
    losses.push_back(vectors[t].loss);
  }
  return losses;
}

double TrainedTask::general_step(const RandomWeights& weights, const Batch& batch,
                                 Scratch& scratch) {
  const at::NoGradGuard no_gradient;
  Layers p = layers(weights), gradient;
  gradient.bias.resize(p.bias.size());
  gradient.gain.resize(p.gain.size());
  place(scratch.gradient, gradient);
  if (method_ == Method::kMask) {
    set_gains(batch.steepness, scratch);
    for (size_t l = 0; l < p.gain.size(); ++l)
      p.gain[l] = view(scratch.gain.data() + int64_t(l) * network_.weights.hidden,
                       {network_.weights.hidden});
  }
  const bool all = trains_all(method_);
  const int64_t n = all ? batch.x.size(0) : batch.z.images;
  const at::Tensor first = all ? at::mm(batch.x, p.input.t()) : gathered(batch.z);
  const at::Tensor labels = at::from_blob(const_cast<int64_t*>(batch.labels), {n}, at::kLong);
  const double loss = loss_and_gradient(p, network_.activation, first, batch.x, labels, gradient);
  if (method_ == Method::kMask)
    for (size_t i = 0; i < scratch.factor.size(); ++i) scratch.gradient[i] *= scratch.factor[i];
  advance(scratch.gradient.data(), batch.rate);
  return loss;
}

Pass TrainedTask::pass(const RandomWeights& weights, Preactivations& z, int64_t first,
                       int64_t count) const {
  const at::NoGradGuard no_gradient;
  const Layers p = layers(weights);
  return forward(p, network_.activation,
                 trains_all(method_) ? at::mm(z.x().narrow(0, first, count), p.input.t())
                                     : gathered(z.rows(first, count)));
}

std::vector<float> TrainedTask::logits(const RandomWeights& weights, Preactivations& z,
                                       int64_t first, int64_t count) const {
  std::vector<float> out(size_t(count * classes_));
  if (trains_all(method_) || !network_.plain()) {
    view(out.data(), {count, classes_}).copy_(pass(weights, z, first, count).logits);
    return out;
  }
  const auto hidden = size_t(network_.weights.hidden);
  const float* from = method_ == Method::kReadout ? values.data() : weights.readout();
  std::vector<float> a(from, from + size_t(classes_) * hidden), zero;
  if (method_ == Method::kMask || method_ == Method::kGain) {
    for (size_t i = 0; i < a.size(); ++i) {
      const float s = values[i % hidden];
      a[i] *= method_ == Method::kGain ? s : float(s > 0);
    }
  }
  const bool biased = method_ == Method::kBias || method_ == Method::kRandom;
  if (!biased) zero.resize(hidden, 0.0f);
  readout(z.rows(first, count), biased ? values.data() : zero.data(), a.data(), classes_,
          out.data());
  if (has_output_bias())
    for (size_t i = 0; i < out.size(); ++i)
      out[i] += values[values.size() - size_t(classes_) + i % size_t(classes_)];
  return out;
}

at::Tensor TrainedTask::activations(const RandomWeights& weights, Preactivations& z, int64_t first,
                                    int64_t count) const {
  const at::NoGradGuard no_gradient;
  const Pass p = pass(weights, z, first, count);
  return p.h.size() == 1 ? p.h[0] : at::cat(p.h, 1);
}

}  // namespace tenfold::bias_learning
