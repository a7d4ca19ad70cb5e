// What `simulate` can be asked for. Names are the command line's, defaults the specification's
// (sections 2.4 and 7).
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "tools/samba-align/matrix.h"
#include "tools/samba-align/stimulus.h"

namespace tenfold::samba_align {

struct SimulationOptions {
  std::string neural = "jansen-rit";  // or "envelope"
  std::string hrf = "double-gamma";   // or "balloon"
  std::string sensors = "none";       // or "meg", "eeg"
  int64_t subjects = 1;
  double minutes = 60;
  double fs = 200;             // Hz, whole
  double tr = 2;               // s; fs * tr is a whole number of samples
  int64_t ele_parcels = 200;   // P
  int64_t hemo_parcels = 500;  // Q
  StimulusOptions stimulus;
  std::string positions = "sphere";   // or "normal": what the envelope model couples by
  double slow_gain = 0.6;             // envelope model: weight of the slow drive in the signal
  double snr = 3;                     // of the sensors, rms over rms
  std::string hrf_box = "model";      // or "small": where double-gamma parameters are drawn
  std::string target_map = "sphere";  // or "child"
  double crosstalk = 0;
  double fmri_noise = 0.4;     // standard deviations of the signal
  double fmri_noise_ar = 0.5;  // AR(1) coefficient
  double drift = 0.5;          // largest total drift, standard deviations of the signal
  uint64_t seed = 0;
};

// Exactly the settings of section 8.
SimulationOptions small_preset();

// Matrices that the user brings instead of drawn ones.
struct SimulationInputs {
  std::optional<Matrix> connectome;         // [P, P] streamline counts
  std::optional<Matrix> lengths;            // [P, P] mm; only with a connectome
  std::optional<Matrix> leadfield;          // [M, P] per Am, for the sensors
  std::optional<Matrix> fmri_noise_series;  // [Q, at least as many frames] real fMRI
};

// Throws UsageError naming the option, DataError for a matrix that does not fit.
void check_simulation(const SimulationOptions& options, const SimulationInputs& inputs);

// Samples in a frame, fs * tr; frames that are complete; samples in all of them.
int64_t block_samples(const SimulationOptions& options);
int64_t frame_count(const SimulationOptions& options);
int64_t sample_count(const SimulationOptions& options);

}  // namespace tenfold::samba_align
