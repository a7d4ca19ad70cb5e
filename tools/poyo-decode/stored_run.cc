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

namespace {

std::string arch_of(const nlohmann::ordered_json& options, const Dataset& dataset) {
  const nlohmann::ordered_json arch = {
      {"options", options}, {"units", dataset.units.ids()}, {"sessions", dataset.sessions.ids()}};
  return arch.dump();
}

// Rows of `to` whose id `from_ids` has too get that id's row of `from`.
void copy_known_rows(const at::Tensor& from, const Vocabulary& from_ids, const at::Tensor& to,
                     const Vocabulary& to_ids) {
  for (const std::string& id : to_ids.ids())
    if (from_ids.has(id)) to[to_ids.row(id)].copy_(from[from_ids.row(id)]);
}

}  // namespace

std::string stored_arch(const std::string& config_json, const Dataset& dataset) {
  return arch_of(nlohmann::ordered_json::parse(config_json), dataset);
}

std::string stored_arch(const StoredRun& origin, const std::string& config_json,
                        const Dataset& dataset) {
  nlohmann::ordered_json options = nlohmann::ordered_json::parse(origin.options_json);
  options.update(nlohmann::ordered_json::parse(config_json));
  return arch_of(options, dataset);
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
    run.options_json = options.dump();
    run.config = cli::config_from_snapshot<TrainConfig>(run.options_json, manifest);
    run.seeds = options.at("seed").get<std::vector<int64_t>>();
    run.units = Vocabulary(arch.at("units").get<std::vector<std::string>>());
    run.sessions = Vocabulary(arch.at("sessions").get<std::vector<std::string>>());
  } catch (const nlohmann::json::exception&) {
    throw DataError(manifest + ": not a checkpoint of `train`");
  }
  return run;
}

Model load_model(const StoredRun& run, int64_t seed, at::Device device) {
  const at::NoGradGuard guard;
  Model model(run.config.model.spec, run.units.size(), run.sessions.size(), uint64_t(seed), device);
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

Model adapted_model(const StoredRun& run, int64_t seed, const Vocabulary& units,
                    const Vocabulary& sessions, uint64_t new_rows_seed, at::Device device) {
  const at::NoGradGuard guard;
  const Model known = load_model(run, seed);
  Model model(run.config.model.spec, units.size(), sessions.size(), new_rows_seed, device);
  for (size_t i = 0; i < known.parameters().all().size(); ++i) {
    const train::Parameter& from = known.parameters().all()[i];
    const at::Tensor to = model.parameters().all()[i].value.detach();
    if (!is_table(from.name)) {
      to.copy_(from.value);
    } else if (from.name == "unit_emb.weight") {
      copy_known_rows(from.value, run.units, to, units);
    } else {
      copy_known_rows(from.value, run.sessions, to, sessions);
    }
  }
  model.frequencies().copy_(known.frequencies());
  return model;
}

}  // namespace tenfold::poyo_decode
