// Comma-separated tables (RFC 4180), or with another separator: a header line, then rows of equally
// many cells; quotes, CRLF and a byte-order mark are understood.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/io/file.h"

namespace tenfold::io {

class CsvTable {
 public:
  // `name` stands in messages. Throws DataError with the line for a row of another length, an
  // unfinished quote, a column that stands twice, or a file without rows.
  static CsvTable parse(const Bytes& file, const std::string& name, char separator = ',');
  static CsvTable read(const std::string& path);

  const std::vector<std::string>& columns() const { return columns_; }
  int64_t rows() const { return columns_.empty() ? 0 : int64_t(cells_.size() / columns_.size()); }

  // The column's number, or -1.
  int64_t find(const std::string& column) const;

  const std::string& text(int64_t row, int64_t column) const {
    return cells_[size_t(row) * columns_.size() + size_t(column)];
  }
  int64_t line(int64_t row) const { return lines_[size_t(row)]; }  // of the file
  // Throws DataError naming the file's line (the header is line 1) and the column unless the cell
  // is a finite number.
  double number(int64_t row, int64_t column) const;

 private:
  std::string name_;
  std::vector<std::string> columns_, cells_;
  std::vector<int64_t> lines_;  // where each row begins in the file
};

}  // namespace tenfold::io
