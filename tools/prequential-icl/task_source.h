// Where tasks come from: the generator that the options describe, or a file.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "tools/prequential-icl/config.h"
#include "tools/prequential-icl/families.h"
#include "tools/prequential-icl/hmm.h"
#include "tools/prequential-icl/mastermind.h"
#include "tools/prequential-icl/meta_dataset.h"

namespace tenfold::prequential_icl {

MastermindSizes mastermind_sizes(const TaskConfig& config);  // resolved

class TaskSource {
 public:
  // `config` is resolved. What all tasks share (zero rows, base network, HMM blocks) is drawn from
  // `seed`.
  TaskSource(const TaskConfig& config, uint64_t seed);

  const DataShape& shape() const { return shape_; }

  // Tasks from .. from + tasks - 1 of a split; `seed`, the split's name and its number decide a
  // task.
  MetaSplit draw(const std::string& split, uint64_t seed, int64_t tasks, int64_t points,
                 bool with_ood, int64_t from = 0) const;

  // Both splits in the sizes of the options, or the file that --data names.
  MetaDataset dataset(bool ood_of_training) const;

  const std::shared_ptr<const HmmFamily>& hmm() const { return hmm_; }

  // The family of regression tasks of a split.
  std::unique_ptr<Family> family(const std::string& split) const;

 private:
  MetaSplit draw_regression(const std::string& split, uint64_t seed, int64_t from, int64_t tasks,
                            int64_t points, bool with_ood) const;
  MetaSplit draw_mastermind_split(const std::string& split, uint64_t seed, int64_t from,
                                  int64_t tasks, int64_t points) const;
  MetaSplit draw_hmm(const std::string& split, uint64_t seed, int64_t from, int64_t tasks,
                     int64_t points) const;

  TaskConfig config_;
  uint64_t seed_;
  DataShape shape_;
  std::shared_ptr<const HmmFamily> hmm_;
};

// What a run trains and evaluates on, with what is known of where it came from.
struct RunData {
  MetaDataset data;
  std::shared_ptr<const HmmFamily> hmm;  // where the task is an HMM of our own
  std::string digest;                    // of the file; "" where it was drawn
};
RunData load_run_data(const TaskConfig& config, uint64_t seed);

}  // namespace tenfold::prequential_icl
