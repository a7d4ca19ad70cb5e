#include "tools/nino-nowcast/training.h"

#include <fmt/format.h>

#include "common/core/error.h"

namespace tenfold::nino_nowcast {

train::OptimizerOptions optimizer_options(const TaskConfig& config, const Task& task) {
  train::OptimizerOptions options;
  options.rule = config.optimizer == "adamw"
                     ? train::Rule::kAdamW
                     : (config.optimizer == "nadam" ? train::Rule::kNAdam : train::Rule::kNesterov);
  options.lr = task.lr;
  options.weight_decay = task.wd;
  return options;
}

NowcastOptions nowcast_options(const NowcastConfig& config, uint64_t seed) {
  NowcastOptions options;
  options.graph_corrected = config.graph_compat == "corrected";
  options.graph = config.graph;
  options.chunk_size = config.chunk_size;
  options.edge_sample_ratio = config.edge_sample_ratio;
  options.upd_scale = config.upd_scale;
  if (config.scale_method != "checkpoint") options.scale_method = config.scale_method;
  options.seed = seed;
  return options;
}

void require_cpu(const cli::Run& run) {
  if (!run.device().cuda) return;
  throw Unavailable(fmt::format("--device {}: this command runs on the CPU in this version",
                                run.device().name()));
}

}  // namespace tenfold::nino_nowcast
