// Where the parity fixtures of a tool are. For tests only.
#pragma once

#include <string>

namespace tenfold::testing {

// The folder that holds the tool's fixtures: in TENFOLD_FIXTURES where set (the folder given is
// either the one above the tool's own, or holds files with this extension itself), else
// default_fixtures_folder(). "" where absent. `anchor` is a source file among the test's data.
std::string fixtures_folder(const std::string& tool, const std::string& extension,
                            const std::string& anchor);

// shared/fixtures/TOOL beside the checkout, whatever TENFOLD_FIXTURES says; "" where absent.
std::string default_fixtures_folder(const std::string& tool, const std::string& anchor);

}  // namespace tenfold::testing
