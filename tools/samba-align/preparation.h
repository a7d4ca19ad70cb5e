// Users' recordings made into what `train` reads: parcels averaged, runs cut to one duration and
// joined, labels from events (specification, sections 2.1, 2.2 and 7).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/samba-align/matrix.h"
#include "tools/samba-align/parcellation.h"
#include "tools/samba-align/recording_file.h"

namespace tenfold::samba_align {

struct PrepareOptions {
  std::vector<std::string> ele, hemo, events;  // files, subject after subject, run after run
  std::vector<std::string> subjects;           // names; none: as the files' "sub-XX"
  std::vector<std::string> ele_parcels, hemo_parcels;  // atlases
  FileOptions ele_file, hemo_file;
  std::vector<int64_t> trim;         // samples off each end of each run's electrophysiology
  std::string durations = "refuse";  // or cut: to the shorter modality
};

struct PreparedSubject {
  std::string name;
  std::vector<std::string> ele_sources, hemo_sources, event_sources;
  FloatMatrix ele, hemo;                // [P, samples], [Q, frames]; empty where there is none
  std::vector<io::SignalEvent> events;  // from the first frame of the first run
  std::vector<int32_t> labels;          // [frames]; empty without events
};

struct Preparation {
  double fs = 0, tr = 0;  // 0 without that modality
  int64_t block = 0;      // samples a frame; 0 without one of them
  std::string ele_unit;
  std::vector<ParcelName> ele_parcels, hemo_parcels;
  std::vector<std::string> label_names;
  std::vector<PreparedSubject> subjects;
  std::vector<std::string> done;  // in words, what was done to the files
};

// Throws MissingInput, DataError, UsageError as the readers; DataError where rates times TR is no
// whole number of samples, durations differ by more than a frame, runs or subjects differ in
// parcels or rates, files of two subjects meet, or events lie outside of their run.
Preparation prepare_recordings(const PrepareOptions& options);

}  // namespace tenfold::samba_align
