// What BIDS keeps beside a recording: events (*_events.tsv) and the repetition time (*_bold.json)
// (specification of samba-align, section 2.2).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "common/io/file.h"
#include "common/io/signals.h"

namespace tenfold::io {

// Columns onset, duration (s) and trial_type, separated by tabs; rows whose onset or trial_type is
// "n/a" are left out, a duration of "n/a" is 0, and without trial_type the label is "event". Sorted
// by onset. Throws DataError with the line.
std::vector<SignalEvent> parse_events_tsv(const Bytes& file, const std::string& name);
std::vector<SignalEvent> read_events_tsv(const std::string& path);

// RepetitionTime (s) of a sidecar. Throws DataError where it is not there, or is not above 0 and at
// most 30 (it may be in ms).
double parse_repetition_time(const std::string& json, const std::string& name);

// What holds for "..._bold.nii.gz" by BIDS' inheritance, nearest first: "..._bold.json" and
// "..._events.tsv" beside it, and in a data set (with dataset_description.json) those further up
// whose names ask for nothing else, such as task-rest_bold.json. Of one folder the longest name.
std::vector<std::string> sidecars_of(const std::string& path);
std::vector<std::string> events_files_of(const std::string& path);
// RepetitionTime of the nearest sidecar that has one, and which it is; nothing where there are no
// sidecars. Throws DataError where none of them has it.
struct SidecarTime {
  double tr;  // s
  std::string path;
};
std::optional<SidecarTime> repetition_time_of(const std::string& path);

// Throws DataError, naming `where`, for an event that does not begin within 0 to `seconds`.
void require_events_inside(const std::vector<SignalEvent>& events, double seconds,
                           const std::string& where);

// The different labels: by their numbers where all are whole numbers, else by the alphabet.
std::vector<std::string> label_names(const std::vector<SignalEvent>& events);

// At each time (s, ascending): the label of the last event with onset <= t < onset + duration, as
// an index into `names`, which holds all; -1 where there is none. `events` are sorted by onset.
std::vector<int32_t> labels_at(const std::vector<double>& times,
                               const std::vector<SignalEvent>& events,
                               const std::vector<std::string>& names);

}  // namespace tenfold::io
