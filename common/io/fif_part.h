// Internal to common/io: one file of a FIF recording that may be split into several.
#pragma once

#include <string>
#include <vector>

#include "common/io/fif.h"

namespace tenfold::io {

struct FifPart {
  Signals signals;
  int64_t first_sample = 0;
  std::string next;  // base name of the file that continues it; empty where there is none
};

FifPart parse_fif_part(const Bytes& file, const std::string& name, const FifOptions& options);

// Throws DataError where `more`, whose file is `name`, does not continue `before`.
void require_continuation(const FifPart& before, const FifPart& more, const std::string& name);

// All parts as one; `parts` is used up.
Signals join_fif_parts(std::vector<FifPart> parts);

}  // namespace tenfold::io
