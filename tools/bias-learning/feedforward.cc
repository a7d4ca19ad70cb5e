#include "tools/bias-learning/feedforward.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/matmul.h>
#include <ATen/ops/mm.h>

#include <algorithm>
#include <cmath>

#include "common/core/philox.h"
#include "tools/bias-learning/image_tasks.h"

namespace tenfold::bias_learning {
namespace {

using kernels::HiddenRows;
using kernels::UnitSum;

// Below so many units times images a second thread takes longer to wake than to help.
constexpr int64_t kThreadWork = 1'000'000;

// Logits of a batch, the images shared by the threads.
void readout(const HiddenRows& z, const float* bias, const float* weights, float* logits) {
  at::parallel_for(0, z.images, kThreadWork / z.units + 1, [&](int64_t first, int64_t end) {
    kernels::relu_readout({z.z, z.rows + first, end - first, z.units}, bias, weights, kClasses,
                          logits + first * kClasses);
  });
}

// Sums over the batch, the units shared by the threads in blocks of whole vectors.
void unit_sums(const HiddenRows& z, const float* bias, const float* d, UnitSum kind, float* sums) {
  constexpr int64_t kBlock = 16;
  const int64_t grain = kThreadWork / (kBlock * z.images) + 1;
  at::parallel_for(0, (z.units + kBlock - 1) / kBlock, grain, [&](int64_t first, int64_t end) {
    kernels::relu_readout_sums(z, bias, d, kClasses, kind, first * kBlock,
                               std::min(end * kBlock, z.units), sums);
  });
}

at::Tensor view(const float* data, at::IntArrayRef shape) {
  return at::from_blob(const_cast<float*>(data), shape, at::kFloat);
}

}  // namespace

const std::vector<std::string> kMethodNames = {"bias",    "full",        "mask",  "gain",
                                               "readout", "output-bias", "random"};

Method method_named(const std::string& name) {
  return Method(std::find(kMethodNames.begin(), kMethodNames.end(), name) - kMethodNames.begin());
}

double default_rate(Method method) {
  switch (method) {
    case Method::kMask:
      return 0.05;
    case Method::kReadout:
      return 0.003;
    case Method::kFull:
      return 0.001;
    default:
      return 0.02;
  }
}

double rate_in(Method method, double start, int64_t epoch, int64_t epochs) {
  return method == Method::kFull ? start : start * (1 - double(epoch) / double(epochs));
}

double mask_steepness(int64_t epoch, int64_t epochs) {
  return epochs == 1 ? 1 : std::pow(100.0, double(epoch) / double(epochs - 1));
}

int64_t trained_parameters(Method method, int64_t hidden) {
  switch (method) {
    case Method::kFull:
      return hidden * (kPixels + kClasses + 1);
    case Method::kReadout:
      return hidden * kClasses;
    case Method::kOutputBias:
      return kClasses;
    case Method::kRandom:
      return 0;
    default:
      return hidden;
  }
}

double cross_entropy(const float* logits, const int64_t* labels, int64_t n, float* d) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) {
    const float* row = logits + i * kClasses;
    const double most = *std::max_element(row, row + kClasses);
    double total = 0, p[kClasses];
    for (int64_t k = 0; k < kClasses; ++k) total += p[k] = std::exp(row[k] - most);
    sum += std::log(total) + most - row[labels[i]];
    if (d == nullptr) continue;
    for (int64_t k = 0; k < kClasses; ++k)
      d[i * kClasses + k] = float((p[k] / total - (k == labels[i])) / double(n));
  }
  return sum / double(n);
}

TrainedTask::TrainedTask(Method method, const RandomWeights& weights, int64_t hidden, uint64_t seed)
    : method_(method), weights_(weights), hidden_(hidden), zero_(size_t(hidden), 0.0f) {
  const auto units = size_t(hidden);
  if (method == Method::kReadout) {
    values = weights.readout;
  } else if (method == Method::kFull) {
    values = weights.input;
    values.insert(values.end(), weights.readout.begin(), weights.readout.end());
    values.resize(values.size() + units, 0.0f);
  } else if (method == Method::kRandom) {
    values.resize(units);
    Stream(seed, "random-biases").fill_normal(values.data(), hidden, 0, 0.5);
    return;
  } else if (method == Method::kOutputBias) {
    values.assign(kClasses, 0.0f);
  } else {
    values.assign(units, method == Method::kGain ? 1.0f : 0.0f);
  }
  adam.resize(values.size());
  gradient_.resize(values.size());
  scaled_ = weights.readout;
  sums_.resize(size_t(kClasses * hidden));
}

double TrainedTask::step(const HiddenRows& z, const at::Tensor& x, const int64_t* labels,
                         double rate, double steepness) {
  if (method_ == Method::kFull) return full_step(x, labels, rate);
  std::vector<float> logits(size_t(z.images * kClasses)), d(logits.size()),
      factor(size_t(hidden_), 1.0f);
  const bool scales = method_ == Method::kMask || method_ == Method::kGain;
  if (scales) {
    for (int64_t i = 0; i < hidden_; ++i) {
      const float s = values[size_t(i)];
      const float m = method_ == Method::kGain ? s : 1 / (1 + std::exp(-float(steepness) * s));
      if (method_ == Method::kMask) factor[size_t(i)] = float(steepness) * m * (1 - m);
      for (int64_t k = 0; k < kClasses; ++k)
        scaled_[size_t(k * hidden_ + i)] = m * weights_.readout[size_t(k * hidden_ + i)];
    }
  }
  const float* bias = method_ == Method::kBias ? values.data() : zero_.data();
  const float* a = method_ == Method::kReadout ? values.data() : scaled_.data();
  readout(z, bias, a, logits.data());
  if (method_ == Method::kOutputBias) {
    for (size_t i = 0; i < logits.size(); ++i) logits[i] += values[i % kClasses];
  }
  const double loss = cross_entropy(logits.data(), labels, z.images, d.data());
  if (method_ == Method::kOutputBias) {
    std::fill(gradient_.begin(), gradient_.end(), 0.0f);
    for (size_t i = 0; i < d.size(); ++i) gradient_[i % kClasses] += d[i];
  } else {
    unit_sums(z, bias, d.data(), method_ == Method::kBias ? UnitSum::kOn : UnitSum::kValue,
              sums_.data());
    if (method_ == Method::kReadout) {
      gradient_.swap(sums_);
    } else {
      std::fill(gradient_.begin(), gradient_.end(), 0.0f);
      for (int64_t k = 0; k < kClasses; ++k) {
        const float *row = weights_.readout.data() + k * hidden_, *of = sums_.data() + k * hidden_;
        for (int64_t i = 0; i < hidden_; ++i) gradient_[size_t(i)] += row[i] * of[i];
      }
      if (scales)
        for (int64_t i = 0; i < hidden_; ++i) gradient_[size_t(i)] *= factor[size_t(i)];
    }
  }
  adam.step(values.data(), gradient_.data(), rate);
  return loss;
}

double TrainedTask::full_step(const at::Tensor& x, const int64_t* labels, double rate) {
  const at::NoGradGuard no_gradient;
  const int64_t n = x.size(0), of_input = hidden_ * kPixels, of_readout = kClasses * hidden_;
  const at::Tensor b = view(values.data(), {hidden_, kPixels}),
                   a = view(values.data() + of_input, {kClasses, hidden_}),
                   bias = view(values.data() + of_input + of_readout, {hidden_});
  const at::Tensor h = at::addmm(bias, x, b.t()).relu_();
  const at::Tensor logits = at::mm(h, a.t()).contiguous();
  std::vector<float> d(size_t(n * kClasses));
  const double loss = cross_entropy(logits.data_ptr<float>(), labels, n, d.data());
  const at::Tensor d_logits = view(d.data(), {n, kClasses});
  const at::Tensor d_u = at::mm(d_logits, a).mul_(h.gt(0));
  view(gradient_.data(), {hidden_, kPixels}).copy_(at::mm(d_u.t(), x));
  view(gradient_.data() + of_input, {kClasses, hidden_}).copy_(at::mm(d_logits.t(), h));
  view(gradient_.data() + of_input + of_readout, {hidden_}).copy_(d_u.sum(0));
  adam.step(values.data(), gradient_.data(), rate);
  return loss;
}

std::vector<float> TrainedTask::logits(const HiddenRows& z, const at::Tensor& x) const {
  std::vector<float> out(size_t(z.images * kClasses));
  if (method_ == Method::kFull) {
    const at::NoGradGuard no_gradient;
    const int64_t of_input = hidden_ * kPixels, of_readout = kClasses * hidden_;
    const at::Tensor h = at::addmm(view(values.data() + of_input + of_readout, {hidden_}), x,
                                   view(values.data(), {hidden_, kPixels}).t())
                             .relu_();
    view(out.data(), {z.images, kClasses})
        .copy_(at::mm(h, view(values.data() + of_input, {kClasses, hidden_}).t()));
    return out;
  }
  std::vector<float> a = method_ == Method::kReadout ? values : weights_.readout;
  if (method_ == Method::kMask || method_ == Method::kGain) {
    for (size_t i = 0; i < a.size(); ++i) {
      const float s = values[i % size_t(hidden_)];
      a[i] *= method_ == Method::kGain ? s : float(s > 0);
    }
  }
  const bool biased = method_ == Method::kBias || method_ == Method::kRandom;
  readout(z, biased ? values.data() : zero_.data(), a.data(), out.data());
  if (method_ == Method::kOutputBias)
    for (size_t i = 0; i < out.size(); ++i) out[i] += values[i % kClasses];
  return out;
}

}  // namespace tenfold::bias_learning
