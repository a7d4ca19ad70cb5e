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

bool ends_in(const std::string& text, const std::string& end) {
  return text.size() > end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

bool is_matrix_file(const std::string& init) {
  return ends_in(init, ".csv") || ends_in(init, ".graphml");
}

void refuse_if(bool wrong, const std::string& message) {
  if (wrong) throw UsageError(message);
}

}  // namespace

void EdgeConfig::validate(const std::string& matrix) const {
  const bool worm = matrix == "celegans", file = !matrix.empty() && !worm;
  refuse_if(!nodes.empty() && !file, "--nodes: goes with the file of a matrix or list");
  refuse_if(edges != kChemical && (matrix.empty() || ends_in(matrix, ".graphml")),
            "--edges: goes with celegans, or a list of edges with a column kind");
  refuse_if(!signs && !worm && nodes.empty(), "--no-signs: goes with celegans, or --nodes");
}

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

void TrainConfig::validate_init() const {
  connectome.validate(of_connectome() ? init : "");
  const auto goes_with = [&](const std::string& option, bool given, const std::string& with) {
    refuse_if(given && init != with,
              fmt::format("{}: goes with --init {}, found --init {}", option, with, init));
  };
  goes_with("--no-dale-balance", !dale_balance, "dale");
  goes_with("--motif-reciprocal", motif_reciprocal != 0, "motif");
  goes_with("--motif-chain", motif_chain != 0, "motif");
  goes_with("--block-types", !block_types.empty(), "block");
  goes_with("--block-pairs", !block_pairs.empty(), "block");
  refuse_if(init == "block" && block_types.empty(), "--init block: found no --block-types");
  refuse_if(init == "block" && block_pairs.empty(), "--init block: found no --block-pairs");
  refuse_if(init == "gauss" && shuffle == "degree",
            "--shuffle degree: found --init gauss, which has no shuffled control");
}

void TrainConfig::validate(const cli::CommonOptions& common) {
  for (std::string& t : task) t = task_name(task_of(t));
  refuse_if(std::set<std::string>(task.begin(), task.end()).size() != task.size(),
            "--task: found a task twice, expected each once");
  refuse_if(!is_recipe(init) && !is_matrix_file(init),
            fmt::format("--init: found '{}', expected one of gauss, celegans, dale, motif, block, "
                        "aligned, or a file that ends with .csv or .graphml",
                        init));
  validate_init();
  refuse_if(!data_dir.empty() && std::find(task.begin(), task.end(), "sMNIST") == task.end(),
            "--data-dir: goes with --task sMNIST");
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
  refuse_if(dump_trials.empty() && !task.empty(), "--task: found no --dump-trials, its file");
  refuse_if(task.empty() && !dump_trials.empty(), "--dump-trials: found no --task, whose trials");
  if (task.empty()) {
    refuse_if(trials.has_value(), "--trials: goes with --dump-trials");
    refuse_if(run.empty(), "--run: missing, the folder of a training");
    return;
  }
  const std::string network = ": needs a network, --dump-trials has none";
  refuse_if(!run.empty(), "--run" + network);
  refuse_if(ntk_trials.has_value(), "--ntk-trials" + network);
  refuse_if(accuracy_trials > 0, "--accuracy-trials" + network);
  refuse_if(!data_dir.empty(), "--data-dir" + network);
  trials = trials.value_or(320);
  task = task_name(task_of(task));
  refuse_if(task == "sMNIST", "--task sMNIST: found images, expected a task that is generated");
}

void TheoryConfig::validate(const cli::CommonOptions& common) {
  refuse_if(common.seed.size() > 1, "--seed: found several, expected one");
  refuse_if(
      options.hidden < options.inputs,
      fmt::format("--hidden: found {}, expected --d {} or more", options.hidden, options.inputs));
  options.init_scale = init_scale.value_or(options.kappa > 1 ? 0.003 : 0.01);
  const auto of_start = [&](int64_t only) {
    for (const int64_t r : rank) {
      refuse_if(r != only, fmt::format("--rank: found {}, but --start {} has rank {}", r,
                                       options.start, only));
    }
    rank = {only};
  };
  if (options.start == "full") return of_start(options.inputs);
  if (options.start != "random") return of_start(1);
  for (const int64_t r : rank) {
    refuse_if(r > options.inputs, fmt::format("--rank: rank {} > {} inputs", r, options.inputs));
  }
  if (!rank.empty()) return;
  for (const int64_t r : {1, 2, 5, 10, 20})
    if (r <= options.inputs) rank.push_back(r);
}

}  // namespace tenfold::rich_lazy
