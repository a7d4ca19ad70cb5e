#include "tools/rich-lazy/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <set>

#include "common/cli/values.h"
#include "common/core/error.h"

namespace tenfold::rich_lazy {
namespace {

const std::vector<std::string> kRecipes = {"gauss", "celegans", "dale",
                                           "motif", "block",    "aligned"};

bool is_recipe(const std::string& init) {
  return std::find(kRecipes.begin(), kRecipes.end(), init) != kRecipes.end();
}

bool is_matrix_file(const std::string& init) {
  for (const std::string end : {".csv", ".graphml"}) {
    if (init.size() > end.size() && init.compare(init.size() - end.size(), end.size(), end) == 0)
      return true;
  }
  return false;
}

void refuse_if(bool wrong, const std::string& message) {
  if (wrong) throw UsageError(message);
}

}  // namespace

ConnectomeOptions EdgeConfig::options(const std::string& matrix) const {
  return {matrix, nodes, edges, signs};
}

bool TrainConfig::of_connectome() const { return init == "celegans" || !is_recipe(init); }

std::vector<double> TrainConfig::rates() const {
  std::vector<double> out;
  for (const std::string& text : lr)
    out.push_back(cli::parse_number<double>(text, "--lr", {0.0, 1e6}, ""));
  return out;
}

void TrainConfig::apply_preset(const std::string& name, cli::CommonOptions& common) {
  common.seed = {0, 1, 2};
  if (name == "small") {
    task = {"2AF", "DMS", "CXT"};
    hidden = 100;
    ranks = {"1", "10", "100"};
    iters = 3000;
    ntk_trials = 16;
  } else if (name == "celegans") {
    init = "celegans";
    iters = 3000;
    ntk_trials = 16;
    common.seed = {0, 1};
  } else {
    task = {"2AF", "DMS", "CXT"};
    lr = {"0.001", "0.003", "0.01"};
    common.seed = {0, 1, 2, 3, 4};
  }
}

void TrainConfig::validate(const cli::CommonOptions& common) {
  for (std::string& t : task) t = task_name(task_of(t));
  refuse_if(std::set<std::string>(task.begin(), task.end()).size() != task.size(),
            "--task: found a task twice, expected each once");
  refuse_if(!is_recipe(init) && !is_matrix_file(init),
            fmt::format("--init: found '{}', expected one of gauss, celegans, dale, motif, block, "
                        "aligned, or a file that ends with .csv or .graphml",
                        init));
  refuse_if((init == "block") != (!block_types.empty() && !block_pairs.empty()),
            "--init block: goes with both --block-types and --block-pairs, and they with it");
  const bool images = std::find(task.begin(), task.end(), "sMNIST") != task.end();
  refuse_if(images && data_dir.empty(),
            "--task sMNIST: found no --data-dir, expected the folder of MNIST's IDX files");
  const SoftSpectrum soft = parse_spectrum(spectrum);
  for (const std::string& r : ranks) {
    if (r != "full") cli::parse_number<int64_t>(r, "--ranks", {1, 20000}, "");
    refuse_if(soft.kind != SoftSpectrum::kOwn && r != "full",
              fmt::format("--spectrum {}: found --ranks {}, expected full", spectrum, r));
  }
  const std::vector<double> all = rates();
  refuse_if(std::set<double>(all.begin(), all.end()).size() != all.size(),
            "--lr: found a rate twice, expected each once");
  refuse_if(measure_every > 0 && common.eval_every > 0 && measure_every % common.eval_every != 0,
            fmt::format("--measure-every: found {}, expected a multiple of --eval-every {}",
                        measure_every, common.eval_every));
}

void EvalConfig::validate(const cli::CommonOptions&) {
  refuse_if(dump_trials.empty() != task.empty(), "--dump-trials: goes with --task, and it with it");
  refuse_if(task.empty() && run.empty(), "--run: missing, the folder of a training");
  if (task.empty()) return;
  task = task_name(task_of(task));
  refuse_if(task == "sMNIST", "--task sMNIST: found images, expected a task that is generated");
}

void TheoryConfig::validate(const cli::CommonOptions& common) {
  refuse_if(common.seed.size() > 1, "--seed: found several, expected one");
  refuse_if(
      options.hidden < options.inputs,
      fmt::format("--hidden: found {}, expected --d {} or more", options.hidden, options.inputs));
  options.init_scale = init_scale.value_or(options.kappa > 1 ? 0.003 : 0.01);
  if (options.start == "full") rank = {options.inputs};
  if (options.start != "full" && options.start != "random") rank = {1};
  for (const int64_t r : rank) {
    refuse_if(r > options.inputs, fmt::format("--rank: rank {} > {} inputs", r, options.inputs));
  }
}

}  // namespace tenfold::rich_lazy
