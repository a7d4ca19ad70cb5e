// `step`: one nowcast from files.

#include <ATen/TensorOperators.h>
#include <fmt/format.h>

#include "common/core/clock.h"
#include "common/core/error.h"
#include "common/data/tensor_io.h"
#include "common/io/file.h"
#include "common/io/hash.h"
#include "tools/nino-nowcast/commands.h"
#include "tools/nino-nowcast/graph.h"
#include "tools/nino-nowcast/schedule.h"
#include "tools/nino-nowcast/states.h"
#include "tools/nino-nowcast/training.h"

namespace tenfold::nino_nowcast {
namespace {

int64_t choose_horizon(const StepConfig& config, int64_t max_horizon) {
  if (config.k) {
    if (*config.k > max_horizon) {
      throw UsageError(fmt::format("--k: found {}, expected 1..{} (the checkpoint's horizons)",
                                   *config.k, max_horizon));
    }
    return *config.k;
  }
  const auto schedule =
      horizon_schedule(config.max_train_steps, config.period, config.k_decay, max_horizon);
  const int64_t last = config.step.value_or(config.last.value_or(0));
  return schedule[size_t(schedule_index(last - 1, config.period, int64_t(schedule.size())))];
}

io::SafeTensors output(const at::Tensor& prediction, const Architecture& arch,
                       const Snapshots* from) {
  io::SafeTensors out;
  if (from == nullptr) {
    out.tensors["prediction"] = data::from_torch(prediction);
    return out;
  }
  out.tensors = from->last.tensors;
  int64_t offset = 0;
  for (const ParamSpec& p : arch.params) {
    out.tensors[p.name] = data::from_torch(prediction.narrow(0, offset, p.numel()).view(p.shape));
    offset += p.numel();
  }
  return out;
}

}  // namespace

int step(const StepConfig& config, cli::Run& run) {
  require_cpu(run);
  if (!run.options().dry_run) io::require_creatable(config.save_path);
  const MetaModel model = config.nowcast.ckpt.empty() ? embedded_meta_model(MetaKind::kNino)
                                                      : load_meta_model(config.nowcast.ckpt[0]);
  const bool generic = config.nowcast.graph == "generic";
  NowcastOptions options = nowcast_options(config.nowcast, uint64_t(run.options().seed.at(0)));
  options.subgraph = config.subgraph;
  io::SafeTensors file;
  Snapshots snapshots;
  if (config.states.empty()) {
    snapshots = read_snapshots(config.ckpt_dir, config.arch, config.member, *config.last,
                               config.period / model.config.ctx, model.config.ctx, generic);
  } else {
    snapshots.arch = read_architecture(config.arch, generic);
    file = io::read_safetensors(config.states);
    snapshots.states = read_states(file, config.states, snapshots.arch, model.config.ctx);
  }
  if (model.config.kind == MetaKind::kNino) {
    options.pos = read_pos(config.pos, file, config.states, config.subgraph);
  }
  require_finite_states(snapshots.states, snapshots.arch,
                        config.states.empty() ? config.ckpt_dir : config.states);
  const auto nowcaster = make_nowcaster(model, snapshots.arch, options);
  const int64_t k = choose_horizon(config, nowcaster->max_horizon());

  const double start = monotonic_seconds();
  const at::Tensor prediction = nowcaster->predict(snapshots.states, k);
  const double seconds = monotonic_seconds() - start;
  require_finite(prediction, snapshots.arch, "prediction");
  const at::Tensor change =
      (prediction - snapshots.states.select(1, model.config.ctx - 1)).abs().mean();

  log::Result result;
  result.seeds = run.options().seed;
  result.data = {{"name", config.states.empty() ? config.ckpt_dir : config.states},
                 {"origin", std::string("user")}};
  if (!config.states.empty())
    result.data.push_back({"digest", "xxh3:" + io::xxh3_file(config.states)});
  result.model = {{"kind", std::string(kind_name(model.config.kind))},
                  {"source", model.source},
                  {"digest", model.digest},
                  {"family", std::string(family_name(snapshots.arch.family))},
                  {"num_params", snapshots.arch.num_params()}};
  result.metrics.emplace_back("k", log::Metric{double(k)});
  log::Metric time{seconds};
  time.unit = "s";
  result.metrics.emplace_back("nowcast_seconds", time);
  result.metrics.emplace_back("mean_abs_change", log::Metric{change.item<double>()});
  if (!run.options().dry_run) {
    io::SafeTensors out =
        output(prediction, snapshots.arch, config.states.empty() ? &snapshots : nullptr);
    out.metadata = {
        {"k", std::to_string(k)}, {"checkpoint", model.source}, {"checkpoint_xxh3", model.digest}};
    io::write_safetensors(config.save_path, out);
  }
  run.emit(result, "step/1");
  return 0;
}

}  // namespace tenfold::nino_nowcast
