#include "tools/rich-lazy/measures.h"

#include <Eigen/Core>
#include <catch2/catch.hpp>

#include "tools/rich-lazy/matrix.h"
#include "tools/rich-lazy/network_for_test.h"

namespace tenfold::rich_lazy {
namespace {

constexpr NetworkShape kShape{5, 3, 8, 3, 1, false};
constexpr NetworkShape kLastOnly{5, 3, 8, 3, 1, true};

Matrix plain_states(const PlainNetwork& plain, const TrialsView& trials, int64_t step) {
  Matrix h(trials.batch, plain.shape.hidden);
  std::vector<double> logits, states;
  for (int64_t b = 0; b < trials.batch; ++b) {
    plain.run(trials, b, logits, states);
    for (int64_t i = 0; i < plain.shape.hidden; ++i)
      h(b, i) = states[size_t(step * plain.shape.hidden + i)];
  }
  return h;
}

// d y / d W_rec by central differences, rows (step, trial, output).
Matrix jacobian(const PlainNetwork& plain, const TrialsView& trials) {
  constexpr double kStep = 1e-6;
  const NetworkShape& s = plain.shape;
  const int64_t from = s.last_only ? s.steps - 1 : 0;
  Matrix j((s.steps - from) * trials.batch * s.outputs, s.recurrent_size());
  std::vector<double> up, down, states;
  for (int64_t w = 0; w < s.recurrent_size(); ++w) {
    PlainNetwork more = plain, less = plain;
    more.w[size_t(w)] += kStep;
    less.w[size_t(w)] -= kStep;
    for (int64_t b = 0; b < trials.batch; ++b) {
      more.run(trials, b, up, states);
      less.run(trials, b, down, states);
      for (int64_t t = from; t < s.steps; ++t) {
        for (int64_t k = 0; k < s.outputs; ++k) {
          const size_t at = size_t(t * s.outputs + k);
          j(((t - from) * trials.batch + b) * s.outputs + k, w) = (up[at] - down[at]) / (2 * kStep);
        }
      }
    }
  }
  return j;
}

double cosine(const Matrix& a, const Matrix& b) {
  return a.cwiseProduct(b).sum() / (a.norm() * b.norm());
}

}  // namespace

TEST_CASE("a network that did not change has alignments 1 and change 0") {
  const Sample s(kShape, 6);
  const Measures m = measure(s.weights, s.weights, {s.view, 4});
  CHECK(m.weight_change_norm == 0);
  CHECK(*m.rep_alignment == Approx(1).epsilon(1e-12));
  CHECK(*m.kernel_alignment == Approx(1).epsilon(1e-12));
  CHECK(m.sign_similarity == 1);
  CHECK(m.ntk_size == 5 * 4 * 3);
}

TEST_CASE("the measures are those of plain states and of Jacobians by differences") {
  for (const NetworkShape& shape : {kShape, kLastOnly}) {
    CAPTURE(shape.last_only);
    const Sample a(shape, 6), b(shape, 6, 2);
    const Measures m = measure(a.weights, b.weights, {a.view, 4});
    const PlainNetwork first(a.weights), last(b.weights);
    double squares = 0;
    for (size_t i = 0; i < 64; ++i) squares += std::pow(first.w[i] - last.w[i], 2);
    CHECK(m.weight_change_norm == Approx(std::sqrt(squares)).epsilon(1e-6));

    const Matrix h0 = plain_states(first, a.view, 4), hf = plain_states(last, a.view, 4);
    CHECK(*m.rep_alignment ==
          Approx(cosine(h0 * h0.transpose(), hf * hf.transpose())).epsilon(1e-5));

    // The kernel sees the first four trials.
    std::vector<float> x;
    std::vector<int64_t> labels;
    for (int64_t t = 0; t < 5; ++t) {
      x.insert(x.end(), a.x.begin() + t * 18, a.x.begin() + t * 18 + 12);
      labels.insert(labels.end(), a.labels.begin() + t * 6, a.labels.begin() + t * 6 + 4);
    }
    const TrialsView few{x.data(), labels.data(), 4};
    const Matrix j0 = jacobian(first, few), jf = jacobian(last, few);
    const Matrix k0 = j0 * j0.transpose(), kf = jf * jf.transpose();
    CHECK(m.ntk_size == k0.rows());
    CHECK(*m.kernel_alignment == Approx(cosine(k0, kf)).epsilon(1e-4));
    Vector y = Vector::Constant(k0.rows(), -1.0 / 3);
    for (int64_t i = 0; i < k0.rows() / 3; ++i)
      y(i * 3 + labels[labels.size() - size_t(k0.rows() / 3 - i)]) += 1;
    CHECK(*m.initial_target_alignment ==
          Approx(y.dot(k0 * y) / (y.squaredNorm() * k0.trace())).epsilon(1e-4));
    CHECK(*m.target_alignment ==
          Approx(y.dot(kf * y) / (y.squaredNorm() * kf.trace())).epsilon(1e-4));

    double equal = 0, count = 0;
    for (int64_t t = shape.last_only ? 0 : 4; t < 5; ++t) {
      const Matrix p = plain_states(first, a.view, t), q = plain_states(last, a.view, t);
      equal += double(((p.array() > 0) == (q.array() > 0)).count());
      count += double(p.size());
    }
    CHECK(m.sign_similarity == Approx(equal / count));
    CHECK(m.evaluation_loss == Approx(last.loss(a.view)).epsilon(1e-5));
    if (shape.last_only) CHECK(m.decision_loss == Approx(m.evaluation_loss).epsilon(1e-6));
  }
}

TEST_CASE("a network without an active unit has no alignment") {
  const Sample s(kShape, 6);
  const Weights silent(kShape);
  const Measures m = measure(s.weights, silent, {s.view, 6});
  CHECK_FALSE(m.rep_alignment);
  CHECK_FALSE(m.kernel_alignment);
  CHECK_FALSE(m.target_alignment);
  CHECK(m.initial_target_alignment);
  // Equal logits: the first class wins, chance has log 3.
  CHECK(m.evaluation_loss == Approx(std::log(3.0)));
  CHECK(m.decision_loss == Approx(std::log(3.0)));
  double zeros = 0;
  for (size_t k = 24; k < 30; ++k) zeros += s.labels[k] == 0;
  CHECK(m.decision_accuracy == Approx(zeros / 6));
}

}  // namespace tenfold::rich_lazy
