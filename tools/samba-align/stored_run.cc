#include "tools/samba-align/stored_run.h"

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "common/cli/snapshot.h"
#include "common/core/error.h"
#include "common/data/tensor_io.h"
#include "common/io/file.h"
#include "common/train/checkpoint.h"

namespace tenfold::samba_align {

using Json = nlohmann::ordered_json;

std::string stored_arch(const std::string& config_json, const ModelSpec& spec) {
  const Json arch = {{"options", Json::parse(config_json)},
                     {"parcels", spec.parcels},
                     {"targets", spec.targets},
                     {"block", spec.block},
                     {"rate", spec.rate},
                     {"frames", spec.frames},
                     {"context_frames", spec.context_frames}};
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
        "--run {}: found no checkpoint, expected a run's folder or a step-* folder in it", path));
  }
  const std::string manifest = run.checkpoint + "/manifest.json";
  const Json arch = Json::parse(train::manifest_arch(run.checkpoint));
  try {
    const std::string options = arch.at("options").dump();
    run.config = cli::config_from_snapshot<TrainConfig>(options, manifest);
    run.config.validate({});
    run.seeds = arch.at("options").at("seed").get<std::vector<int64_t>>();
    run.spec = run.config.model;
    run.spec.parcels = arch.at("parcels").get<int64_t>();
    run.spec.targets = arch.at("targets").get<int64_t>();
    run.spec.block = arch.at("block").get<int64_t>();
    run.spec.rate = arch.at("rate").get<double>();
    run.spec.frames = arch.at("frames").get<int64_t>();
    run.spec.context_frames = arch.at("context_frames").get<int64_t>();
  } catch (const Json::exception&) {
    throw DataError(manifest + ": not a checkpoint of `train`");
  }
  return run;
}

void load_weights(const StoredRun& run, int64_t seed, const std::string& which,
                  const Model& model) {
  const at::NoGradGuard guard;
  const std::string path = run.checkpoint + "/model.safetensors";
  const io::SafeTensors file = train::read_weights(run.checkpoint);
  const auto take = [&](const std::string& name, const at::Tensor& into) {
    const at::Tensor stored = data::to_torch(file.at(fmt::format("{}/{}", seed, name), path));
    if (stored.sizes() != into.sizes()) {
      throw Mismatch(fmt::format("{}: {}: found {} numbers, expected {}", path, name,
                                 stored.numel(), into.numel()));
    }
    into.copy_(stored);
  };
  if (which == "best") return take("best", model.parameters().values());
  for (const train::Parameter& p : model.parameters().all()) take(p.name, p.value.detach());
}

}  // namespace tenfold::samba_align
