#include "common/testing/fixtures.h"

#include <cstdlib>
#include <filesystem>

namespace tenfold::testing {
namespace {

namespace fs = std::filesystem;

constexpr const char* kDefault = "../shared/fixtures";  // from the top of the checkout

bool is_folder(const fs::path& path) {
  std::error_code ignored;
  return fs::is_directory(path, ignored);
}

// The first folder `relative` that is found from the working directory or the checkout upward.
// Under Bazel the anchor is a link into the checkout; the working directory is a tree of such
// links.
fs::path search_upward(const fs::path& relative, const std::string& anchor) {
  std::error_code ignored;
  for (const fs::path& start : {fs::current_path(ignored), fs::canonical(anchor, ignored)}) {
    for (fs::path at = start; !at.empty(); at = at.parent_path()) {
      if (is_folder(at / relative)) return (at / relative).lexically_normal();
      if (at == at.root_path()) break;
    }
  }
  return {};
}

}  // namespace

std::string default_fixtures_folder(const std::string& tool, const std::string& anchor) {
  return search_upward(fs::path(kDefault) / tool, anchor).string();
}

std::string fixtures_folder(const std::string& tool, const std::string& extension,
                            const std::string& anchor) {
  const char* given = std::getenv("TENFOLD_FIXTURES");
  if (given == nullptr || *given == '\0') return default_fixtures_folder(tool, anchor);
  const fs::path folder =
      fs::path(given).is_absolute() ? fs::path(given) : search_upward(given, anchor);
  if (is_folder(folder / tool)) return (folder / tool).string();
  if (!is_folder(folder)) return "";
  for (const auto& entry : fs::directory_iterator(folder)) {
    if (entry.path().extension() == extension) return folder.string();
  }
  return "";
}

}  // namespace tenfold::testing
