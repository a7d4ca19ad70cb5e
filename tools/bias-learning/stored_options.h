// The options that a run was made with, from its config.json.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/cli/snapshot.h"
#include "common/cli/tool.h"

namespace tenfold::bias_learning {

template <class Config>
struct StoredOptions {
  Config config;
  std::vector<int64_t> seeds;
};

// The subcommand that made the folder. Throws MissingInput or DataError naming config.json.
std::string subcommand_of(const std::string& folder);

// The "config" object of the folder's config.json, as text.
std::string options_in(const std::string& folder);

template <class Config>
StoredOptions<Config> read_options(const std::string& folder) {
  const std::string path = folder + "/config.json", json = options_in(folder);
  StoredOptions<Config> out;
  out.config = cli::config_from_snapshot<Config>(json, path);
  cli::CommonOptions common;
  cli::read_snapshot(json, path,
                     [&](cli::FieldVisitor& v) { common.visit(v, cli::Kind::kTraining); });
  out.seeds = common.seed;
  return out;
}

}  // namespace tenfold::bias_learning
