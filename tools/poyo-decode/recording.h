// One session: spikes of sorted units, and a movement to decode (specification, section 2).
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "tools/poyo-decode/dataset_description.h"
#include "tools/poyo-decode/intervals.h"

namespace tenfold::poyo_decode {

// What `trials` lists beside start and end; a column that a file lacks is empty.
struct Trials {
  Intervals intervals;
  std::vector<int64_t> target_id;   // CO: 0..7
  std::vector<double> go_cue_time;  // seconds; NaN where there is none

  int64_t size() const { return static_cast<int64_t>(intervals.size()); }
};

struct Recording {
  std::string session, subject, task;  // task: center_out_reaching, random_target_reaching, or ""
  std::string path;                    // where it was read; "" when generated
  std::string layout;                  // temporaldata, nwb, matlab; "" when generated

  // Spikes, sorted by time; unit is an index into `units`.
  std::vector<double> spike_times;   // [spikes] seconds
  std::vector<int32_t> spike_units;  // [spikes]
  std::vector<std::string> units;    // ids that begin with the session's id and occur once

  // Samples of the movement, sorted by time, without gaps' fillers and NaN.
  std::string readout;               // such as cursor.vel
  std::vector<double> sample_times;  // [samples] seconds
  std::vector<float> target;         // [samples, 2] in the file's unit (cm/s)
  std::vector<float> position;       // [samples, 2], or empty where the file has none
  std::vector<float> acceleration;   // [samples, 2], or empty

  Intervals domain, train_domain, valid_domain, test_domain;
  Trials trials;
  // Groups of movement_phases (hold_period, reach_period, return_period, random_period, invalid)
  // and cursor_outlier_segments, by name; those that a file lacks are absent.
  std::map<std::string, Intervals> phases;

  int64_t samples() const { return static_cast<int64_t>(sample_times.size()); }
  int64_t spikes() const { return static_cast<int64_t>(spike_times.size()); }
};

// Throws DataError naming session and field unless times are finite, sorted and as many as their
// values, unit indices are in range, unit ids occur once, and intervals have an end after their
// start.
void check(const Recording& recording);

struct ReadOptions {
  std::string readout = "cursor.vel";
  bool need_behaviour = true;  // else a file without the readout gives no samples
  DatasetDescription dataset = describe("perich");
};

// Reads a temporaldata HDF5 file in every layout of section 2.2 (a), an NWB file (b), or a
// MATLAB 7.3 file of O'Doherty (Zenodo 583331), which it tells apart by what they hold. Throws
// MissingInput for a path that does not exist and DataError naming file and group for what it
// cannot read.
Recording read_recording(const std::string& path, const ReadOptions& options);

// Writes section 2.2 (a) with every group and attribute that the official reader asks for.
void write_recording(const std::string& path, const Recording& recording);

}  // namespace tenfold::poyo_decode
