// The full model of neural activity: coupled Jansen-Rit columns (specification, section 2.4.4).
#pragma once

#include <Eigen/Core>
#include <cstdint>
#include <string>
#include <vector>

#include "tools/samba-align/neural_activity.h"
#include "tools/samba-align/stimulus.h"

namespace tenfold::samba_align {

constexpr double kMassStep = 0.001;  // seconds

// Columns side by side, integrated by Heun's method from y = 0.
class NeuralMass {
 public:
  explicit NeuralMass(int64_t columns);

  // One step of 1 ms under the input p [columns] in 1/s, held over it.
  void step(const Eigen::ArrayXd& input);

  Eigen::ArrayXd potential() const { return y_.col(1) - y_.col(2); }  // y1 - y2, mV
  Eigen::ArrayXd rate() const;                                        // S(y1 - y2), 1/s

 private:
  using State = Eigen::Array<double, Eigen::Dynamic, 6>;
  State slope(const State& y, const Eigen::ArrayXd& input) const;

  State y_;  // [columns, 6]
};

struct MassModel {
  Matrix pattern;      // [parcels, categories]
  Matrix connections;  // [parcels, parcels] row: receiver; rows sum to 1 or 0
  Matrix delays;       // [parcels, parcels] whole steps
  double rate;         // Hz of the result
};

// Input 180 + 30 * pattern of the category + 10 * delayed rates of the others + noise; 10 s of
// burn-in, then `samples` samples at the model's rate, resampled from 1 ms: moment = potential in
// mV, drive = rate in 1/s. Streams begin with `name`.
NeuralActivity simulate_neural_mass(const MassModel& model,
                                    const std::vector<StimulusSegment>& stimulus, int64_t samples,
                                    uint64_t seed, const std::string& name);

}  // namespace tenfold::samba_align
