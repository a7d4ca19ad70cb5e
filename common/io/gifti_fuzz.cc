// libFuzzer: whatever the bytes, the parser gives a tenfold::Error, or a series and parcels whose
// sizes agree.
#include "common/core/error.h"
#include "common/io/gifti.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tenfold;
  try {
    const io::Gifti gifti = io::parse_gifti(io::Bytes(data, data + size), "x", 1 << 24);
    try {
      const io::Signals s = io::gifti_series(gifti, "x");
      if (s.values.size() != s.names.size() * size_t(s.samples)) __builtin_trap();
    } catch (const Error&) {
    }
    const io::SurfaceParcels parcels = io::gifti_parcels(gifti, "x");
    for (const int32_t label : parcels.labels) {
      if (label < -1 || label >= static_cast<int32_t>(parcels.names.size())) __builtin_trap();
    }
  } catch (const Error&) {
  }
  return 0;
}
