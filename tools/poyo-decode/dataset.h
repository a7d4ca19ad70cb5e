// Recordings made ready for the model: rows of the tables, normalised targets, weights and scored
// samples (specification, sections 2.1 and 3.1).
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <vector>

#include "tools/poyo-decode/dataset_description.h"
#include "tools/poyo-decode/recording.h"

namespace tenfold::poyo_decode {

// Ordered ids; id number k has row k + 1 of its table, row 0 is padding.
class Vocabulary {
 public:
  Vocabulary() = default;
  explicit Vocabulary(
      std::vector<std::string> ids);  // throws DataError for an id that stands twice

  const std::vector<std::string>& ids() const { return ids_; }
  int64_t size() const { return static_cast<int64_t>(ids_.size()); }
  int64_t row(const std::string& id) const;  // throws Mismatch naming the id that is not there
  bool has(const std::string& id) const { return rows_.count(id) > 0; }

 private:
  std::vector<std::string> ids_;
  std::map<std::string, int64_t> rows_;
};

struct Session {
  Recording recording;
  int64_t row = 0;                 // of the session table
  std::vector<int64_t> unit_rows;  // [units] of the unit table
  std::vector<float> target;       // [samples, 2] (velocity - 0) / std
  std::vector<float> weight;       // [samples] in the loss
  std::vector<bool> scored;        // [samples] in R2
};

struct DatasetOptions {
  double normalize_std = 20;           // the file's unit of velocity
  std::string loss_weights = "paper";  // or uniform, or a file of weights
  DatasetDescription description = describe("perich");
};

struct Dataset {
  Vocabulary units, sessions;
  std::vector<Session> parts;  // [sessions]

  // Warns where the normalised target's standard deviation is outside [0.05, 20]: other units.
  Dataset(std::vector<Recording> recordings, const DatasetOptions& options);
  // Rows of given vocabularies (a trained model's); throws Mismatch for an unknown unit or session.
  Dataset(std::vector<Recording> recordings, const DatasetOptions& options, Vocabulary units,
          Vocabulary sessions);
};

// Training trials: those that touch neither the valid nor the test domain, in the order of time.
Intervals training_trials(const Recording& recording);

// Few-shot learning: of those, `count` (kAllTrials, or more than there are: all) in the order of
// time, the first or a random choice of `seed`.
constexpr int64_t kAllTrials = 0;
enum class TrialOrder { kTime, kRandom };
Intervals labelled_trials(const Recording& recording, int64_t count, TrialOrder order,
                          uint64_t seed);

// Tells where a session has fewer training trials than one of `asked`.
void warn_of_missing_trials(const Dataset& dataset, const std::vector<int64_t>& asked);

}  // namespace tenfold::poyo_decode
