// libFuzzer: whatever the bytes, the parser gives a tenfold::Error or a table whose every cell can
// be asked for.
#include "common/core/error.h"
#include "common/io/csv.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tenfold;
  try {
    const io::CsvTable table = io::CsvTable::parse(io::Bytes(data, data + size), "x");
    const int64_t columns = static_cast<int64_t>(table.columns().size());
    if (table.rows() < 1) __builtin_trap();
    for (int64_t c = 0; c < columns; ++c) {
      if (table.find(table.columns()[static_cast<size_t>(c)]) != c) __builtin_trap();
      for (int64_t r = 0; r < table.rows(); ++r) {
        if (table.text(r, c).size() > size) __builtin_trap();
        try {
          table.number(r, c);
        } catch (const Error&) {
        }
      }
    }
  } catch (const Error&) {
  }
  return 0;
}
