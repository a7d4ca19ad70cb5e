// libFuzzer: whatever the bytes, the parser gives a tenfold::Error or a named row for each series.
#include "common/core/error.h"
#include "common/io/cifti.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tenfold;
  try {
    const io::Signals s = io::parse_cifti(io::Bytes(data, data + size), "x");
    if (s.values.size() != s.names.size() * size_t(s.samples)) __builtin_trap();
  } catch (const Error&) {
  }
  return 0;
}
