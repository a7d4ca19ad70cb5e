// Reads back the JSON that a run keeps of its configuration, e.g. from a checkpoint's manifest.
#pragma once

#include <functional>
#include <string>

#include "common/cli/visitor.h"

namespace tenfold::cli {

// Sets the fields that `visit` names to what `json`, an object of option names, holds; a field that
// it lacks keeps its value. Throws DataError, which begins with `source`, for text that is no such
// object or a value of another type.
void read_snapshot(const std::string& json, const std::string& source,
                   const std::function<void(FieldVisitor&)>& visit);

template <class Config>
Config config_from_snapshot(const std::string& json, const std::string& source) {
  Config config;
  read_snapshot(json, source, [&](FieldVisitor& v) { config.visit(v); });
  return config;
}

}  // namespace tenfold::cli
