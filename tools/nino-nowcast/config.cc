#include "tools/nino-nowcast/config.h"

#include <fmt/format.h>

#include "common/core/error.h"

namespace tenfold::nino_nowcast {

const std::vector<std::string> kTaskNames = {
    "FM-16",      "FM-32",      "C10-16",     "C10-32",           "C100-32",
    "FM14-MLP32", "FM14-16",    "LM1B-3-24",  "LM1B-2-32",        "LM1B-3-64",
    "Wiki-3-64",  "Wiki-4-128", "Wiki-6-384", "Wiki-6-384-llama", "custom"};
const std::vector<std::string> kNowcasterNames = {"none", "nino", "wnn+", "wnn", "linefit", "lawa"};
const std::vector<std::string> kOptimizerNames = {"adamw", "nadam", "nesterov"};
const std::vector<std::string> kDataNames = {"fashion-mnist", "cifar10", "cifar100"};

namespace {

void require_text(const std::string& option, const std::string& value) {
  if (value.empty()) throw UsageError(fmt::format("--{}: missing; expected a file", option));
}

}  // namespace

// The paper evaluates after every step (--eval-every 1), which takes far longer than the training.
void TrainConfig::set_defaults(cli::CommonOptions& common) {
  common.seed = {1000};
  common.eval_every = 50;
}

// `small` is section 8(a); `paper` is the paper's protocol on FM-16.
void TrainConfig::apply_preset(const std::string& name, cli::CommonOptions& common) {
  if (name == "small") {
    task.task = "FM14-MLP32";
    common.eval_every = 50;
    common.seed = {1000, 2000, 3000};
    after_target = "continue";
  } else {
    task.task = "FM-16";
    common.eval_every = 1;
    common.seed.clear();
    for (int64_t i = 1; i <= 10; ++i) common.seed.push_back(1000 * i);
  }
  common.checkpoint_every = 1000;
}

void TrainConfig::validate(const cli::CommonOptions&) const {
  if (period < ctx) {
    throw UsageError(fmt::format("--period: found {}, expected at least --ctx {}", period, ctx));
  }
  if (nowcaster.empty()) throw UsageError("--nowcaster: expected at least one name");
  if (keep_checkpoints != "all" &&
      keep_checkpoints.find_first_not_of("0123456789") != std::string::npos) {
    throw UsageError(
        fmt::format("--keep-checkpoints: found '{}', expected a number or all", keep_checkpoints));
  }
}

void CollectConfig::apply_preset(const std::string& name, cli::CommonOptions& common) {
  if (name == "small") {
    task.task = "custom";
    task.image_size = 14;
    task.hidden = {16};
    every = 200;
    runs = 16;
    common.seed = {20000};
  } else {
    task.task = "FM-16";
    every = 4;
    runs = 300;
    task.max_train_steps = 25 * 430;
    common.seed = {20000};
  }
  common.checkpoint_every = 1000;
}

void CollectConfig::validate(const cli::CommonOptions& common) const {
  if (common.seed.size() != 1)
    throw UsageError("--seed: expected one number, the seed of the first run");
  if (name.find('/') != std::string::npos) {
    throw UsageError(fmt::format("--name: found {}, expected no folder; that is --data-out", name));
  }
  if (task.max_train_steps % every != 0) {
    throw UsageError(fmt::format("--every: found {}, expected a divisor of --max-train-steps {}",
                                 every, task.max_train_steps));
  }
}

// `small` is the recipe of the embedded checkpoint (section 8(d)).
void TrainNinoConfig::apply_preset(const std::string& name, cli::CommonOptions& common) {
  common.seed = {1};
  common.checkpoint_every = 200;
  common.eval_every = 50;
  if (name == "small") {
    hid = 32;
    samples_per_traj = 2;
    max_train_steps = 2000;
  }
}

void TrainNinoConfig::validate(const cli::CommonOptions& common) const {
  if (tasks.empty())
    throw UsageError("--tasks: missing; expected names of trajectories in --data-dir");
  if (common.seed.size() != 1) throw UsageError("--seed: expected one number");
  require_text("save-path", save_path);
  if (amp && model == "wnn") throw UsageError("--amp: not with --model wnn");
  if (wnn_horizon > seq_len) {
    throw UsageError(fmt::format("--wnn-horizon: found {}, expected at most --seq-len {}",
                                 wnn_horizon, seq_len));
  }
}

void StepConfig::validate(const cli::CommonOptions& common) const {
  if (states.empty() == ckpt_dir.empty())
    throw UsageError("expected either --states or --ckpt-dir");
  if (!states.empty()) require_text("arch", arch);
  if (!ckpt_dir.empty() && !last)
    throw UsageError("--last: missing; --ckpt-dir needs the last step");
  if (!k && !step && !last) throw UsageError("--k: missing; give --k, or --step for the schedule");
  if (nowcast.ckpt.size() > 1) throw UsageError("--ckpt: expected one checkpoint");
  if (!common.dry_run) require_text("save-path", save_path);
}

void GraphConfig::validate(const cli::CommonOptions& common) const {
  require_text("arch", arch);
  if (!common.dry_run) require_text("out", out);
}

void EvalConfig::validate(const cli::CommonOptions&) const {
  const int given = !states.empty() + !trajectories.empty() + !results.empty();
  if (given != 1) throw UsageError("expected one of --states, --trajectories and --results");
  if (!states.empty()) require_text("arch", arch);
  if (embeddings && trajectories.empty()) throw UsageError("--embeddings: needs --trajectories");
  if (!trajectories.empty() && tasks_name.empty())
    throw UsageError("--name: missing; expected a trajectory's name");
}

}  // namespace tenfold::nino_nowcast
