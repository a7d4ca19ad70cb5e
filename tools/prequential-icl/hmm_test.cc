#include "tools/prequential-icl/hmm.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <cmath>
#include <numeric>
#include <set>

#include "common/core/error.h"

namespace tenfold::prequential_icl {
namespace {

using Matrix = std::vector<double>;

Matrix slice(const Matrix& all, int64_t index, int64_t size) {
  return Matrix(all.begin() + index * size, all.begin() + (index + 1) * size);
}

Matrix normalised(Matrix m, int64_t columns) {
  for (size_t r = 0; r < m.size(); r += columns) {
    const double total = std::accumulate(m.begin() + r, m.begin() + r + columns, 0.0);
    for (int64_t c = 0; c < columns; ++c) m[r + c] /= total;
  }
  return m;
}

double largest_difference(const Matrix& a, const Matrix& b) {
  REQUIRE(a.size() == b.size());
  double most = 0;
  for (size_t i = 0; i < a.size(); ++i) most = std::max(most, std::abs(a[i] - b[i]));
  return most;
}

// Whatever the common divisor, a state's successor at speed s is the one s places further on.
void add_successors(const HmmBlocks::Cycle& c, int64_t direction, int64_t speed, int64_t states,
                    Matrix* m) {
  const int64_t n = static_cast<int64_t>(c.size()), step = direction == 0 ? speed : -speed;
  for (int64_t p = 0; p < n; ++p) {
    (*m)[c[p] * states + c[(p + (n + step % n)) % n]] += 1;
  }
}

Matrix expected_transition(const HmmFamily& f, const std::vector<int64_t>& digits) {
  const int64_t n = f.sizes.states, families = f.sizes.cycle_families;
  Matrix m(n * n, 0.0);
  add_successors(f.blocks.base[digits[0]], digits[1], digits[2] + 1, n, &m);
  for (int64_t i = 0; i < families; ++i) {
    for (const auto& c : f.blocks.groups[i][digits[3 + i]]) {
      add_successors(c, digits[3 + families], digits[4 + families] + 1, n, &m);
    }
  }
  return normalised(m, n);
}

Matrix expected_emission(const HmmFamily& f, const std::vector<int64_t>& digits) {
  const int64_t states = f.sizes.states, observations = f.sizes.observations;
  const int64_t* d = digits.data() + 5 + f.sizes.cycle_families;
  Matrix m(states * observations, f.sizes.emission_noise);
  const auto groups = hmm_state_groups(f.sizes);
  for (size_t g = 0; g < groups.size(); ++g) {
    for (int64_t place = 0; place < groups[g].second; ++place) {
      const int64_t to = (place + d[groups.size()]) % groups[g].second;
      std::set<int64_t> seen;
      for (const auto& e : f.blocks.edges[g][d[g]]) {
        if (e.place == place) seen.insert(e.observation);
      }
      for (const int64_t x : seen) m[(groups[g].first + to) * observations + x] += 1;
    }
  }
  return normalised(m, observations);
}

void require_usage_error(const HmmSizes& sizes, const std::string& part) {
  try {
    make_hmm_family(sizes, 0);
    FAIL("no error");
  } catch (const UsageError& e) {
    CHECK_THAT(e.what(), Catch::Contains(part));
  }
}

}  // namespace

TEST_CASE("the two sizes have the counts of the paper") {
  const HmmSizes small = hmm_sizes("small"), medium = hmm_sizes("medium");
  CHECK(small.transitions() == 512);
  CHECK(small.emissions() == 24);
  CHECK(small.latents() == 12288);
  CHECK(medium.transitions() == 1536);
  CHECK(medium.emissions() == 48);
  CHECK(medium.latents() == 73728);
  CHECK_THROWS_AS(hmm_sizes("large"), UsageError);
}

TEST_CASE("digits and latent index are row-major, base id slowest and emission shift fastest") {
  const HmmSizes s = hmm_sizes("small");
  for (int64_t latent = 0; latent < s.latents(); ++latent) {
    REQUIRE(hmm_latent(s, hmm_digits(s, latent)) == latent);
  }
  CHECK(hmm_digits(s, 1).back() == 1);
  CHECK(hmm_digits(s, s.latents() / s.base_cycles).front() == 1);
  CHECK(hmm_digits(s, s.emissions()) == std::vector<int64_t>{0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0});
  CHECK_THROWS_AS(hmm_digits(s, s.latents()), DataError);
  CHECK_THROWS_AS(hmm_latent(s, {0, 0, 2, 0, 0, 0, 0, 1, 0, 0, 0, 0}), DataError);
  CHECK_THROWS_AS(hmm_latent(s, {0, 0}), DataError);
}

TEST_CASE("every matrix is the sum of its blocks, row-normalised") {
  for (const char* name : {"small", "medium"}) {
    const HmmFamily f = make_hmm_family(hmm_sizes(name), 5);
    const HmmSizes& s = f.sizes;
    REQUIRE(f.transitions.size() == static_cast<size_t>(s.transitions() * 400));
    REQUIRE(f.emissions.size() == static_cast<size_t>(s.emissions() * 1000));
    double most = 0;
    for (int64_t i = 0; i < s.transitions(); ++i) {
      const auto digits = hmm_digits(s, i * s.emissions());
      most = std::max(
          most, largest_difference(slice(f.transitions, i, 400), expected_transition(f, digits)));
    }
    for (int64_t i = 0; i < s.emissions(); ++i) {
      most = std::max(most, largest_difference(slice(f.emissions, i, 1000),
                                               expected_emission(f, hmm_digits(s, i))));
    }
    CHECK(most < 1e-15);
  }
}

TEST_CASE("a latent's matrices are those of its digits") {
  const HmmFamily f = make_hmm_family(hmm_sizes("small"), 6);
  const int64_t latent = hmm_latent(f.sizes, {3, 1, 0, 1, 0, 1, 1, 0, 0, 1, 1, 2});
  const auto digits = hmm_digits(f.sizes, latent);
  const double* a = f.transition_of(latent);
  const double* b = f.emission_of(latent);
  CHECK(largest_difference(Matrix(a, a + 400), expected_transition(f, digits)) < 1e-15);
  CHECK(largest_difference(Matrix(b, b + 1000), expected_emission(f, digits)) < 1e-15);
}

TEST_CASE("blocks keep to their bounds") {
  const HmmFamily f = make_hmm_family(hmm_sizes("small"), 7);
  std::set<size_t> lengths;
  for (uint64_t seed = 0; seed < 10; ++seed) {
    const HmmFamily other = make_hmm_family(f.sizes, seed);
    for (const auto& family : other.blocks.groups) {
      for (const auto& group : family) {
        CHECK(group.size() == 3);
        for (const auto& c : group) {
          lengths.insert(c.size());
          CHECK(std::set<int64_t>(c.begin(), c.end()).size() == c.size());
        }
      }
    }
  }
  CHECK(lengths == std::set<size_t>{3, 4, 5, 6, 7, 8});
  CHECK(hmm_state_groups(f.sizes) ==
        std::vector<std::pair<int64_t, int64_t>>{{0, 7}, {7, 7}, {14, 6}});
  for (size_t g = 0; g < 3; ++g) {
    const int64_t size = hmm_state_groups(f.sizes)[g].second;
    for (const auto& edges : f.blocks.edges[g]) {
      REQUIRE(static_cast<int64_t>(edges.size()) == 4 * size);
      std::set<int64_t> first;
      for (int64_t i = 0; i < size; ++i) {
        CHECK(edges[i].place == i);
        first.insert(edges[i].observation);
      }
      CHECK(static_cast<int64_t>(first.size()) == size);
    }
  }
}

TEST_CASE("extra edges go where edges are: the chance of an observation is softmax of its degree") {
  // One group of one state: the first edge makes a degree of 1 among 49 of 0, and so on.
  HmmSizes s;
  s.states = 1;
  s.shortest_cycle = s.longest_cycle = 1;
  s.emission_groups = 1;
  s.edges_per_node = 1;
  s.emissions_per_group = 1000;
  s.held_out = 0;
  int64_t same = 0, draws = 0;
  const HmmFamily f = make_hmm_family(s, 1);
  for (const auto& edges : f.blocks.edges[0]) {
    same += edges[0].observation == edges[1].observation;
    ++draws;
  }
  const double p = std::exp(1.0) / (std::exp(1.0) + 49);
  CHECK(std::abs(same - draws * p) < 4 * std::sqrt(draws * p * (1 - p)));
}

TEST_CASE("all matrices of the small family are distinct") {
  const HmmFamily f = make_hmm_family(hmm_sizes("small"), 27);
  std::set<Matrix> a, b;
  for (int64_t i = 0; i < 512; ++i) a.insert(slice(f.transitions, i, 400));
  for (int64_t i = 0; i < 24; ++i) b.insert(slice(f.emissions, i, 1000));
  CHECK(a.size() == 512);
  CHECK(b.size() == 24);
}

TEST_CASE("compat: the last whole cycle of a group survives, split ones come from the last base") {
  const HmmFamily f = make_hmm_family(hmm_sizes("small"), 8, true);
  const HmmFamily sum = make_hmm_family(hmm_sizes("small"), 8);
  const int64_t n = 20;
  int64_t split = 0;
  for (int64_t i = 0; i < 512; ++i) {
    const auto d = hmm_digits(f.sizes, i * 24);
    Matrix m(n * n, 0.0);
    add_successors(f.blocks.base[d[0]], d[1], d[2] + 1, n, &m);
    for (int64_t family = 0; family < 3; ++family) {
      const auto& group = f.blocks.groups[family][d[3 + family]];
      const int64_t speed = d[7] + 1;
      size_t from = 0;  // the last cycle that stays whole, and the split ones after it
      for (size_t k = 0; k < group.size(); ++k) {
        if (std::gcd<int64_t>(speed, group[k].size()) == 1) from = k;
      }
      for (size_t k = from; k < group.size(); ++k) {
        if (std::gcd<int64_t>(speed, group[k].size()) == 1) {
          add_successors(group[k], d[6], speed, n, &m);
        } else {
          ++split;  // both halves of the reversed last base cycle: every state once
          add_successors(f.blocks.base.back(), 1, 2, n, &m);
        }
      }
    }
    REQUIRE(largest_difference(slice(f.transitions, i, 400), normalised(m, n)) < 1e-15);
  }
  CHECK(split > 0);
  CHECK(f.transitions != sum.transitions);
  CHECK(f.emissions == sum.emissions);
}

TEST_CASE("the split covers all latents and is a pure function of the seed") {
  for (const char* name : {"small", "medium"}) {
    const HmmFamily f = make_hmm_family(hmm_sizes(name), 9);
    CHECK(static_cast<int64_t>(f.held_out_latents.size()) == f.sizes.held_out);
    std::vector<int64_t> all = f.train_latents;
    all.insert(all.end(), f.held_out_latents.begin(), f.held_out_latents.end());
    std::sort(all.begin(), all.end());
    REQUIRE(static_cast<int64_t>(all.size()) == f.sizes.latents());
    for (size_t i = 0; i < all.size(); ++i) REQUIRE(all[i] == static_cast<int64_t>(i));
    CHECK(make_hmm_family(hmm_sizes(name), 9).held_out_latents == f.held_out_latents);
    CHECK(make_hmm_family(hmm_sizes(name), 10).held_out_latents != f.held_out_latents);
  }
}

TEST_CASE("a sequence depends on seed, name and number, and a longer one begins with the shorter") {
  const HmmFamily f = make_hmm_family(hmm_sizes("small"), 11);
  const HmmSampler sampler(f);
  const auto draw = [&](uint64_t seed, const char* name, uint64_t number, int64_t length) {
    std::vector<int64_t> x(length + 1);
    x[length] = sampler.draw(f.train_latents, seed, name, number, length, x.data());
    return x;
  };
  const auto x = draw(1, "train", 4, 200);
  CHECK(x == draw(1, "train", 4, 200));
  CHECK(x != draw(2, "train", 4, 200));
  CHECK(x != draw(1, "val", 4, 200));
  CHECK(x != draw(1, "train", 5, 200));
  const auto shorter = draw(1, "train", 4, 30);
  CHECK(std::equal(shorter.begin(), shorter.end() - 1, x.begin()));
  CHECK(shorter.back() == x.back());
  CHECK(std::binary_search(f.train_latents.begin(), f.train_latents.end(), x.back()));
  CHECK_THROWS_AS(sampler.draw({}, 1, "train", 0, 1, nullptr), DataError);
}

TEST_CASE("pairs of observations come with the probability of the matrices") {
  const HmmFamily f = make_hmm_family(hmm_sizes("small"), 12);
  const HmmSampler sampler(f);
  const int64_t latent = f.held_out_latents[17], n = 40000;
  const double* a = f.transition_of(latent);
  const double* b = f.emission_of(latent);
  Matrix p(50 * 50, 0.0), count(50 * 50, 0.0);
  for (int64_t z = 0; z < 20; ++z) {
    for (int64_t y = 0; y < 20; ++y) {
      for (int64_t i = 0; i < 2500; ++i) {
        p[i] += a[z * 20 + y] * b[z * 50 + i / 50] * b[y * 50 + i % 50] / 20;
      }
    }
  }
  for (int64_t i = 0; i < n; ++i) {
    int64_t x[2];
    REQUIRE(sampler.draw({latent}, 3, "pairs", static_cast<uint64_t>(i), 2, x) == latent);
    count[x[0] * 50 + x[1]] += 1;
  }
  // Pearson's statistic over the cells that are expected 5 times or more, the rest as one cell.
  double statistic = 0, cells = 0, rest = 0, rest_count = 0;
  for (int64_t i = 0; i < 2500; ++i) {
    if (n * p[i] < 5) {
      rest += n * p[i];
      rest_count += count[i];
      continue;
    }
    statistic += (count[i] - n * p[i]) * (count[i] - n * p[i]) / (n * p[i]);
    cells += 1;
  }
  CHECK(std::abs(rest_count - rest) < 5 * std::sqrt(rest) + 1);
  CHECK(statistic < cells + 5 * std::sqrt(2 * cells));
  CHECK(cells > 100);
}

TEST_CASE("sizes that no family can have are refused by name") {
  HmmSizes s;
  s.emission_groups = 1;
  s.observations = 19;
  require_usage_error(s, "emission_groups: found a group of 20 states");
  s = HmmSizes();
  s.longest_cycle = 21;
  require_usage_error(s, "longest_cycle: found 21, expected 1 to 20");
  s = HmmSizes();
  s.emission_groups = 21;
  require_usage_error(s, "emission_groups: found 21, expected 1 to 16");
  s = HmmSizes();
  s.held_out = 12288;
  require_usage_error(s, "held_out: found 12288, expected 0 to 12287");
  s = HmmSizes();
  s.emission_noise = 0;
  require_usage_error(s, "emission_noise");
  s = HmmSizes();
  s.groups_per_family = 1000;
  require_usage_error(s, "transition matrices");
}

}  // namespace tenfold::prequential_icl
