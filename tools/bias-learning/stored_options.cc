#include "tools/bias-learning/stored_options.h"

#include <nlohmann/json.hpp>

#include "common/core/error.h"
#include "common/io/file.h"

namespace tenfold::bias_learning {
namespace {

using Json = nlohmann::ordered_json;

Json configuration(const std::string& folder) {
  const std::string path = folder + "/config.json";
  Json all = Json::parse(io::read_text(path), nullptr, false);
  if (!all.is_object() || !all.contains("config") || !all.contains("subcommand"))
    throw DataError(path + ": expected the configuration that a training run writes");
  return all;
}

}  // namespace

std::string subcommand_of(const std::string& folder) {
  return configuration(folder).at("subcommand").get<std::string>();
}

std::string options_in(const std::string& folder) {
  return configuration(folder).at("config").dump();
}

}  // namespace tenfold::bias_learning
