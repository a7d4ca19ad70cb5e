// The networks of one call: task x seed x initial matrix x rank x learning rate (specification,
// section 9).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/rich-lazy/config.h"
#include "tools/rich-lazy/connectome.h"
#include "tools/rich-lazy/images.h"
#include "tools/rich-lazy/network.h"
#include "tools/rich-lazy/trial_source.h"

namespace tenfold::rich_lazy {

struct ModelKey {
  Task task = Task::kTwoAlternatives;
  int64_t seed = 0;
  std::string init;      // "gauss", "celegans", "shuffled", ...
  bool control = false;  // shuffled or Gaussian, beside another matrix
  int64_t rank = 0;      // as asked for; the number of units for `full`
  double lr = 0;

  // All but the rate: those that compete for the smallest loss.
  bool competes_with(const ModelKey& other) const;
  std::string group() const;  // "2AF/rank-1", of a control "2AF/shuffled/rank-297"
  std::string name() const;   // "2AF/gauss/rank-1/seed-0/lr-0.003"
};

// What the options name, read once.
struct Setting {
  TrainConfig config;
  std::vector<int64_t> seeds;
  int64_t hidden = 0;
  std::optional<Connectome> connectome;
  std::optional<BlockTypes> block;
  std::optional<Images> images;

  NetworkShape shape(Task task) const;
  int64_t batch(Task task) const;
  int64_t evaluation_trials(Task task) const;
  int64_t ntk_trials(Task task) const;  // all of them for images
  TrialSource source(Task task, int64_t seed) const;
  std::vector<std::string> files() const;  // that were read
};

// Reads the files. Throws UsageError for a --hidden that is not the connectome's, more kernel
// trials than evaluation trials, a kernel larger than the machine's memory, ranks above the units.
Setting read_setting(const TrainConfig& config, const std::vector<int64_t>& seeds);
// The same without initial matrices, which a stored run holds.
Setting stored_setting(const TrainConfig& config, const std::vector<int64_t>& seeds,
                       int64_t hidden);
// UsageError, with the size, where the kernel of `trials` does not fit the machine's memory.
void require_kernel_fits(const NetworkShape& shape, int64_t trials);

std::vector<ModelKey> model_keys(const Setting& setting);
// Initial weights, one a key.
std::vector<Weights> initial_weights(const Setting& setting, const std::vector<ModelKey>& keys);

}  // namespace tenfold::rich_lazy
