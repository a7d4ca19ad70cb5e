#include "common/train/checkpoint.h"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

#include "common/core/error.h"
#include "common/io/file.h"
#include "common/io/hash.h"

namespace tenfold::train {
namespace {

using Json = nlohmann::ordered_json;

constexpr const char* kFiles[] = {"model.safetensors", "state.safetensors"};

Json read_manifest(const std::string& path) {
  const Json manifest = Json::parse(io::read_text(path), nullptr, false);
  if (!manifest.is_object() || !manifest.contains("step") ||
      !manifest["step"].is_number_integer() || !manifest.contains("files") ||
      !manifest["files"].is_object()) {
    throw DataError(path + ": damaged: expected a checkpoint manifest");
  }
  return manifest;
}

void write_file(const std::string& folder, const std::string& name, const io::SafeTensors& contents,
                Json& files) {
  const io::Bytes bytes = io::serialize_safetensors(contents);
  io::write_file_atomic(folder + "/" + name, bytes.data(), bytes.size());
  files[name] = {{"size", bytes.size()}, {"xxh3", io::xxh3_hex(bytes.data(), bytes.size())}};
}

io::SafeTensors read_verified(const std::string& folder, const std::string& name,
                              const Json& files) {
  const std::string path = folder + "/" + name;
  const io::Bytes bytes = io::read_file(path);
  const Json entry = files.value(name, Json::object());
  if (entry.value("size", uint64_t{0}) != bytes.size() ||
      entry.value("xxh3", std::string()) != io::xxh3_hex(bytes.data(), bytes.size())) {
    throw DataError(fmt::format("{}: damaged: {} bytes whose digest is not the manifest's", path,
                                bytes.size()));
  }
  return io::parse_safetensors(bytes, path);
}

void check_context(const Json& manifest, const CheckpointContext& context,
                   const std::string& path) {
  const Json fields = manifest.value("fields", Json::object());
  for (const auto& [name, value] : context.fields) {
    const std::string saved = fields.value(name, std::string("(absent)"));
    if (saved != value) {
      throw Mismatch(fmt::format("--{}: found {}, but the run was started with {} ({})", name,
                                 value, saved, path));
    }
  }
  if (manifest.value("config_digest", std::string()) != context.config_digest) {
    throw Mismatch(path + ": the checkpoint is of another command or version of the options");
  }
  if (manifest.value("threads", int64_t{0}) != context.threads) {
    throw Mismatch(fmt::format("--threads: found {}, but the run was started with {} ({})",
                               context.threads, manifest.value("threads", int64_t{0}), path));
  }
  if (manifest.value("world_size", int64_t{1}) != context.world_size) {
    throw Mismatch(fmt::format("found {} processes, but the run was started with {} ({})",
                               context.world_size, manifest.value("world_size", int64_t{1}), path));
  }
  if (manifest.value("gemm", std::string()) != context.gemm) {
    throw Mismatch(
        fmt::format("GEMM backend: found {}, but the run was started with {} ({}); see "
                    "TENFOLD_GEMM",
                    context.gemm, manifest.value("gemm", std::string()), path));
  }
}

}  // namespace

std::string step_name(int64_t step) { return fmt::format("step-{:09d}", step); }

std::string manifest_arch(const std::string& checkpoint_folder) {
  const std::string path = checkpoint_folder + "/manifest.json";
  const Json manifest = read_manifest(path);
  if (!manifest.contains("arch"))
    throw DataError(path + ": no entry 'arch', expected a checkpoint of `train` (or --arch FILE)");
  return manifest["arch"].dump();
}

io::SafeTensors read_weights(const std::string& checkpoint_folder) {
  const Json manifest = read_manifest(checkpoint_folder + "/manifest.json");
  return read_verified(checkpoint_folder, kFiles[0], manifest["files"]);
}

CheckpointStore::CheckpointStore(std::string folder, CheckpointContext context, int64_t keep)
    : folder_(std::move(folder)), context_(std::move(context)), keep_(keep) {}

std::string CheckpointStore::path(int64_t step) const {
  return folder_ + "/checkpoints/" + step_name(step);
}

void CheckpointStore::save(int64_t step, const Archive& archive, int64_t best) {
  io::make_folders(folder_ + "/checkpoints");
  io::AtomicFolder target(path(step));
  Json files = Json::object();
  write_file(target.path(), kFiles[0], archive.weights(), files);
  write_file(target.path(), kFiles[1], archive.state(), files);
  Json manifest = {{"step", step},
                   {"config_digest", context_.config_digest},
                   {"threads", context_.threads},
                   {"gemm", context_.gemm},
                   {"world_size", context_.world_size},
                   {"files", files}};
  for (const auto& [name, value] : context_.fields) manifest["fields"][name] = value;
  if (!context_.arch_json.empty()) manifest["arch"] = Json::parse(context_.arch_json);
  io::write_file_atomic(target.path() + "/manifest.json", manifest.dump(1) + "\n");
  target.commit();
  io::write_file_atomic(folder_ + "/checkpoints/latest", step_name(step) + "\n");
  if (keep_ > 0) prune(step, best);
}

std::optional<int64_t> CheckpointStore::newest(std::optional<int64_t> before) const {
  std::optional<int64_t> found;
  for (const std::string& name : io::list_folder(folder_ + "/checkpoints")) {
    // AtomicFolder renames only complete checkpoints, so a name of this form is one.
    if (name.size() != 14 || name.rfind("step-", 0) != 0) continue;
    const int64_t step = std::stoll(name.substr(5));
    if (before && step >= *before) continue;
    if (!found || step > *found) found = step;
  }
  return found;
}

Archive CheckpointStore::load_path(const std::string& path) const {
  const std::string manifest_path = path + "/manifest.json";
  const Json manifest = read_manifest(manifest_path);
  check_context(manifest, context_, manifest_path);
  io::SafeTensors weights = read_verified(path, kFiles[0], manifest["files"]);
  io::SafeTensors state = read_verified(path, kFiles[1], manifest["files"]);
  return Archive::for_loading(std::move(weights), std::move(state), path);
}

Archive CheckpointStore::load(int64_t step) const { return load_path(path(step)); }

void CheckpointStore::prune(int64_t newest_step, int64_t best) const {
  std::vector<int64_t> steps;
  for (const std::string& name : io::list_folder(folder_ + "/checkpoints")) {
    if (name.size() == 14 && name.rfind("step-", 0) == 0)
      steps.push_back(std::stoll(name.substr(5)));
  }
  // Names sort by step, so the oldest come first; one later than the newest is of an abandoned
  // branch.
  for (size_t i = 0; i < steps.size(); ++i) {
    const bool abandoned = steps[i] > newest_step;
    const bool recent = static_cast<int64_t>(steps.size() - i) <= keep_;
    if (abandoned || (!recent && best != steps[i])) io::remove_tree(path(steps[i]));
  }
}

}  // namespace tenfold::train
