#include "common/kernels/bias_gradient.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "common/kernels/bias_gradient_cases.h"
#include "common/kernels/bias_gradient_isa.h"
#include "common/kernels/blocks_for_test.h"
#include "common/kernels/isa.h"
#include "common/testing/skip.h"

namespace tenfold::kernels {
namespace {

using Floats = std::vector<float>;
using Arrays = BiasProblem::Arrays<float>;

HiddenRows rows_of(const BiasProblem& p, const Arrays& a) {
  return {a.z.data(), p.rows.data(), p.images, p.units};
}

BiasResult<float> by_rows(const BiasProblem& p, const Arrays& a, const BiasGradientTable& table) {
  BiasResult<float> r(p);
  std::vector<BiasVector> vectors;
  for (int64_t m = 0; m < p.models; ++m)
    vectors.push_back({a.bias.data() + m * p.units, p.labels.data() + m * p.images,
                       r.gradient.data() + m * p.units, NAN});
  table.bias_gradients(rows_of(p, a), a.readout.data(), p.classes, float(p.scale), vectors.data(),
                       p.models);
  for (int64_t m = 0; m < p.models; ++m) r.losses[size_t(m)] = float(vectors[size_t(m)].loss);
  return r;
}

template <class T>
BiasResult<T> by_blocks(const BiasProblem& p, Order order) {
  const BiasProblem::Arrays<T> arrays(p);
  BiasResult<T> r(p);
  const BiasModels<T> in = arrays.in(p);
  run_blocks(ReluReadoutLossBlocks<T>{in, r.d.data(), r.image_losses.data()}, order);
  run_blocks(BiasGradientBlocks<T>{in, r.d.data(), r.image_losses.data(), r.gradient.data(),
                                   r.losses.data()},
             order);
  return r;
}

void check_logits(const BiasProblem& p, const BiasGradientTable& table) {
  const Arrays a(p);
  Floats logits(size_t(p.images * p.classes), NAN);
  table.readout(rows_of(p, a), a.bias.data(), a.readout.data(), p.classes, logits.data());
  for (int64_t n = 0; n < p.images; ++n) {
    for (int64_t k = 0; k < p.classes; ++k)
      REQUIRE(logits[size_t(n * p.classes + k)] == Approx(p.logit(0, n, k)).margin(1e-5));
  }
}

// The sums from their definition, of model 0.
void check_sums(const BiasProblem& p, const BiasGradientTable& table) {
  const Arrays a(p);
  Floats d(size_t(p.images * p.classes));
  Stream(6, "d").fill_normal(d.data(), int64_t(d.size()), 0, 1);
  for (const UnitSum kind : {UnitSum::kOn, UnitSum::kValue}) {
    Floats sums(a.readout.size(), NAN);
    for (int64_t first = 0; first < p.units; first += 16) {  // as threads share the units
      table.sums(rows_of(p, a), a.bias.data(), d.data(), p.classes, kind, first,
                 std::min(first + 16, p.units), sums.data());
    }
    for (int64_t k = 0; k < p.classes; ++k) {
      for (int64_t i = 0; i < p.units; ++i) {
        double expected = 0;
        for (int64_t n = 0; n < p.images; ++n) {
          const double h = p.h(0, n, i);
          expected += (kind == UnitSum::kValue ? h : double(h > 0)) * d[size_t(n * p.classes + k)];
        }
        REQUIRE(sums[size_t(k * p.units + i)] == Approx(expected).margin(1e-5));
      }
    }
  }
}

void check_all(const BiasGradientTable& table) {
  for (const BiasProblem& p : bias_problems()) {
    CAPTURE(p.models, p.images, p.units, p.classes);
    check_logits(p, table);
    check_sums(p, table);
    check_bias_gradients(p, by_rows(p, Arrays(p), table), 2e-5);
  }
}

}  // namespace

TEST_CASE("logits, sums, losses and bias gradients are those of the definition") {
  check_all(kBiasGradientAvx2);
}

TEST_CASE("logits, sums, losses and bias gradients with AVX-512 are those of the definition") {
  if (!use_avx512()) {
    testing::print_skip("no AVX-512 here: its twin is not checked");
    return;
  }
  check_all(kBiasGradientAvx512);
}

TEST_CASE("bias gradients in blocks are those of the definition in float64, in any order") {
  for (const BiasProblem& p : bias_problems()) {
    CAPTURE(p.models, p.images, p.units, p.classes);
    const BiasResult<double> r = by_blocks<double>(p, Order::kForward),
                             again = by_blocks<double>(p, Order::kBackward);
    check_bias_gradients(p, r, 1e-7);
    CHECK(r.gradient == again.gradient);
    CHECK(r.losses == again.losses);
  }
}

TEST_CASE("bias gradients in blocks of float32 are those of the definition") {
  for (const BiasProblem& p : bias_problems()) {
    CAPTURE(p.models, p.images, p.units, p.classes);
    check_bias_gradients(p, by_blocks<float>(p, Order::kForward), 1e-4);
  }
}

TEST_CASE("a bias vector does not feel those beside it") {
  const BiasProblem p(4, 9, 529, 10);
  const Arrays a(p);
  const BiasResult<float> all = by_rows(p, a, kBiasGradientAvx2);
  Floats gradient(size_t(p.units), NAN);
  BiasVector own{a.bias.data() + 2 * p.units, p.labels.data() + 2 * p.images, gradient.data(), NAN};
  kBiasGradientAvx2.bias_gradients(rows_of(p, a), a.readout.data(), 10, float(p.scale), &own, 1);
  CHECK(float(own.loss) == all.losses[2]);
  CHECK(std::equal(gradient.begin(), gradient.end(), all.gradient.begin() + 2 * p.units));
}

TEST_CASE("what is no number stays none, so that a loss shows it") {
  const BiasProblem p(2, 5, 40, 10);
  Arrays a(p);
  a.z[size_t(p.rows[3] * p.units + 17)] = NAN;
  Floats logits(50), d(50, 1.0f), sums(400);
  kBiasGradientAvx2.readout(rows_of(p, a), a.bias.data(), a.readout.data(), 10, logits.data());
  for (int64_t i = 0; i < 50; ++i) CHECK(std::isnan(logits[size_t(i)]) == (i / 10 == 3));
  kBiasGradientAvx2.sums(rows_of(p, a), a.bias.data(), d.data(), 10, UnitSum::kValue, 0, 40,
                         sums.data());
  for (int64_t i = 0; i < 400; ++i) CHECK(std::isnan(sums[size_t(i)]) == (i % 40 == 17));
  const BiasResult<float> r = by_rows(p, a, kBiasGradientAvx2);
  CHECK(std::isnan(r.losses[0]));
  CHECK(std::isnan(r.losses[1]));
  a = Arrays(p);
  a.bias[3] = NAN;  // of the first vector alone
  const BiasResult<float> of_first = by_rows(p, a, kBiasGradientAvx2);
  CHECK(std::isnan(of_first.losses[0]));
  CHECK(std::isfinite(of_first.losses[1]));
}

TEST_CASE("a loss stays finite where logits are far apart") {
  const BiasProblem p(1, 5, 40, 10);
  Arrays a(p);
  for (float& w : a.readout) w *= 1000;
  const BiasResult<float> r = by_rows(p, a, kBiasGradientAvx2);
  double expected = 0;
  for (int64_t n = 0; n < 5; ++n) {
    double top = p.logit(0, n, 0), total = 0;
    for (int64_t k = 1; k < 10; ++k) top = std::max(top, p.logit(0, n, k));
    for (int64_t k = 0; k < 10; ++k) total += std::exp(1000 * (p.logit(0, n, k) - top));
    expected += std::log(total) - 1000 * (p.logit(0, n, p.labels[size_t(n)]) - top);
  }
  CHECK(r.losses[0] == Approx(expected).epsilon(1e-5));
}

}  // namespace tenfold::kernels
