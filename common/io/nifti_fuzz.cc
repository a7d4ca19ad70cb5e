// libFuzzer: whatever the bytes, the parser gives a tenfold::Error or as many numbers as the shape.
#include "common/core/error.h"
#include "common/io/nifti.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tenfold;
  try {
    const io::NiftiImage image = io::parse_nifti(io::Bytes(data, data + size), "x");
    if (int64_t(image.values.size()) != image.header.count()) __builtin_trap();
    io::nifti_tr(image.header, "x");
  } catch (const Error&) {
  }
  return 0;
}
