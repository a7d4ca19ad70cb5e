#include "tools/prequential-icl/model_options.h"

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstdlib>
#include <limits>
#include <nlohmann/json.hpp>

#include "common/cli/snapshot.h"
#include "common/core/error.h"
#include "common/data/tensor_io.h"
#include "common/io/file.h"
#include "common/io/safetensors.h"
#include "common/train/checkpoint.h"

namespace tenfold::prequential_icl {
namespace {

// "LO:HI" of --context-length.
std::pair<int64_t, int64_t> parse_lengths(const std::string& text, int64_t most) {
  const size_t colon = text.find(':');
  const bool digits = text.find_first_not_of("0123456789:") == std::string::npos;
  if (colon != std::string::npos && digits && colon > 0 && colon + 1 < text.size() &&
      text.size() < 20) {
    const int64_t low = std::atoll(text.c_str()), high = std::atoll(text.c_str() + colon + 1);
    if (low >= 2 && low <= high && high <= most) return {low, high};
  }
  throw UsageError(fmt::format(
      "--context-length: found '{}', expected LO:HI with 2 <= LO <= HI <= {}", text, most));
}

}  // namespace

LearnerOptions learner_options(const TrainConfig& c) {
  LearnerOptions o;
  o.model.arch = c.model.arch;
  o.model.predictor = c.model.predictor;
  o.model.positions = c.model.positions;
  o.model.h_dim = *c.model.h_dim;
  o.model.n_layers = *c.model.n_layers;
  o.model.n_heads = c.model.n_heads;
  o.model.z_dim = c.model.z_dim.value_or(0);
  o.model.pred_h_dim = *c.model.pred_h_dim;
  o.model.pred_layers = *c.model.pred_layers;
  o.model.tie_hidden = c.model.tie_hidden;
  o.model.mamba_head_dim = c.model.mamba_head_dim;
  o.model.final_residual = c.model.final_residual;
  o.train_risk = c.objective == "train";
  o.min_train_samples = c.min_train_samples;
  o.loss_from = c.loss_from.value_or(0);
  o.batch_size = c.batch_size;
  o.lr = c.lr;
  o.degree = c.task.task == "chebyshev" ? c.task.degree : -1;
  o.oracle_sequences = c.oracle_sequences;
  if (!c.context_length.empty())
    std::tie(o.shortest, o.longest) = parse_lengths(
        c.context_length, c.task.n_samples.value_or(std::numeric_limits<int64_t>::max()));
  return o;
}

std::vector<TrainingPoint> mean_curve(const std::vector<LearnerMember>& members) {
  std::vector<TrainingPoint> mean;
  for (size_t i = 0; i < members[0].curve.size(); ++i) {
    TrainingPoint sum;
    for (const LearnerMember& m : members) {
      const TrainingPoint& p = m.curve[i];
      const double share = 1.0 / double(members.size());
      sum.epoch = p.epoch;
      sum.loss_train += share * p.loss_train;
      sum.loss_next += share * p.loss_next;
      sum.loss_ood += share * p.loss_ood;
      sum.kl_to_oracle += share * p.kl_to_oracle;
      sum.kl_from_oracle += share * p.kl_from_oracle;
    }
    mean.push_back(sum);
  }
  return mean;
}

StoredRun open_stored_run(const std::string& path) {
  StoredRun run;
  run.checkpoint = path;
  if (io::exists(path + "/checkpoints/latest")) {
    std::string latest = io::read_text(path + "/checkpoints/latest");
    while (!latest.empty() && (latest.back() == '\n' || latest.back() == ' ')) latest.pop_back();
    run.checkpoint = path + "/checkpoints/" + latest;
  } else if (!io::exists(path + "/manifest.json")) {
    throw MissingInput(fmt::format(
        "--checkpoint {}: found no checkpoint, expected a run's folder or a step-* folder in it",
        path));
  }
  const std::string manifest = run.checkpoint + "/manifest.json";
  const auto arch = nlohmann::json::parse(train::manifest_arch(run.checkpoint));
  try {
    const auto& options = arch.at("options");
    run.config = cli::config_from_snapshot<TrainConfig>(options.dump(), manifest);
    run.seeds = options.at("seed").get<std::vector<int64_t>>();
    run.x_dim = arch.at("x_dim").get<int64_t>();
    run.y_dim = arch.at("y_dim").get<int64_t>();
  } catch (const nlohmann::json::exception&) {
    throw DataError(manifest + ": not a checkpoint of `train`");
  }
  return run;
}

std::string stored_arch(const std::string& config_json, const DataShape& shape) {
  const nlohmann::ordered_json arch = {{"options", nlohmann::ordered_json::parse(config_json)},
                                       {"x_dim", shape.x_dim()},
                                       {"y_dim", shape.y_dim()}};
  return arch.dump();
}

void load_weights(const StoredRun& run, int64_t seed, const train::Parameters& parameters) {
  const at::NoGradGuard guard;
  const std::string path = run.checkpoint + "/model.safetensors";
  const io::SafeTensors file = train::read_weights(run.checkpoint);
  for (const train::Parameter& p : parameters.all()) {
    const std::string name = fmt::format("{}/{}", seed, p.name);
    const at::Tensor stored = data::to_torch(file.at(name, path));
    if (stored.sizes() != p.value.sizes() || stored.scalar_type() != at::kFloat) {
      throw Mismatch(fmt::format("{}: {}: found shape [{}], expected [{}]", path, name,
                                 fmt::join(stored.sizes().vec(), ", "),
                                 fmt::join(p.value.sizes().vec(), ", ")));
    }
    p.value.detach().copy_(stored);
  }
}

}  // namespace tenfold::prequential_icl
