// What this program was built from.
#pragma once

#include <string>

namespace tenfold {

std::string version();  // "0.1.0+0123456789ab"

}  // namespace tenfold
