// Simulated subjects: stimulus, neural activity, sensors, haemodynamics and fMRI, with everything
// that is true about them (specification, section 2.4).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/samba-align/balloon_model.h"
#include "tools/samba-align/geometry.h"
#include "tools/samba-align/haemodynamic_response.h"
#include "tools/samba-align/matrix.h"
#include "tools/samba-align/sensors.h"
#include "tools/samba-align/simulation_options.h"

namespace tenfold::samba_align {

// P sources, Q targets, T samples at fs, M sensors, K categories.
struct SimulatedSubject {
  std::string name;             // "sub-01"
  FloatMatrix ele;              // [P, T] nAm with sensors, else mV (jansen-rit) or none (envelope)
  FloatMatrix hemo;             // [Q, frames] none
  std::vector<int32_t> labels;  // [frames] category at the frame's end

  FloatMatrix sensors;        // [M, T] T or V; empty without sensors
  Matrix leadfield, inverse;  // [M, P] per Am, [P, M]; empty without sensors

  Matrix drive;                        // [P, T] z before the haemodynamic response
  std::vector<DoubleGamma> responses;  // [P] or none
  std::vector<Balloon> balloons;       // [P] or none
  Matrix kernels;                      // [P, 30 fs], empty for balloons
  Matrix bold_clean;                   // [P, T]
  Matrix bold_clean_frames;            // [Q, frames] standardised per source, mixed, no noise
  Matrix connectome, delays, mixing;   // [P, P], [P, P] in ms, [Q, P]
  Matrix stim_pattern;                 // [P, K]
  Matrix crosstalk;                    // [Q, Q], empty without crosstalk
};

class Simulation {
 public:
  // Draws what all subjects share. Throws as check_simulation.
  Simulation(SimulationOptions options, SimulationInputs inputs);

  const SimulationOptions& options() const { return options_; }
  const std::vector<StimulusSegment>& stimulus() const { return stimulus_; }

  // Subject 0, 1, ...: a pure function of options, inputs and number. Throws NumericError where a
  // signal does not vary.
  SimulatedSubject subject(int64_t number) const;

 private:
  // How the envelope model couples, by what the user brought or by positions.
  Matrix coupling_of(const Matrix& connections) const;
  void add_activity(SimulatedSubject& subject) const;
  void add_sensors(SimulatedSubject& subject) const;
  void add_haemodynamics(SimulatedSubject& subject) const;
  void add_frames(SimulatedSubject& subject) const;

  SimulationOptions options_;
  SimulationInputs inputs_;
  std::vector<StimulusSegment> stimulus_;
  Points sources_;      // mm
  Matrix pattern_;      // [P, K]
  Matrix connections_;  // [P, P] before a subject's own strengths and the rows' sums
  Matrix lengths_;      // [P, P] mm
  Matrix mixing_;       // [Q, P]
};

}  // namespace tenfold::samba_align
