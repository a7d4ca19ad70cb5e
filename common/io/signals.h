// What every reader of recordings gives (EDF and BDF, FIF, BrainVision): plain buffers in SI units.
//
// All of them throw MissingInput where a file is not there and DataError, one line that names the
// file, the place, what was found and what was expected, where its contents are wrong. Sizes that a
// file states are checked against its length before memory is taken.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace tenfold::io {

struct SignalEvent {
  double onset_s = 0;  // from the first sample; of an epoch: of its event, since acquisition began
  double duration_s = 0;
  std::string label;
};

struct SignalFact {
  std::string name, value;
};

struct Signals {
  std::string format;              // "EDF", "EDF+", "BDF", "BDF+", "FIF", "BrainVision"
  std::vector<std::string> names;  // of the channels, UTF-8
  std::vector<double> values;      // [channels, samples]; with epochs [epochs, channels, samples]
  int64_t samples = 0;             // of a channel; with epochs: in one epoch
  int64_t epochs = 0;              // 0: one continuous recording
  double rate_hz = 0;
  double start_s = 0;  // of the first sample: since acquisition began; of epochs: since their event
  std::string unit;    // "V", "T", ...; several are joined by ", "; "" where the file names none
  std::vector<SignalEvent> events;  // with epochs one each, in their order
  std::vector<SignalFact> facts;    // what else `info` shows: bad channels, projectors, ...
  std::vector<std::string> notes;   // what a log should say: what was left out, or not applied

  int64_t channels() const { return static_cast<int64_t>(names.size()); }

  // The value of a fact, "" where there is none.
  std::string fact(const std::string& name) const {
    for (const SignalFact& f : facts) {
      if (f.name == name) return f.value;
    }
    return "";
  }
};

}  // namespace tenfold::io
