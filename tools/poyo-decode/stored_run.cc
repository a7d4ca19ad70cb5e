#include "tools/poyo-decode/stored_run.h"

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <nlohmann/json.hpp>

#include "common/cli/snapshot.h"
#include "common/core/error.h"
#include "common/data/tensor_io.h"
#include "common/io/file.h"
#include "common/train/checkpoint.h"

namespace tenfold::poyo_decode {

std::string stored_arch(const std::string& config_json, const Dataset& dataset) {
  const nlohmann::ordered_json arch = {{"options", nlohmann::ordered_json::parse(config_json)},
                                       {"units", dataset.units.ids()},
                                       {"sessions", dataset.sessions.ids()}};
  return arch.dump();
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
    run.units = Vocabulary(arch.at("units").get<std::vector<std::string>>());
    run.sessions = Vocabulary(arch.at("sessions").get<std::vector<std::string>>());
  } catch (const nlohmann::json::exception&) {
    throw DataError(manifest + ": not a checkpoint of `train`");
  }
  return run;
}

Model load_model(const StoredRun& run, int64_t seed) {
  const at::NoGradGuard guard;
  Model model(run.config.model.spec, run.units.size(), run.sessions.size(), uint64_t(seed));
  const std::string path = run.checkpoint + "/model.safetensors";
  const io::SafeTensors file = train::read_weights(run.checkpoint);
  const auto take = [&](const std::string& name, const at::Tensor& into) {
    const at::Tensor stored = data::to_torch(file.at(fmt::format("{}/{}", seed, name), path));
    if (stored.sizes() != into.sizes() || stored.scalar_type() != at::kFloat) {
      throw Mismatch(fmt::format("{}: {}: found shape [{}], expected [{}]", path, name,
                                 fmt::join(stored.sizes().vec(), ", "),
                                 fmt::join(into.sizes().vec(), ", ")));
    }
    into.copy_(stored);
  };
  for (const train::Parameter& p : model.parameters().all()) take(p.name, p.value.detach());
  take("rotary_emb.omega", model.frequencies());
  return model;
}

}  // namespace tenfold::poyo_decode
