// `train`: one task, several nowcasters and seeds, one result.

#include <fmt/format.h>

#include <algorithm>
#include <functional>
#include <memory>

#include "common/cli/loop_options.h"
#include "common/core/error.h"
#include "common/core/gemm_backend.h"
#include "common/log/logger.h"
#include "common/train/loop.h"
#include "tools/nino-nowcast/commands.h"
#include "tools/nino-nowcast/ensemble.h"
#include "tools/nino-nowcast/graph.h"
#include "tools/nino-nowcast/meta_model.h"
#include "tools/nino-nowcast/nowcaster.h"
#include "tools/nino-nowcast/report.h"
#include "tools/nino-nowcast/schedule.h"
#include "tools/nino-nowcast/task.h"
#include "tools/nino-nowcast/training.h"

namespace tenfold::nino_nowcast {
namespace {

constexpr int64_t kDefaultHorizon = 40;  // K of methods without a checkpoint

int dry_run(const TrainConfig& config, const Task& task, cli::Run& run) {
  NowcastOptions options;
  options.graph_corrected = config.nowcast.graph_compat == "corrected";
  const NeuralGraph graph =
      build_graph(task.arch, {options.graph_corrected, config.nowcast.graph == "naive"});
  log::Result result;
  result.seeds = run.options().seed;
  result.data = {{"name", task.language ? std::string("none") : task.data},
                 {"origin", std::string(task.language ? "user" : "real")}};
  const int64_t per_epoch =
      (task.training_examples + config.task.batch_size - 1) / config.task.batch_size;
  result.model = {{"task", task.name},
                  {"num_params", task.arch.num_params()},
                  {"nodes", graph.num_nodes},
                  {"edges", graph.num_edges()},
                  {"steps_per_epoch", task.language ? log::Value(nullptr) : log::Value(per_epoch)},
                  {"lr", task.lr},
                  {"target", config.target.value_or(task.target)},
                  {"metric", task.metric}};
  log::Table schedule{{"index", "k"}, {}};
  const auto horizons =
      horizon_schedule(config.task.max_train_steps, config.period, config.k_decay, kDefaultHorizon);
  for (size_t i = 0; i < horizons.size(); ++i) schedule.rows.push_back({int64_t(i), horizons[i]});
  result.tables.emplace_back("k_schedule", schedule);
  run.emit(result, "train/1");
  return 0;
}

// The checkpoint of a nowcaster: the one given for its kind, else our own.
MetaModel choose_meta_model(const std::string& nowcaster, const std::vector<MetaModel>& given) {
  const MetaKind kind = nowcaster == "nino"
                            ? MetaKind::kNino
                            : (nowcaster == "wnn+" ? MetaKind::kWnnPlus : MetaKind::kWnn);
  for (const MetaModel& m : given) {
    if (m.config.kind == kind) return m;
  }
  return embedded_meta_model(kind);
}

struct Methods {
  std::vector<std::unique_ptr<Nowcaster>> owned;
  // [method][seed], as in --nowcaster and --seed; nullptr for "none".
  std::vector<std::vector<const Nowcaster*>> by_name;
  int64_t max_horizon = kDefaultHorizon;
  log::Facts checkpoints;
};

// What makes the nowcaster of a seed: its signs of the LPE and its edge samples are its own, so
// that a run among others is the run alone.
using Maker = std::function<std::unique_ptr<Nowcaster>(uint64_t seed)>;

Maker meta_maker(const TrainConfig& config, const Architecture& arch, const MetaModel& model) {
  if (model.config.ctx != config.ctx) {
    throw Mismatch(fmt::format("--ctx: found {}, but {} looks at {} snapshots", config.ctx,
                               model.source, model.config.ctx));
  }
  return [&config, &arch, model](uint64_t seed) {
    return make_nowcaster(model, arch, nowcast_options(config.nowcast, seed));
  };
}

Methods make_methods(const TrainConfig& config, const Architecture& arch,
                     const std::vector<int64_t>& seeds) {
  std::vector<MetaModel> given;
  for (const std::string& path : config.nowcast.ckpt) given.push_back(load_meta_model(path));
  Methods methods;
  for (const std::string& name : config.nowcaster) {
    Maker make = [](uint64_t) { return std::unique_ptr<Nowcaster>(); };
    if (name == "linefit") make = [](uint64_t) { return make_linefit(kDefaultHorizon); };
    if (name == "lawa") make = [](uint64_t) { return make_lawa(kDefaultHorizon); };
    if (name == "nino" || name == "wnn+" || name == "wnn") {
      const MetaModel model = choose_meta_model(name, given);
      make = meta_maker(config, arch, model);
      methods.checkpoints.emplace_back("ckpt/" + name, model.source);
      methods.checkpoints.emplace_back("ckpt_digest/" + name, model.digest);
      methods.max_horizon = model.config.seq_len;
    }
    std::vector<const Nowcaster*>& of_seeds = methods.by_name.emplace_back();
    for (int64_t seed : seeds) {
      std::unique_ptr<Nowcaster> made = make(uint64_t(seed));
      of_seeds.push_back(made.get());
      if (made) methods.owned.push_back(std::move(made));
    }
  }
  return methods;
}

void check_horizon(const TrainConfig& config, const Methods& methods) {
  for (const auto& method : methods.owned) {
    if (config.k && *config.k > method->max_horizon()) {
      throw UsageError(fmt::format("--k: found {}, expected 1..{} ({})", *config.k,
                                   method->max_horizon(), method->name()));
    }
  }
  if (config.period > config.task.max_train_steps && !methods.owned.empty()) {
    log::warning(fmt::format("--period {} is longer than --max-train-steps {}: no nowcast",
                             config.period, config.task.max_train_steps));
  }
  if (config.period % config.ctx != 0) {
    log::warning(fmt::format(
        "--period {} is no multiple of --ctx {}: a snapshot every {} steps, a nowcast every {}",
        config.period, config.ctx, config.period / config.ctx,
        config.period / config.ctx * config.ctx));
  }
}

// Options that this task leaves unread, so that nobody trusts a run that they did not change.
void warn_of_unused(const TrainConfig& config, const Methods& methods) {
  const TaskConfig defaults;
  const TaskConfig& t = config.task;
  const bool changed = t.hidden != defaults.hidden || t.net != defaults.net ||
                       t.data != defaults.data || t.image_size != defaults.image_size ||
                       t.batch_norm || t.no_bias;
  if (t.task != "custom" && changed) {
    log::warning("--task " + t.task +
                 ": --data, --image-size, --net, --hidden, --batch-norm and --no-bias are read "
                 "with --task custom only");
  }
  if (t.task == "custom" && !config.target) {
    log::warning("--task custom: without --target no steps to a target are measured");
  }
  for (const std::string& path : config.nowcast.ckpt) {
    const bool used =
        std::any_of(methods.checkpoints.begin(), methods.checkpoints.end(),
                    [&](const auto& fact) { return fact.second == log::Value(path); });
    if (!used) log::warning("--ckpt " + path + ": no method of --nowcaster reads it");
  }
}

// One line a method for a person who watches.
void tell(const log::Result& result, const TrainReport& report) {
  const auto metric = [&](const std::string& name) -> const log::Metric* {
    for (const auto& [key, m] : result.metrics) {
      if (key == name) return &m;
    }
    return nullptr;
  };
  for (const std::string& name : report.nowcasters) {
    const log::Metric* steps = metric("steps_to_target/" + name);
    const log::Metric* less = metric("reduction_pct/" + name);
    const std::string fewer = less != nullptr && less->value
                                  ? fmt::format(", {:.0f} % fewer than none", *less->value)
                                  : "";
    log::info(steps->value ? fmt::format("{}: {:.0f} steps to {:g} % (median of {} seeds){}", name,
                                         *steps->value, report.target, report.seeds.size(), fewer)
                           : fmt::format("{}: {:g} % {}", name, report.target, steps->reason));
  }
}

}  // namespace

int train(const TrainConfig& config, cli::Run& run) {
  const Task task = resolve_task(config.task, run.options());
  if (run.options().dry_run) return dry_run(config, task, run);
  require_cpu(run);
  const std::vector<int64_t>& seeds = run.options().seed;
  const Methods methods = make_methods(config, task.arch, seeds);
  check_horizon(config, methods);
  warn_of_unused(config, methods);
  const ImageData data = load_images(task.data, config.task.data_dir, task.net.image_size);
  const TargetNet net(task.net);

  EnsembleOptions ensemble_options;
  ensemble_options.optimizer = optimizer_options(config.task, task);
  ensemble_options.batch_size = config.task.batch_size;
  ensemble_options.target = config.target.value_or(task.target);
  ensemble_options.stop_at_target = config.after_target == "stop";
  ensemble_options.timing = {config.period, config.ctx,
                             horizon_schedule(config.task.max_train_steps, config.period,
                                              config.k_decay, methods.max_horizon),
                             config.k};
  std::vector<Ensemble::Slot> slots;
  for (size_t i = 0; i < config.nowcaster.size(); ++i) {
    for (size_t j = 0; j < seeds.size(); ++j)
      slots.push_back({config.nowcaster[i], seeds[j], methods.by_name[i][j]});
  }
  Ensemble ensemble(net, data, slots, ensemble_options);
  train::LoopOptions loop = cli::loop_options(run, config.task.max_train_steps, "train");
  loop.context.arch_json = architecture_to_json(task.arch);
  loop.keep_checkpoints =
      config.keep_checkpoints == "all" ? 0 : std::stoll(config.keep_checkpoints);

  TrainReport report;
  report.outcome = train::run_loop(ensemble, loop);
  report.task = task;
  report.nowcasters = config.nowcaster;
  report.seeds = seeds;
  report.max_steps = config.task.max_train_steps;
  report.target = ensemble_options.target;
  report.horizons = ensemble_options.timing.horizons;
  report.ensemble = &ensemble;
  report.data = &data;
  report.checkpoints = methods.checkpoints;
  const log::Result result = train_result(report);
  tell(result, report);
  run.emit(result, "train/1");
  if (report.outcome.exit_code != 0) return report.outcome.exit_code;
  const bool missed = std::any_of(ensemble.members().begin(), ensemble.members().end(),
                                  [](const Member& m) { return m.target_step < 0; });
  return static_cast<int>(config.require_target && missed ? ExitCode::kTargetMissed
                                                          : ExitCode::kDone);
}

}  // namespace tenfold::nino_nowcast
