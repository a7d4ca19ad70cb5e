#include "tools/samba-align/simulation.h"

#include <fmt/format.h>

#include <cmath>
#include <utility>

#include "tools/samba-align/fmri_noise.h"
#include "tools/samba-align/haemodynamics.h"
#include "tools/samba-align/neural_envelope.h"
#include "tools/samba-align/neural_mass.h"

namespace tenfold::samba_align {
namespace {

double deviation(const Eigen::RowVectorXd& row) {
  return std::sqrt((row.array() - row.mean()).square().sum() / static_cast<double>(row.size() - 1));
}

}  // namespace

Simulation::Simulation(SimulationOptions options, SimulationInputs inputs)
    : options_(std::move(options)), inputs_(std::move(inputs)) {
  check_simulation(options_, inputs_);
  const int64_t p = options_.ele_parcels, q = options_.hemo_parcels;
  stimulus_ = draw_stimulus(
      options_.stimulus, static_cast<double>(sample_count(options_)) / options_.fs, options_.seed);
  pattern_ = draw_pattern(options_.stimulus, p, options_.seed);
  sources_ = parcel_positions(p);
  const Matrix between = distances(sources_, sources_);
  lengths_ = inputs_.lengths ? *inputs_.lengths : between;
  connections_ = inputs_.connectome ? connections_of_counts(*inputs_.connectome, p)
                                    : draw_connections(between, options_.seed);
  mixing_ = options_.target_map == "child"
                ? child_mixing(q, p)
                : spatial_mixing(distances(parcel_positions(q), sources_));
}

SimulatedSubject Simulation::subject(int64_t number) const {
  SimulatedSubject s;
  s.name = fmt::format("sub-{:02}", number + 1);
  s.mixing = mixing_;
  s.stim_pattern = with_individual_pattern(pattern_, options_.seed, s.name + "/pattern");
  add_activity(s);
  if (options_.sensors != "none") add_sensors(s);
  add_haemodynamics(s);
  add_frames(s);
  return s;
}

Matrix Simulation::coupling_of(const Matrix& connections) const {
  if (inputs_.connectome) return envelope_coupling_of(connections);
  if (options_.positions == "sphere") {
    return envelope_coupling(distances(sources_, sources_) / kParcelRadius);
  }
  const Points points = normal_positions(options_.ele_parcels, options_.seed);
  return envelope_coupling(distances(points, points));
}

void Simulation::add_activity(SimulatedSubject& s) const {
  const Matrix own = rows_summing_to_one(
      with_individual_strengths(connections_, options_.seed, s.name + "/connectome"));
  const int64_t samples = sample_count(options_);
  NeuralActivity activity;
  if (options_.neural == "envelope") {
    s.connectome = coupling_of(own);
    s.delays = Matrix::Zero(own.rows(), own.cols());
    activity = simulate_envelope({s.stim_pattern, s.connectome, options_.fs, options_.slow_gain},
                                 categories_at(stimulus_, options_.fs, samples), options_.seed,
                                 s.name + "/envelope");
  } else {
    s.connectome = own;
    s.delays = delays_ms(lengths_);
    activity = simulate_neural_mass({s.stim_pattern, s.connectome, s.delays, options_.fs},
                                    stimulus_, samples, options_.seed, s.name + "/mass");
    standardise_rows(activity.drive, s.name + ": rate of the sources");
  }
  s.ele = std::move(activity.moment);
  s.drive = std::move(activity.drive);
}

void Simulation::add_sensors(SimulatedSubject& s) const {
  if (inputs_.leadfield) {
    s.leadfield = *inputs_.leadfield;
  } else {
    const Dipoles dipoles = draw_dipoles(sources_, options_.seed);
    const bool meg = options_.sensors == "meg";
    const Points places =
        turned(meg ? meg_sensors() : eeg_electrodes(), options_.seed, s.name + "/turn");
    s.leadfield = meg ? meg_leadfield(dipoles, places) : eeg_leadfield(dipoles, places);
  }
  s.inverse = minimum_norm_inverse(s.leadfield);
  const double made_at = options_.neural == "jansen-rit" ? 1 / kMassStep : options_.fs;
  SensorRecording recorded = record(std::move(s.ele), s.leadfield, s.inverse, options_.snr, made_at,
                                    options_.fs, options_.seed, s.name + "/sensors");
  s.sensors = std::move(recorded.sensors);
  s.ele = std::move(recorded.sources);
}

void Simulation::add_haemodynamics(SimulatedSubject& s) const {
  const std::string stream = s.name + "/hrf";
  if (options_.hrf == "balloon") {
    s.balloons = draw_balloons(options_.ele_parcels, options_.seed, stream);
    s.bold_clean = balloon_responses(s.drive, s.balloons, options_.fs);
    return;
  }
  s.responses = draw_responses(options_.hrf_box, options_.ele_parcels, options_.seed, stream);
  s.kernels = response_kernels(s.responses, options_.fs);
  s.bold_clean = convolved(s.drive, s.kernels, options_.fs);
}

void Simulation::add_frames(SimulatedSubject& s) const {
  const int64_t block = block_samples(options_), frames = frame_count(options_);
  const int64_t targets = options_.hemo_parcels;
  const uint64_t seed = options_.seed;
  s.bold_clean_frames = mixing_ * standardised_frames(s.bold_clean, block, s.name + ": BOLD");
  const Matrix noise =
      inputs_.fmri_noise_series
          ? surrogate_noise(*inputs_.fmri_noise_series, frames, seed, s.name + "/surrogate")
          : autoregressive_noise(targets, frames, options_.fmri_noise_ar, seed,
                                 s.name + "/fmri-noise");
  const Matrix drift = linear_drift(targets, frames, options_.drift, seed, s.name + "/drift");
  Matrix hemo = s.bold_clean_frames;
  if (options_.crosstalk > 0) {
    s.crosstalk = crosstalk_mixing(targets, seed, s.name + "/crosstalk");
    hemo += options_.crosstalk * s.crosstalk * s.bold_clean_frames;
  }
  for (int64_t q = 0; q < targets; ++q) {
    const double signal = deviation(s.bold_clean_frames.row(q));
    hemo.row(q) += signal * (options_.fmri_noise * noise.row(q) + drift.row(q));
  }
  s.hemo = hemo.cast<float>();
  const std::vector<int32_t> categories =
      categories_at(stimulus_, options_.fs, sample_count(options_));
  for (int64_t j = 0; j < frames; ++j) s.labels.push_back(categories[(j + 1) * block - 1]);
}

}  // namespace tenfold::samba_align
