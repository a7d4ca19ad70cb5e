// libFuzzer: whatever the bytes, the parser gives a tenfold::Error or a recording whose buffers
// have the sizes it states.
#include <algorithm>

#include "common/core/error.h"
#include "common/io/fif.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tenfold;
  io::FifOptions options;
  options.picks = io::FifPicks::kAll;
  options.keep_bads = options.allow_maxshield = options.gaps_zero = true;
  options.limit = uint64_t{1} << 24;
  try {
    const io::Signals s = io::parse_fif(io::Bytes(data, data + size), "x", options);
    if (s.names.empty() || s.samples < 1 || !(s.rate_hz > 0)) __builtin_trap();
    const size_t epochs = static_cast<size_t>(std::max<int64_t>(1, s.epochs));
    if (s.values.size() != epochs * s.names.size() * static_cast<size_t>(s.samples)) {
      __builtin_trap();
    }
    if (s.epochs > 0 && !s.events.empty() && s.events.size() != epochs) __builtin_trap();
  } catch (const Error&) {
  }
  return 0;
}
