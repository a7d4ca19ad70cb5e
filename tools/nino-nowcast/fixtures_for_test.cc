#include "tools/nino-nowcast/fixtures_for_test.h"

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/core/error.h"
#include "common/io/file.h"
#include "common/testing/fixtures.h"

namespace tenfold::nino_nowcast {
namespace {

constexpr const char* kTool = "nino-nowcast";
constexpr const char* kAnchor = "tools/nino-nowcast/fixtures_for_test.h";

bool ends_with(const std::string& text, const std::string& suffix) {
  return text.size() >= suffix.size() &&
         text.compare(text.size() - suffix.size(), suffix.size(), suffix) == 0;
}

}  // namespace

std::string default_fixtures_folder() { return testing::default_fixtures_folder(kTool, kAnchor); }

std::string fixtures_folder() { return testing::fixtures_folder(kTool, ".safetensors", kAnchor); }

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
