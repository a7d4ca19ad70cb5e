// libFuzzer: whatever the bytes, the parser gives a tenfold::Error or a recording whose buffers
// have the sizes it states.
#include "common/core/error.h"
#include "common/io/brainvision_for_test.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tenfold;
  try {
    const io::Signals s = io::parse_joined_brainvision(io::Bytes(data, data + size), "x");
    if (s.names.empty() || s.samples < 1 || !(s.rate_hz > 0)) __builtin_trap();
    if (s.values.size() != s.names.size() * static_cast<size_t>(s.samples)) __builtin_trap();
  } catch (const Error&) {
  }
  return 0;
}
