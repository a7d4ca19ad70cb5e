#include "tools/rich-lazy/measures.h"

#include <ATen/ops/from_blob.h>

#include <Eigen/Core>
#include <algorithm>
#include <cmath>
#include <vector>

#include "common/core/clock.h"
#include "common/nn/rate_rnn.h"
#include "tools/rich-lazy/matrix.h"

namespace tenfold::rich_lazy {
namespace {

using RowMajor = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
using View = Eigen::Map<const RowMajor>;

at::Tensor borrowed(const float* data, std::vector<int64_t> shape) {
  return at::from_blob(const_cast<float*>(data), shape, at::kFloat);
}

// The first `count` of the trials, densely.
struct Subset {
  std::vector<float> x;
  std::vector<int64_t> labels;
  TrialsView view{};
};
Subset first_trials(const NetworkShape& shape, const TrialsView& trials, int64_t count) {
  Subset s;
  for (int64_t t = 0; t < shape.steps; ++t) {
    const float* x = trials.x + t * trials.batch * shape.inputs;
    s.x.insert(s.x.end(), x, x + count * shape.inputs);
    const int64_t* labels = trials.labels + t * trials.batch;
    s.labels.insert(s.labels.end(), labels, labels + count);
  }
  s.view = {s.x.data(), s.labels.data(), count};
  return s;
}

// y = 1[label] - 1 / outputs in the kernel's order.
Vector targets(const NetworkShape& shape, const TrialsView& trials) {
  const int64_t read = (shape.last_only ? 1 : shape.steps) * trials.batch;
  const int64_t* labels = trials.labels + shape.steps * trials.batch - read;
  Vector y = Vector::Constant(read * shape.outputs, -1.0 / double(shape.outputs));
  for (int64_t i = 0; i < read; ++i) y(i * shape.outputs + labels[i]) += 1;
  return y;
}

struct KernelSums {
  double product = 0, squares_0 = 0, squares_f = 0;  // sum K(0) K(f), ...
  double quadratic_0 = 0, quadratic_f = 0, trace_0 = 0, trace_f = 0;
};

KernelSums kernel_sums(const float* k0, const float* kf, const Vector& y) {
  KernelSums s;
  const int64_t n = y.size();
  for (int64_t i = 0; i < n; ++i) {
    double row_0 = 0, row_f = 0;
    for (int64_t j = 0; j < n; ++j) {
      const double a = k0[i * n + j], b = kf[i * n + j];
      s.product += a * b;
      s.squares_0 += a * a;
      s.squares_f += b * b;
      row_0 += a * y(j);
      row_f += b * y(j);
    }
    s.quadratic_0 += y(i) * row_0;
    s.quadratic_f += y(i) * row_f;
    s.trace_0 += k0[i * n + i];
    s.trace_f += kf[i * n + i];
  }
  return s;
}

std::optional<double> quotient(double top, double bottom) {
  return bottom > 0 ? std::optional<double>(top / bottom) : std::nullopt;
}

}  // namespace

TangentKernel tangent_kernel(const Weights& weights, const TrialsView& trials) {
  const NetworkShape& s = weights.shape();
  Network network(s);
  network.forward(weights, trials);
  const nn::RateForm form{0, 1, 1 - double(s.alpha), double(s.alpha),
                          kernels::RateActivation::kRelu};
  const std::vector<int64_t> states = {s.steps, trials.batch, s.hidden};
  const at::Tensor k =
      nn::rate_tangent_kernel(form, borrowed(weights.recurrent(), {s.hidden, s.hidden}),
                              borrowed(weights.output(), {s.outputs, s.hidden}),
                              borrowed(network.states().data(), states),
                              borrowed(network.slopes().data(), states), s.last_only)
          .contiguous();
  return {k.size(0), {k.data_ptr<float>(), k.data_ptr<float>() + k.numel()}};
}

int64_t ntk_size(const NetworkShape& shape, int64_t trials) {
  return (shape.last_only ? 1 : shape.steps) * trials * shape.outputs;
}

double decision_accuracy(const Weights& weights, const TrialsView& trials) {
  const NetworkShape& s = weights.shape();
  Network network(s);
  network.forward(weights, trials);
  const float* z =
      network.logits().data() + int64_t(network.logits().size()) - trials.batch * s.outputs;
  const int64_t* labels = trials.labels + (s.steps - 1) * trials.batch;
  int64_t right = 0;
  for (int64_t i = 0; i < trials.batch; ++i, z += s.outputs)
    right += std::max_element(z, z + s.outputs) - z == labels[i];
  return double(right) / double(trials.batch);
}

namespace {

// Cross-entropy at the last step. After forward.
double decision_loss(const Network& network, const NetworkShape& s, const TrialsView& trials) {
  const std::vector<float>& logits = network.logits();
  const RowMajor z = View(logits.data() + int64_t(logits.size()) - trials.batch * s.outputs,
                          trials.batch, s.outputs);
  const int64_t* labels = trials.labels + (s.steps - 1) * trials.batch;
  double sum = 0;
  for (int64_t i = 0; i < trials.batch; ++i) {
    const Vector row = z.row(i).cast<double>();
    sum += std::log((row.array() - row.maxCoeff()).exp().sum()) + row.maxCoeff() - row(labels[i]);
  }
  return sum / double(trials.batch);
}

}  // namespace

Measures measure(const Weights& initial, const Weights& last, const EvaluationTrials& evaluation) {
  const NetworkShape& s = initial.shape();
  const TrialsView& trials = evaluation.trials;
  Measures m;
  const View w0(initial.recurrent(), s.hidden, s.hidden), wf(last.recurrent(), s.hidden, s.hidden);
  m.weight_change_norm = (wf.cast<double>() - w0.cast<double>()).norm();
  m.weight_change_relative = quotient(m.weight_change_norm, w0.cast<double>().norm()).value_or(0);

  Network before(s), after(s);
  before.forward(initial, trials);
  after.forward(last, trials);
  m.evaluation_loss = after.loss(trials);
  m.decision_loss = decision_loss(after, s, trials);
  m.decision_accuracy = decision_accuracy(last, trials);
  const int64_t states = s.steps * trials.batch * s.hidden, decision = trials.batch * s.hidden;
  const Matrix h0 =
      View(before.states().data() + states - decision, trials.batch, s.hidden).cast<double>();
  const Matrix hf =
      View(after.states().data() + states - decision, trials.batch, s.hidden).cast<double>();
  m.rep_alignment = quotient((hf.transpose() * h0).squaredNorm(),
                             (hf.transpose() * hf).norm() * (h0.transpose() * h0).norm());
  const int64_t from = s.last_only ? 0 : states - decision;
  int64_t equal = 0;
  for (int64_t i = from; i < states; ++i)
    equal += (before.states()[size_t(i)] > 0) == (after.states()[size_t(i)] > 0);
  m.sign_similarity = double(equal) / double(states - from);

  const double start = monotonic_seconds();
  const Subset few = first_trials(s, trials, evaluation.ntk_trials);
  const TangentKernel k0 = tangent_kernel(initial, few.view), kf = tangent_kernel(last, few.view);
  const Vector y = targets(s, few.view);
  const KernelSums sums = kernel_sums(k0.values.data(), kf.values.data(), y);
  m.ntk_size = y.size();
  m.kernel_alignment =
      quotient(sums.product, std::sqrt(sums.squares_0) * std::sqrt(sums.squares_f));
  m.initial_target_alignment = quotient(sums.quadratic_0, y.squaredNorm() * sums.trace_0);
  m.target_alignment = quotient(sums.quadratic_f, y.squaredNorm() * sums.trace_f);
  m.seconds_ntk = monotonic_seconds() - start;
  return m;
}

}  // namespace tenfold::rich_lazy
