#include "tools/nino-nowcast/fixtures_for_test.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <nlohmann/json.hpp>

#include "common/core/error.h"
#include "common/io/file.h"

namespace tenfold::nino_nowcast {
namespace {

namespace fs = std::filesystem;

constexpr const char* kTool = "nino-nowcast";
constexpr const char* kDefault = "../shared/fixtures";  // from the top of the checkout
// Under Bazel a symlink into the checkout; the working directory is a tree of such links.
constexpr const char* kRunfile = "tools/nino-nowcast/fixtures_for_test.h";

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

// The first folder `relative` that is found from the working directory or the checkout upward.
fs::path search_upward(const fs::path& relative) {
  std::error_code ignored;
  for (const fs::path& start : {fs::current_path(ignored), fs::canonical(kRunfile, ignored)}) {
    for (fs::path at = start; !at.empty(); at = at.parent_path()) {
      if (is_folder(at / relative)) return (at / relative).lexically_normal();
      if (at == at.root_path()) break;
    }
  }
  return {};
}

bool ends_with(const std::string& text, const std::string& suffix) {
  return text.size() >= suffix.size() &&
         text.compare(text.size() - suffix.size(), suffix.size(), suffix) == 0;
}

}  // namespace

std::string default_fixtures_folder() { return search_upward(fs::path(kDefault) / kTool).string(); }

std::string fixtures_folder() {
  const char* given = std::getenv("TENFOLD_FIXTURES");
  if (given == nullptr || *given == '\0') return default_fixtures_folder();
  const fs::path folder = fs::path(given).is_absolute() ? fs::path(given) : search_upward(given);
  if (is_folder(folder / kTool)) return (folder / kTool).string();
  if (!is_folder(folder)) return "";
  for (const std::string& name : io::list_folder(folder.string())) {
    if (ends_with(name, ".safetensors")) return folder.string();
  }
  return "";
}

std::vector<std::string> fixture_stems(const std::string& suffix) {
  std::vector<std::string> stems;
  const std::string folder = fixtures_folder(), extension = ".safetensors";
  if (folder.empty()) return stems;
  for (const std::string& name : io::list_folder(folder)) {
    if (!ends_with(name, extension)) continue;
    const std::string stem = name.substr(0, name.size() - extension.size());
    const std::string path = folder + "/" + stem;
    if ((stem == suffix || ends_with(stem, "_" + suffix)) && io::exists(path + ".json")) {
      stems.push_back(path);
    }
  }
  std::sort(stems.begin(), stems.end());
  return stems;
}

std::vector<std::string> sample_stems() {
  std::vector<std::string> samples;
  for (const char* suffix : {"mlp", "cnn", "gpt2", "llama"}) {
    for (const std::string& stem : fixture_stems(suffix)) {
      const auto json = nlohmann::json::parse(io::read_text(stem + ".json"));
      if (json.is_object() && json.contains("params")) samples.push_back(stem);
    }
  }
  return samples;
}

std::string meta_model_path(const std::string& name) {
  const std::string file = "/" + name + ".safetensors";
  for (const std::string& folder : {fixtures_folder(), default_fixtures_folder()}) {
    if (io::exists(folder + file)) return folder + file;
  }
  throw MissingInput("meta-model " + name + ": not among the fixtures");
}

}  // namespace tenfold::nino_nowcast
