#include "tools/rich-lazy/stored_run.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "common/cli/snapshot.h"
#include "common/core/error.h"
#include "common/io/file.h"
#include "common/io/safetensors.h"
#include "common/train/checkpoint.h"

namespace tenfold::rich_lazy {

using Json = nlohmann::ordered_json;

std::string stored_arch(const std::string& config_json, const Setting& setting) {
  return Json{{"options", Json::parse(config_json)}, {"units", setting.hidden}}.dump();
}

StoredRun open_stored_run(const std::string& path, const std::string& data_dir) {
  StoredRun run;
  run.checkpoint = path;
  if (io::exists(path + "/checkpoints/latest")) {
    std::string latest = io::read_text(path + "/checkpoints/latest");
    while (!latest.empty() && (latest.back() == '\n' || latest.back() == ' ')) latest.pop_back();
    run.checkpoint = path + "/checkpoints/" + latest;
  } else if (!io::exists(path)) {
    throw MissingInput(fmt::format("--run {}: not found, expected the folder of a training", path));
  } else if (!io::exists(path + "/manifest.json")) {
    throw MissingInput(fmt::format(
        "--run {}: found no checkpoint, expected a run's folder or a step-* folder in it", path));
  }
  const std::string manifest = run.checkpoint + "/manifest.json";
  const Json arch = Json::parse(train::manifest_arch(run.checkpoint));
  TrainConfig config;
  std::vector<int64_t> seeds;
  int64_t units = 0;
  try {
    config = cli::config_from_snapshot<TrainConfig>(arch.at("options").dump(), manifest);
    config.validate({});
    seeds = arch.at("options").at("seed").get<std::vector<int64_t>>();
    units = arch.at("units").get<int64_t>();
  } catch (const Json::exception&) {
    throw DataError(manifest + ": not a checkpoint of `train`");
  }
  if (!data_dir.empty()) {
    config.data_dir = data_dir;
    config.validate({});  // without images it has no use
  }
  run.setting = stored_setting(config, seeds, units);
  const std::string state = run.checkpoint + "/state.safetensors";
  train::Archive archive = train::Archive::for_loading(train::read_weights(run.checkpoint),
                                                       io::read_safetensors(state), state);
  for (const ModelKey& key : model_keys(run.setting)) {
    run.models.push_back(make_model(run.setting, key, Weights(run.setting.shape(key.task))));
    visit_model(archive, run.models.back());
  }
  return run;
}

}  // namespace tenfold::rich_lazy
