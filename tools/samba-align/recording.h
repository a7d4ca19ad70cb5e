// One subject's electrophysiology and fMRI as the tool reads them: a folder with a sub-folder a
// subject, as `simulate` (specification, section 2.4.9) or `prepare` writes it.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tenfold::samba_align {

struct Recording {
  std::string subject;
  int64_t parcels = 0, samples = 0;  // of the electrophysiology
  int64_t targets = 0, frames = 0;   // of the fMRI
  std::vector<float> ele;            // [parcels, samples]
  std::vector<float> hemo;           // [targets, frames]
  std::vector<int32_t> labels;       // [frames]: category at a frame's end, -1: none; may be empty
  std::vector<double> true_peaks;    // [parcels] s: of simulated responses; may be empty
};

struct RecordingSet {
  std::string path;
  double rate = 0, tr = 0;  // samples a second, seconds a frame
  int64_t block = 0;        // samples a frame
  std::vector<Recording> subjects;
};

// Throws MissingInput for a folder without truth.json or manifest.json, or a subject's file,
// DataError where shapes, durations, rate times TR or values do not fit.
RecordingSet read_recordings(const std::string& folder, const std::vector<std::string>& subjects);

}  // namespace tenfold::samba_align
