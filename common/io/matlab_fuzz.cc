// libFuzzer: whatever the bytes, a file of version 5 gives a tenfold::Error, or numeric variables
// of as many numbers as their shapes say.
#include "common/core/error.h"
#include "common/io/matlab.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tenfold;
  try {
    const io::MatlabFile file = io::MatlabFile::parse(io::Bytes(data, data + size), "x", 1 << 24);
    for (size_t i = 0; i < file.variables().size(); ++i) {
      const io::MatlabVariable& v = file.variables()[i];
      if (!v.numeric) continue;
      int64_t count = 1;
      for (const int64_t n : v.shape) count *= n;
      if (int64_t(file.values(i).size()) != count) __builtin_trap();
    }
  } catch (const Error&) {
  }
  return 0;
}
