#include "common/io/csv.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include "common/core/error.h"

namespace tenfold::io {
namespace {

// Cells of one record from `at` on; moves `at` behind its line end and counts lines.
std::vector<std::string> next_record(const Bytes& file, size_t& at, int64_t& line,
                                     const std::string& name, char separator) {
  std::vector<std::string> cells(1);
  const int64_t first_line = line;
  bool quoted = false;
  while (at < file.size()) {
    const char c = static_cast<char>(file[at++]);
    if (c == '\n') ++line;
    if (quoted) {
      if (c != '"') {
        cells.back() += c;
      } else if (at < file.size() && file[at] == '"') {
        cells.back() += '"';
        ++at;
      } else {
        quoted = false;
      }
    } else if (c == '"' && cells.back().empty()) {
      quoted = true;
    } else if (c == separator) {
      cells.emplace_back();
    } else if (c == '\n') {
      break;
    } else if (c != '\r' || at >= file.size() || file[at] != '\n') {
      cells.back() += c;
    }
  }
  if (quoted)
    throw DataError(fmt::format("{}:{}: a quote begins and does not end", name, first_line));
  return cells;
}

bool is_blank(const std::vector<std::string>& cells) {
  return cells.size() == 1 && cells[0].empty();
}

}  // namespace

CsvTable CsvTable::parse(const Bytes& file, const std::string& name, char separator) {
  CsvTable table;
  table.name_ = name;
  size_t at = file.size() >= 3 && file[0] == 0xEF && file[1] == 0xBB && file[2] == 0xBF ? 3 : 0;
  int64_t line = 1;
  table.columns_ = next_record(file, at, line, name, separator);
  for (size_t i = 0; i < table.columns_.size(); ++i) {
    if (table.find(table.columns_[i]) != int64_t(i))
      throw DataError(fmt::format("{}:1: column '{}' stands twice", name, table.columns_[i]));
  }
  while (at < file.size()) {
    const int64_t here = line;
    std::vector<std::string> cells = next_record(file, at, line, name, separator);
    if (is_blank(cells)) continue;
    if (cells.size() != table.columns_.size()) {
      throw DataError(fmt::format("{}:{}: found {} cells, expected {}", name, here, cells.size(),
                                  table.columns_.size()));
    }
    table.lines_.push_back(here);
    std::move(cells.begin(), cells.end(), std::back_inserter(table.cells_));
  }
  if (table.cells_.empty())
    throw DataError(fmt::format("{}: found no rows, expected a header line and rows", name));
  return table;
}

CsvTable CsvTable::read(const std::string& path) { return parse(read_file(path), path); }

int64_t CsvTable::find(const std::string& column) const {
  const auto found = std::find(columns_.begin(), columns_.end(), column);
  return found == columns_.end() ? -1 : found - columns_.begin();
}

double CsvTable::number(int64_t row, int64_t column) const {
  const std::string& cell = text(row, column);
  char* end = nullptr;
  const double value = std::strtod(cell.c_str(), &end);
  const size_t rest = cell.find_first_not_of(" \t", size_t(end - cell.c_str()));
  if (end == cell.c_str() || rest != std::string::npos || !std::isfinite(value)) {
    throw DataError(fmt::format("{}:{}: column {}: found '{}', expected a finite number", name_,
                                lines_[size_t(row)], columns_[size_t(column)], cell.substr(0, 40)));
  }
  return value;
}

}  // namespace tenfold::io
