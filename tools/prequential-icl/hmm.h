// The family of hidden Markov models of the next-token task (arXiv 2410.14086, section 3.3, App.
// C.5; generator of the authors' follow-up repository latent_control): a latent tau picks one of
// few transition matrices and one of few emission matrices, all made of shared building blocks.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace tenfold::prequential_icl {

// Table C.1 of the paper; what it does not print is the follow-up's.
struct HmmSizes {
  int64_t states = 20, observations = 50;
  int64_t base_cycles = 4, base_speeds = 2;
  int64_t cycle_families = 3, groups_per_family = 2, family_speeds = 2;
  int64_t emission_groups = 3, emissions_per_group = 2, emission_shifts = 3;
  int64_t directions = 2;                         // forwards and reversed
  int64_t cycles_per_group = 3;                   // cycles that a group adds together
  int64_t shortest_cycle = 3, longest_cycle = 8;  // states of a cycle of a group
  int64_t edges_per_node = 3;                     // emission edges of a state beyond its first
  double emission_noise = 1e-5;                   // on every entry of B before normalisation
  int64_t held_out = 1000;                        // latents that training never sees

  int64_t transitions() const;  // how many transition matrices
  int64_t emissions() const;    // how many emission matrices
  int64_t latents() const { return transitions() * emissions(); }
};

// "small" (512 x 24 latents) or "medium" (1536 x 48). Throws UsageError for another name.
HmmSizes hmm_sizes(const std::string& name);

// What the matrices are made of.
struct HmmBlocks {
  using Cycle = std::vector<int64_t>;  // states in the order of the visit
  struct Edge {
    int64_t place;  // of the state inside its group
    int64_t observation;
  };
  std::vector<Cycle> base;                              // [base_cycles][states]
  std::vector<std::vector<std::vector<Cycle>>> groups;  // [family][group][cycle]
  std::vector<std::vector<std::vector<Edge>>> edges;    // [emission group][variant][edge]
};

struct HmmFamily {
  HmmSizes sizes;
  HmmBlocks blocks;
  std::vector<double> transitions;  // [T, states, states], p(next state | state), rows sum to 1
  std::vector<double> emissions;    // [E, states, observations], p(observation | state)
  std::vector<int64_t> train_latents, held_out_latents;  // sorted; together all latents

  const double* transition_of(int64_t latent) const;
  const double* emission_of(int64_t latent) const;
};

// Building blocks, matrices and split are pure functions of (sizes, seed). `compat` follows the
// follow-up's code, in which a cycle of a group replaces the ones before it, instead of the paper's
// sum. Throws UsageError for sizes that no family can have.
HmmFamily make_hmm_family(const HmmSizes& sizes, uint64_t seed, bool compat = false);

// Number of choices of every digit of tau: base id, base direction, base speed, one group a family,
// family direction, family speed | one variant an emission group, emission shift. The digits before
// the bar give the transition matrix, the others the emission matrix.
std::vector<int64_t> hmm_radices(const HmmSizes& sizes);

// A latent's digits, row-major: the base id is the slowest, the emission shift the fastest.
std::vector<int64_t> hmm_digits(const HmmSizes& sizes, int64_t latent);
int64_t hmm_latent(const HmmSizes& sizes, const std::vector<int64_t>& digits);

// The place of every state: contiguous groups as even as possible, larger ones first.
// Returns [emission_groups] of (first state, number of states).
std::vector<std::pair<int64_t, int64_t>> hmm_state_groups(const HmmSizes& sizes);

// Draws sequences; a sequence is a pure function of (seed, name, number), and a longer one begins
// with the shorter.
class HmmSampler {
 public:
  explicit HmmSampler(const HmmFamily& family);

  // Sequence `number` of the stream: its latent, uniform over `latents`, is returned and `length`
  // observations are written to `tokens`.
  int64_t draw(const std::vector<int64_t>& latents, uint64_t seed, std::string_view name,
               uint64_t number, int64_t length, int64_t* tokens) const;

 private:
  int64_t states_, observations_, n_emissions_;
  std::vector<double> transitions_, emissions_;  // running sums of the rows
};

}  // namespace tenfold::prequential_icl
