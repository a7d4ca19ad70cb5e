#include "common/core/build_info.h"

#include "common/core/commit.inc"

namespace tenfold {

std::string version() { return "0.1.0+" TENFOLD_COMMIT; }

}  // namespace tenfold
