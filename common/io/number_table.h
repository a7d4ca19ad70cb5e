// Internal to common/io: tables of numbers as text, with or without a header line.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/io/file.h"

namespace tenfold::io {

struct NumberTable {
  std::vector<std::string> names;  // of the columns, where the first line is no numbers
  int64_t rows = 0, columns = 0;
  std::vector<double> values;  // row-major; NaN where a cell is "nan", "NaN", "n/a" or empty
};

// Cells are separated by commas, else tabs, else semicolons, else blanks, as the first line has
// them; lines that begin with # are left out. Throws DataError with the line.
NumberTable parse_number_table(const Bytes& file, const std::string& name);

}  // namespace tenfold::io
