// Sessions of a subject that reaches, and of neurons that are tuned to the movement, drawn from a
// seed (specification, section 2.3).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tools/poyo-decode/recording.h"

namespace tenfold::poyo_decode {

enum class ReachTask { kCentreOut, kRandomTarget };

struct GeneratorOptions {
  ReachTask task = ReachTask::kCentreOut;
  int64_t units = 24;      // of a session; ignored with a pool
  double duration = 200;   // seconds
  double gain = 1.2;       // how strongly units follow the direction: 2.0 easy, 0.8 hard
  double untuned = 0;      // fraction of the units that follow nothing
  double multi_units = 0;  // fraction of the units that are sums of 2 to 4 neurons
  int64_t pool = 0;        // neurons of the subject; a session sees 60 to 80 % of them
  std::string subject = "g";
  double dilation = 1;  // seconds around valid and test trials that are not trained on
};

// The session "`session`_s`seed`", a pure function of (options, seed, session); with a pool,
// neurons are functions of (seed, subject) and a session turns their preferred directions by N(0,
// 0.2) rad. Readout cursor.vel in cm/s with its noise. Throws UsageError for options that no
// session can have.
Recording generate(const GeneratorOptions& options, uint64_t seed, const std::string& session);

// One neuron's law of firing.
struct Neuron {
  double base;                // Hz
  double depth, direction;    // tuning to the direction of the velocity; rad
  double speed_weight;        // per 20 cm/s
  double weight_x, weight_y;  // per 8 cm of position
  double lag;                 // seconds by which spikes lead the movement
  double refractory;          // seconds
};

// The movement without noise, on a grid of 10 ms.
struct Movement {
  std::vector<double> x, y;    // [samples] cm
  std::vector<double> vx, vy;  // [samples] cm/s
  Trials trials;
  std::map<std::string, Intervals> phases;
};

constexpr double kSampleStep = 0.01;  // seconds

Movement generate_movement(ReachTask task, double duration, uint64_t seed,
                           const std::string& session);

// Spike times of one neuron, sorted, at least its refractory period apart. `drift` [>= duration/10
// + 2] is the session's slow change of all rates, every 10 s.
std::vector<double> generate_spikes(const Neuron& neuron, const Movement& movement, double gain,
                                    const std::vector<double>& drift, uint64_t seed,
                                    const std::string& stream);

// Test, valid and train domain by trials: of a random permutation the first floor(0.2 n) are for
// tests and the next floor(0.1 n) for validation; trained on is all of the domain but these,
// dilated.
void split_by_trials(Recording& recording, const std::vector<int64_t>& permutation,
                     double dilation);

}  // namespace tenfold::poyo_decode
