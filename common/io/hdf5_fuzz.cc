// libFuzzer: whatever the bytes, everything in the file is read or refused with a tenfold::Error.
#include "common/core/error.h"
#include "common/io/hdf5.h"
#include "common/io/hdf5_reader.h"
#include "common/io/hdf5_walk_for_test.h"

// libhdf5 itself loses memory where it gives a damaged file up.
extern "C" const char* __lsan_default_suppressions() { return "leak:libhdf5"; }

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tenfold;
  constexpr uint64_t kLimit = uint64_t{1} << 24;
  const io::Bytes bytes(data, data + size);
  try {
    const io::Hdf5File file = io::Hdf5File::parse(bytes, "x", kLimit);
    io::walk(file);
    file.has("/");  // throws where libhdf5 has crashed
    // Once more in this process, whose coverage the fuzzer sees.
    io::walk(io::Hdf5Reader::parse(bytes, "x", kLimit));
  } catch (const Error&) {
  }
  return 0;
}
