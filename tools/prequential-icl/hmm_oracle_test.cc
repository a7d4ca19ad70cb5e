#include "tools/prequential-icl/hmm_oracle.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <cstdio>
#include <numeric>

#include "common/core/error.h"

namespace tenfold::prequential_icl {
namespace {

HmmSizes tiny_sizes() {
  HmmSizes s;
  s.states = 5;
  s.observations = 7;
  s.base_cycles = 2;
  s.cycle_families = 1;
  s.emission_groups = 2;
  s.longest_cycle = 4;
  s.held_out = 3;
  return s;
}

// p(x_{t+1} | x_1..t) for all t by plain sums of every latent's joint probabilities.
std::vector<double> brute_force(const HmmFamily& f, const std::vector<int64_t>& latents,
                                const std::vector<int64_t>& tokens) {
  const int64_t n = f.sizes.states, m = f.sizes.observations;
  std::vector<double> sums(tokens.size() * m, 0.0);
  for (const int64_t latent : latents) {
    const double* a = f.transition_of(latent);
    const double* b = f.emission_of(latent);
    std::vector<double> joint(n, 1.0 / n);  // p(x_1..t, z_{t+1})
    for (size_t t = 0; t < tokens.size(); ++t) {
      std::vector<double> next(n, 0.0);
      for (int64_t z = 0; z < n; ++z) {
        for (int64_t x = 0; x < m; ++x) sums[t * m + x] += joint[z] * b[z * m + x];
        for (int64_t y = 0; y < n; ++y) {
          next[y] += joint[z] * b[z * m + tokens[t]] * a[z * n + y];
        }
      }
      joint = next;
    }
  }
  for (size_t t = 0; t < tokens.size(); ++t) {
    const double total = std::accumulate(&sums[t * m], &sums[t * m] + m, 0.0);
    for (int64_t x = 0; x < m; ++x) sums[t * m + x] /= total;
  }
  return sums;
}

std::vector<int64_t> draw(const HmmFamily& f, uint64_t number, int64_t length,
                          int64_t* latent = nullptr) {
  std::vector<int64_t> tokens(length);
  std::vector<int64_t> all = f.train_latents;
  all.insert(all.end(), f.held_out_latents.begin(), f.held_out_latents.end());
  std::sort(all.begin(), all.end());
  const int64_t tau = HmmSampler(f).draw(all, 3, "oracle", number, length, tokens.data());
  if (latent != nullptr) *latent = tau;
  return tokens;
}

std::vector<double> predict(const HmmOracle& oracle, const std::vector<int64_t>& tokens) {
  std::vector<double> p(tokens.size() * oracle.observations());
  oracle.predict(tokens.data(), static_cast<int64_t>(tokens.size()), p.data());
  return p;
}

double largest_difference(const std::vector<double>& a, const std::vector<double>& b) {
  REQUIRE(a.size() == b.size());
  double most = 0;
  for (size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a[i] - b[i]));
  return most;
}

std::vector<int64_t> range(int64_t n) {
  std::vector<int64_t> all(n);
  std::iota(all.begin(), all.end(), int64_t{0});
  return all;
}

}  // namespace

TEST_CASE("the oracle is the sum over all latents, for a tiny family") {
  const HmmFamily f = make_hmm_family(tiny_sizes(), 1);
  const HmmOracle oracle(f);
  for (uint64_t number = 0; number < 5; ++number) {
    const auto tokens = draw(f, number, 60);
    CHECK(largest_difference(predict(oracle, tokens),
                             brute_force(f, range(f.sizes.latents()), tokens)) < 1e-12);
  }
}

TEST_CASE("the oracle is the sum over all latents, for both sizes of the paper") {
  for (const char* name : {"small", "medium"}) {
    const HmmFamily f = make_hmm_family(hmm_sizes(name), 2);
    const auto tokens = draw(f, 0, 24);
    const auto expected = brute_force(f, range(f.sizes.latents()), tokens);
    const auto p = predict(HmmOracle(f), tokens);
    CHECK(largest_difference(p, expected) < 1e-12);
    for (size_t t = 0; t < tokens.size(); ++t) {
      CHECK(std::accumulate(&p[t * 50], &p[t * 50] + 50, 0.0) == Approx(1).epsilon(1e-14));
    }
  }
}

TEST_CASE("a prior over some latents leaves the others out") {
  const HmmFamily f = make_hmm_family(hmm_sizes("medium"), 3);
  std::vector<int64_t> some;
  for (int64_t i = 5; i < f.sizes.latents(); i += 977) some.push_back(i);
  const auto tokens = draw(f, 1, 40);
  CHECK(largest_difference(predict(HmmOracle(f, some), tokens), brute_force(f, some, tokens)) <
        1e-12);
  CHECK_THROWS_AS(HmmOracle(f, {f.sizes.latents()}), DataError);
}

TEST_CASE("one latent in the prior is the filter with the latent known") {
  const HmmFamily f = make_hmm_family(hmm_sizes("small"), 4);
  int64_t latent = 0;
  const auto tokens = draw(f, 2, 200, &latent);
  std::vector<double> known(200 * 50);
  predict_known(f, latent, tokens.data(), 200, known.data());
  CHECK(largest_difference(predict(HmmOracle(f, {latent}), tokens), known) < 1e-12);
  CHECK_THROWS_AS(predict_known(f, -1, tokens.data(), 200, known.data()), DataError);
}

TEST_CASE("a latent whose evidence vanished in float64 comes back when the data turn to it") {
  // 120 tokens of one latent, then 400 of another: each is beyond 1e-300 in the other's favour.
  const HmmFamily f = make_hmm_family(hmm_sizes("small"), 5);
  const int64_t one = 17, other = 12000;
  std::vector<int64_t> tokens(600);
  const HmmSampler sampler(f);
  sampler.draw({one}, 1, "first", 0, 200, tokens.data());
  sampler.draw({other}, 1, "second", 0, 400, tokens.data() + 200);
  std::vector<double> p(600 * 50), known(600 * 50);
  HmmOracle(f, {one, other}).predict(tokens.data(), 600, p.data());
  predict_known(f, one, tokens.data(), 600, known.data());
  CHECK(largest_difference({&p[190 * 50], &p[200 * 50]}, {&known[190 * 50], &known[200 * 50]}) <
        1e-9);
  double lead = 0, most = 0;  // log evidence of `one` against `other`
  std::vector<double> second(600 * 50);
  predict_known(f, other, tokens.data(), 600, second.data());
  for (int64_t t = 0; t < 600; ++t) {
    lead += std::log(known[t * 50 + tokens[t]] / second[t * 50 + tokens[t]]);
    most = std::max(most, lead);
  }
  CHECK(most > 800);
  CHECK(lead < -100);
  CHECK(largest_difference({&p[590 * 50], &p[600 * 50]}, {&second[590 * 50], &second[600 * 50]}) <
        1e-9);
}

TEST_CASE("mean losses of the oracle are the published anchors") {
  // 3 draws of the building blocks x 12 sequences: a standard error of about .1, hence 4 of them.
  const double anchors[] = {3.29, 3.37, 2.63, 2.25, 2.18};
  const double known_anchors[] = {3.03, 2.32, 2.18, 2.23, 2.18};
  const int64_t bounds[] = {0, 1, 5, 15, 30, 200};
  double loss[5] = {}, known_loss[5] = {};
  const int64_t sequences = 12;
  for (uint64_t seed = 0; seed < 3; ++seed) {
    const HmmFamily f = make_hmm_family(hmm_sizes("small"), seed);
    const HmmOracle oracle(f);
    for (int64_t i = 0; i < sequences; ++i) {
      int64_t latent = 0;
      const auto tokens = draw(f, static_cast<uint64_t>(i), 200, &latent);
      const auto p = predict(oracle, tokens);
      std::vector<double> known(p.size());
      predict_known(f, latent, tokens.data(), 200, known.data());
      for (int b = 0; b < 5; ++b) {
        const double n = 3.0 * sequences * (bounds[b + 1] - bounds[b]);
        for (int64_t t = bounds[b]; t < bounds[b + 1]; ++t) {
          loss[b] -= std::log(p[t * 50 + tokens[t]]) / n;
          known_loss[b] -= std::log(known[t * 50 + tokens[t]]) / n;
        }
      }
    }
  }
  for (int b = 0; b < 5; ++b) {
    std::printf("contexts %ld-%ld: %.3f (published %.2f), latent known %.3f (%.2f)\n", bounds[b],
                bounds[b + 1] - 1, loss[b], anchors[b], known_loss[b], known_anchors[b]);
    CHECK(std::abs(loss[b] - anchors[b]) < .4);
    CHECK(std::abs(known_loss[b] - known_anchors[b]) < .4);
  }
  for (int b = 1; b < 4; ++b) CHECK(loss[b] > loss[b + 1]);
  for (int b = 0; b < 4; ++b) CHECK(loss[b] > known_loss[b] - .1);
}

TEST_CASE("a token that is no observation is refused by its place") {
  const HmmFamily f = make_hmm_family(hmm_sizes("small"), 0);
  std::vector<double> p(3 * 50);
  const int64_t tokens[] = {0, 50, 1};
  CHECK_THROWS_WITH(HmmOracle(f, {0}).predict(tokens, 3, p.data()),
                    Catch::Contains("token 2") && Catch::Contains("found 50"));
  CHECK_THROWS_AS(predict_known(f, 0, tokens, 3, p.data()), DataError);
}

}  // namespace tenfold::prequential_icl
