// libFuzzer: whatever the bytes, the parser gives a tenfold::Error or parcels with a name each.
#include "common/core/error.h"
#include "common/io/freesurfer_annot.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tenfold;
  try {
    const io::SurfaceParcels parcels = io::parse_annot(io::Bytes(data, data + size), "x");
    for (const int32_t label : parcels.labels) {
      if (label < -1 || label >= static_cast<int32_t>(parcels.names.size())) __builtin_trap();
    }
  } catch (const Error&) {
  }
  return 0;
}
