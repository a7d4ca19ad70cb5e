// The fast model of neural activity: a slow drive carries a 10 Hz rhythm's amplitude
// (specification, section 2.4.4, "envelope").
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/samba-align/neural_activity.h"

namespace tenfold::samba_align {

constexpr double kCarrierHz = 10;

// exp(-d / 0.7) of distances without a unit, every row divided by its Euclidean norm.
Matrix envelope_coupling(const Matrix& distances);

// For given connections: identity plus them, every row divided by its Euclidean norm.
Matrix envelope_coupling_of(const Matrix& connections);

struct EnvelopeModel {
  Matrix pattern;   // [parcels, categories]
  Matrix coupling;  // [parcels, parcels]
  double rate;      // Hz
  double slow_gain = 0.6;
};

// drive u = 0.7 * pattern of the category + coupling * Ornstein-Uhlenbeck noise (unit variance,
// 1 s); moment = slow_gain * u + exp(0.3 u) * a 10 Hz rhythm with drifting phase + 0.28 * AR(1)
// noise. `categories` [samples]; streams begin with `name`.
NeuralActivity simulate_envelope(const EnvelopeModel& model, const std::vector<int32_t>& categories,
                                 uint64_t seed, const std::string& name);

}  // namespace tenfold::samba_align
