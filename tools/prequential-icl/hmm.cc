#include "tools/prequential-icl/hmm.h"

#include <algorithm>
#include <cmath>
#include <numeric>

#include "common/core/error.h"
#include "common/core/philox.h"

namespace tenfold::prequential_icl {
namespace {

using Cycle = HmmBlocks::Cycle;
using Edge = HmmBlocks::Edge;

// Beyond it the tables do not fit into memory and the product of the counts may overflow.
constexpr int64_t kMostMatrices = int64_t{1} << 16;

void check(const char* name, int64_t found, int64_t low, int64_t high) {
  if (found >= low && found <= high) return;
  throw UsageError("--hmm-size: " + std::string(name) + ": found " + std::to_string(found) +
                   ", expected " + std::to_string(low) + " to " + std::to_string(high));
}

void check_count(const char* name, const std::vector<int64_t>& radices, size_t first, size_t end) {
  int64_t count = 1;
  for (size_t i = first; i < end && count <= kMostMatrices; ++i) count *= radices[i];
  check(name, count, 1, kMostMatrices);
}

void check(const HmmSizes& s) {
  constexpr int64_t kMost = 1024;
  check("states", s.states, 1, kMost);
  check("observations", s.observations, 2, kMost);
  check("base_cycles", s.base_cycles, 1, kMost);
  check("base_speeds", s.base_speeds, 1, kMost);
  check("cycle_families", s.cycle_families, 0, 16);
  check("groups_per_family", s.groups_per_family, 1, kMost);
  check("family_speeds", s.family_speeds, 1, kMost);
  check("emission_groups", s.emission_groups, 1, std::min<int64_t>(s.states, 16));
  check("emissions_per_group", s.emissions_per_group, 1, kMost);
  check("emission_shifts", s.emission_shifts, 1, kMost);
  check("directions", s.directions, 1, 2);
  check("cycles_per_group", s.cycles_per_group, 0, kMost);
  check("longest_cycle", s.longest_cycle, 1, s.states);
  check("shortest_cycle", s.shortest_cycle, 1, s.longest_cycle);
  check("edges_per_node", s.edges_per_node, 0, 64);
  const int64_t group = (s.states + s.emission_groups - 1) / s.emission_groups;
  if (group > s.observations) {
    throw UsageError("--hmm-size: emission_groups: found a group of " + std::to_string(group) +
                     " states (" + std::to_string(s.states) + " states in " +
                     std::to_string(s.emission_groups) + " groups), expected at most " +
                     std::to_string(s.observations) + ", one observation a state");
  }
  if (!(s.emission_noise > 0 && s.emission_noise <= 1)) {
    throw UsageError("--hmm-size: emission_noise: found " + std::to_string(s.emission_noise) +
                     ", expected a number above 0 and at most 1");
  }
  const std::vector<int64_t> radices = hmm_radices(s);
  const size_t split = static_cast<size_t>(s.cycle_families) + 5;
  check_count("transition matrices", radices, 0, split);
  check_count("emission matrices", radices, split, radices.size());
  check("held_out", s.held_out, 0, s.latents() - 1);
}

// An observation with probability softmax(degree).
int64_t pick_by_degree(const std::vector<int64_t>& degree, double uniform) {
  const int64_t most = *std::max_element(degree.begin(), degree.end());
  std::vector<double> sums;
  for (const int64_t d : degree) {
    sums.push_back((sums.empty() ? 0.0 : sums.back()) + std::exp(static_cast<double>(d - most)));
  }
  const auto at = std::upper_bound(sums.begin(), sums.end() - 1, uniform * sums.back());
  return at - sums.begin();
}

HmmBlocks make_blocks(const HmmSizes& s, uint64_t seed) {
  HmmBlocks b;
  for (int64_t i = 0; i < s.base_cycles; ++i) {
    b.base.push_back(Stream(seed, "hmm.base", static_cast<uint64_t>(i)).permutation(s.states));
  }
  const Stream lengths(seed, "hmm.length");
  uint64_t number = 0;
  b.groups.resize(s.cycle_families);
  for (auto& family : b.groups) {
    family.resize(s.groups_per_family);
    for (auto& group : family) {
      for (int64_t k = 0; k < s.cycles_per_group; ++k, ++number) {
        const uint64_t choices = static_cast<uint64_t>(s.longest_cycle - s.shortest_cycle + 1);
        const int64_t length =
            s.shortest_cycle + static_cast<int64_t>(lengths.below(number, choices));
        Cycle cycle = Stream(seed, "hmm.cycle", number).permutation(s.states);
        cycle.resize(length);
        group.push_back(std::move(cycle));
      }
    }
  }
  number = 0;
  for (const auto& [first, size] : hmm_state_groups(s)) {
    b.edges.emplace_back();
    for (int64_t v = 0; v < s.emissions_per_group; ++v, ++number) {
      std::vector<Edge> edges;
      std::vector<int64_t> degree(s.observations, 0);
      const auto distinct = Stream(seed, "hmm.observation", number).permutation(s.observations);
      for (int64_t i = 0; i < size; ++i) {
        edges.push_back({i, distinct[i]});
        degree[distinct[i]] = 1;
      }
      const Stream extra(seed, "hmm.edge", number);
      for (int64_t e = 0; e < s.edges_per_node * size; ++e) {
        const uint64_t at = 2 * static_cast<uint64_t>(e);
        const int64_t place = static_cast<int64_t>(extra.below(at, static_cast<uint64_t>(size)));
        const int64_t x = pick_by_degree(degree, extra.uniform(at + 1));
        edges.push_back({place, x});
        ++degree[x];
      }
      b.edges.back().push_back(std::move(edges));
    }
  }
  return b;
}

Cycle directed(const Cycle& cycle, int64_t direction) {
  return direction == 0 ? cycle : Cycle(cycle.rbegin(), cycle.rend());
}

// Adds the edges of the cycle that visits c[(speed m + offset) mod |c|], m = 0..length-1.
void add_visit(const Cycle& c, int64_t speed, int64_t offset, int64_t length, int64_t states,
               double* matrix) {
  const int64_t n = static_cast<int64_t>(c.size());
  for (int64_t m = 0; m < length; ++m) {
    const int64_t from = c[(speed * m + offset) % n];
    const int64_t to = c[(speed * ((m + 1) % length) + offset) % n];
    matrix[from * states + to] += 1;
  }
}

// A cycle at a speed that shares a factor with its length falls into several cycles.
void add_cycle(const Cycle& c, int64_t speed, int64_t states, double* matrix) {
  const int64_t n = static_cast<int64_t>(c.size()), parts = std::gcd(speed, n);
  for (int64_t o = 0; o < parts; ++o) add_visit(c, speed, o, n / parts, states, matrix);
}

// The group as the follow-up's code builds it, with its overwriting and its stale variable.
void add_group_compat(const std::vector<Cycle>& group, int64_t direction, int64_t speed,
                      const Cycle& last_base, int64_t states, double* matrix) {
  std::vector<double> sum(states * states, 0.0);
  const Cycle stale = directed(last_base, 1);
  for (const Cycle& cycle : group) {
    const int64_t parts = std::gcd(speed, static_cast<int64_t>(cycle.size()));
    if (parts == 1) {
      std::fill(sum.begin(), sum.end(), 0.0);
      add_cycle(directed(cycle, direction), speed, states, sum.data());
    } else {
      for (int64_t o = 0; o < parts; ++o) {
        add_visit(stale, speed, o, states / speed, states, sum.data());
      }
    }
  }
  for (int64_t i = 0; i < states * states; ++i) matrix[i] += sum[i];
}

void normalise_rows(double* matrix, int64_t rows, int64_t columns) {
  for (int64_t r = 0; r < rows; ++r) {
    double* row = matrix + r * columns;
    const double total = std::accumulate(row, row + columns, 0.0);
    for (int64_t c = 0; c < columns; ++c) row[c] /= total;
  }
}

// `d` are the digits of tau that come before the emission's.
void make_transition(const HmmSizes& s, const HmmBlocks& b, const int64_t* d, bool compat,
                     double* matrix) {
  const int64_t n = s.states;
  add_cycle(directed(b.base[d[0]], d[1]), d[2] + 1, n, matrix);
  const int64_t direction = d[3 + s.cycle_families], speed = d[4 + s.cycle_families] + 1;
  for (int64_t family = 0; family < s.cycle_families; ++family) {
    const std::vector<Cycle>& group = b.groups[family][d[3 + family]];
    if (compat) {
      add_group_compat(group, direction, speed, b.base.back(), n, matrix);
    } else {
      for (const Cycle& c : group) add_cycle(directed(c, direction), speed, n, matrix);
    }
  }
  normalise_rows(matrix, n, n);
}

// `d` are the emission's digits: one variant a group, then the shift.
void make_emission(const HmmSizes& s, const HmmBlocks& b, const int64_t* d, double* matrix) {
  const int64_t shift = d[s.emission_groups];
  int64_t g = 0;
  for (const auto& [first, size] : hmm_state_groups(s)) {
    for (const Edge& e : b.edges[g][d[g]]) {
      const int64_t state = first + (e.place + shift) % size;
      matrix[state * s.observations + e.observation] = 1;
    }
    ++g;
  }
  for (int64_t i = 0; i < s.states * s.observations; ++i) matrix[i] += s.emission_noise;
  normalise_rows(matrix, s.states, s.observations);
}

// Running sums of rows, the last of a row raised beyond every number of [0, 1).
std::vector<double> running_sums(const std::vector<double>& rows, int64_t columns) {
  std::vector<double> sums(rows.size());
  for (size_t first = 0; first < rows.size(); first += columns) {
    std::partial_sum(rows.begin() + first, rows.begin() + first + columns, sums.begin() + first);
    // Rounding must not make a state reachable that has no edge.
    for (size_t i = first + columns; i-- > first;) {
      sums[i] = 1;
      if (rows[i] > 0) break;
    }
  }
  return sums;
}

int64_t pick(const double* sums, int64_t columns, double uniform) {
  return std::upper_bound(sums, sums + columns, uniform) - sums;
}

}  // namespace

int64_t HmmSizes::transitions() const {
  int64_t count = base_cycles * directions * base_speeds * directions * family_speeds;
  for (int64_t i = 0; i < cycle_families; ++i) count *= groups_per_family;
  return count;
}

int64_t HmmSizes::emissions() const {
  int64_t count = emission_shifts;
  for (int64_t i = 0; i < emission_groups; ++i) count *= emissions_per_group;
  return count;
}

HmmSizes hmm_sizes(const std::string& name) {
  HmmSizes s;
  if (name == "small") return s;
  if (name != "medium") {
    throw UsageError("--hmm-size: found '" + name + "', expected small or medium");
  }
  s.base_speeds = 3;
  s.cycle_families = 4;
  s.emission_groups = 4;
  s.held_out = 13728;
  return s;
}

const double* HmmFamily::transition_of(int64_t latent) const {
  return &transitions[latent / sizes.emissions() * sizes.states * sizes.states];
}

const double* HmmFamily::emission_of(int64_t latent) const {
  return &emissions[latent % sizes.emissions() * sizes.states * sizes.observations];
}

std::vector<int64_t> hmm_radices(const HmmSizes& s) {
  std::vector<int64_t> radices = {s.base_cycles, s.directions, s.base_speeds};
  radices.insert(radices.end(), s.cycle_families, s.groups_per_family);
  radices.push_back(s.directions);
  radices.push_back(s.family_speeds);
  radices.insert(radices.end(), s.emission_groups, s.emissions_per_group);
  radices.push_back(s.emission_shifts);
  return radices;
}

std::vector<int64_t> hmm_digits(const HmmSizes& sizes, int64_t latent) {
  if (latent < 0 || latent >= sizes.latents()) {
    throw DataError("latent: found " + std::to_string(latent) + ", expected 0 to " +
                    std::to_string(sizes.latents() - 1));
  }
  const std::vector<int64_t> radices = hmm_radices(sizes);
  std::vector<int64_t> digits(radices.size());
  for (size_t i = radices.size(); i-- > 0; latent /= radices[i]) digits[i] = latent % radices[i];
  return digits;
}

int64_t hmm_latent(const HmmSizes& sizes, const std::vector<int64_t>& digits) {
  const std::vector<int64_t> radices = hmm_radices(sizes);
  if (digits.size() != radices.size()) {
    throw DataError("latent: found " + std::to_string(digits.size()) + " digits, expected " +
                    std::to_string(radices.size()));
  }
  int64_t latent = 0;
  for (size_t i = 0; i < radices.size(); ++i) {
    if (digits[i] < 0 || digits[i] >= radices[i]) {
      throw DataError("latent: found digit " + std::to_string(digits[i]) + " at place " +
                      std::to_string(i) + ", expected 0 to " + std::to_string(radices[i] - 1));
    }
    latent = latent * radices[i] + digits[i];
  }
  return latent;
}

std::vector<std::pair<int64_t, int64_t>> hmm_state_groups(const HmmSizes& s) {
  std::vector<std::pair<int64_t, int64_t>> groups;
  int64_t first = 0;
  for (int64_t g = 0; g < s.emission_groups; ++g) {
    const int64_t size = s.states / s.emission_groups + (g < s.states % s.emission_groups ? 1 : 0);
    groups.emplace_back(first, size);
    first += size;
  }
  return groups;
}

HmmFamily make_hmm_family(const HmmSizes& sizes, uint64_t seed, bool compat) {
  check(sizes);
  HmmFamily f;
  f.sizes = sizes;
  f.blocks = make_blocks(sizes, seed);
  const int64_t transitions = sizes.transitions(), emissions = sizes.emissions();
  const int64_t square = sizes.states * sizes.states, table = sizes.states * sizes.observations;
  f.transitions.assign(transitions * square, 0.0);
  for (int64_t i = 0; i < transitions; ++i) {
    const auto digits = hmm_digits(sizes, i * emissions);
    make_transition(sizes, f.blocks, digits.data(), compat, &f.transitions[i * square]);
  }
  f.emissions.assign(emissions * table, 0.0);
  for (int64_t i = 0; i < emissions; ++i) {
    const auto digits = hmm_digits(sizes, i);
    make_emission(sizes, f.blocks, digits.data() + sizes.cycle_families + 5,
                  &f.emissions[i * table]);
  }
  f.held_out_latents = Stream(seed, "hmm.split").sample_sorted(sizes.latents(), sizes.held_out);
  auto held = f.held_out_latents.begin();
  for (int64_t i = 0; i < sizes.latents(); ++i) {
    if (held != f.held_out_latents.end() && *held == i) {
      ++held;
    } else {
      f.train_latents.push_back(i);
    }
  }
  return f;
}

HmmSampler::HmmSampler(const HmmFamily& family)
    : states_(family.sizes.states),
      observations_(family.sizes.observations),
      n_emissions_(family.sizes.emissions()),
      transitions_(running_sums(family.transitions, states_)),
      emissions_(running_sums(family.emissions, observations_)) {}

int64_t HmmSampler::draw(const std::vector<int64_t>& latents, uint64_t seed, std::string_view name,
                         uint64_t number, int64_t length, int64_t* tokens) const {
  if (latents.empty()) throw DataError("latents: found none, expected at least 1");
  const Stream stream(seed, name, number);
  const int64_t latent = latents[stream.below(0, latents.size())];
  const double* a = &transitions_[latent / n_emissions_ * states_ * states_];
  const double* b = &emissions_[latent % n_emissions_ * states_ * observations_];
  int64_t state = static_cast<int64_t>(stream.below(1, static_cast<uint64_t>(states_)));
  for (int64_t t = 0; t < length; ++t) {
    const uint64_t at = 2 * static_cast<uint64_t>(t) + 2;
    tokens[t] = pick(b + state * observations_, observations_, stream.uniform(at));
    state = pick(a + state * states_, states_, stream.uniform(at + 1));
  }
  return latent;
}

}  // namespace tenfold::prequential_icl
