// What a POYO model is made of, as numbers (arXiv 2310.16046, section 2; specification, section 3).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tenfold::poyo_decode {

struct ModelSpec {
  int64_t dim = 64, depth = 6, dim_head = 64, cross_heads = 2, self_heads = 8;
  int64_t latents_per_step = 16;
  double window = 1.0, latent_step = 0.125;                // seconds
  double shortest_period = 1e-4, longest_period = 2.0627;  // of the rotations, seconds
  double ffn_dropout = 0.2, lin_dropout = 0.4, atn_dropout = 0.2;
  // Ablations (specification, section 6): tokens START and END of every unit; values turned like
  // keys; any rotation at all; and how much of a head the rotated pairs fill.
  bool delimiters = true, value_rotation = true, time_embedding = true;
  std::string rotate = "half-head";  // or full-head

  // Pairs of a head that have a frequency.
  int64_t rotated_pairs() const {
    return !time_embedding ? 0 : (rotate == "full-head" ? dim_head / 2 : dim_head / 4);
  }

  // Times of the latents from the window's start: step / 2, step / 2 + step, ... one a step.
  std::vector<double> latent_times() const;
  int64_t latents() const { return latents_per_step * static_cast<int64_t>(latent_times().size()); }
};

// Throws UsageError naming the option that does not fit.
void check(const ModelSpec& spec);

}  // namespace tenfold::poyo_decode
