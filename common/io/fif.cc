#include "common/io/fif.h"

#include <fmt/format.h>

#include <filesystem>
#include <set>

#include "common/core/error.h"
#include "common/io/fif_data.h"
#include "common/io/fif_part.h"
#include "common/io/gzip.h"
#include "common/io/text.h"

namespace tenfold::io {
namespace {

std::string beside(const std::string& path, const std::string& name) {
  return (std::filesystem::path(path).parent_path() / name).string();
}

FifPart read_part(const std::string& path, const FifOptions& options) {
  return parse_fif_part(read_maybe_gzip(path), path, options);
}

}  // namespace

Signals parse_fif(const Bytes& file, const std::string& name, const FifOptions& options) {
  FifPart part = parse_fif_part(file, name, options);
  if (!part.next.empty())
    part.signals.notes.push_back("continued in '" + shown(part.next) + "', which was not read");
  return std::move(part.signals);
}

Signals read_fif(const std::string& path, const FifOptions& options) {
  std::vector<FifPart> parts;
  parts.push_back(read_part(path, options));
  std::set<std::string> read = {std::filesystem::path(path).filename().string()};
  uint64_t numbers = parts[0].signals.values.size();
  while (!parts.back().next.empty()) {
    const std::string name = parts.back().next, next = beside(path, name);
    if (!read.insert(name).second) {
      throw DataError(fmt::format("{}: part {} names '{}' as its next part, which was read before",
                                  path, parts.size(), shown(name)));
    }
    if (!exists(next)) {
      throw MissingInput(fmt::format("{}: part {} names '{}' as its next part, which is not there",
                                     path, parts.size(), shown(name)));
    }
    parts.push_back(read_part(next, options));
    require_continuation(parts[parts.size() - 2], parts.back(), next);
    numbers += parts.back().signals.values.size();
    require_fif_memory(path, 1, numbers, options);
  }
  return join_fif_parts(std::move(parts));
}

}  // namespace tenfold::io
