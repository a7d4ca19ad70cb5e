// libFuzzer: whatever the bytes, everything in the file is read or refused with a tenfold::Error.
#include "common/core/error.h"
#include "common/io/hdf5.h"
#include "common/io/hdf5_walk_for_test.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tenfold;
  constexpr uint64_t kLimit = uint64_t{1} << 24;
  try {
    io::walk(io::Hdf5File::parse(io::Bytes(data, data + size), "x", kLimit));
  } catch (const Error&) {
  }
  return 0;
}
