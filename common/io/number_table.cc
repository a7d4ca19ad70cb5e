#include "common/io/number_table.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <string_view>

#include "common/core/error.h"
#include "common/io/signal_text.h"
#include "common/io/text.h"

namespace tenfold::io {
namespace {

constexpr char kBlanks = ' ';

std::string_view next_line(std::string_view& text) {
  const size_t end = std::min(text.find('\n'), text.size());
  const std::string_view line = text.substr(0, end);
  text.remove_prefix(std::min(end + 1, text.size()));
  return trimmed(line);
}

char separator_of(std::string_view line) {
  for (const char c : {',', '\t', ';'}) {
    if (line.find(c) != std::string_view::npos) return c;
  }
  return kBlanks;
}

std::vector<std::string_view> cells_of(std::string_view line, char separator) {
  std::vector<std::string_view> out;
  for (;;) {
    const size_t end = separator == kBlanks ? line.find_first_of(" \t") : line.find(separator);
    std::string_view cell = trimmed(line.substr(0, end));
    if (cell.size() >= 2 && cell.front() == '"' && cell.back() == '"')
      cell = cell.substr(1, cell.size() - 2);
    out.push_back(cell);
    if (end == std::string_view::npos) return out;
    line.remove_prefix(end + 1);
    if (separator == kBlanks) line = trimmed(line);
  }
}

std::optional<double> number_of(std::string_view cell) {
  for (const char* missing : {"", "nan", "NaN", "NAN", "n/a", "NA"}) {
    if (cell == missing) return NAN;
  }
  return number_in(cell);
}

bool is_header(const std::vector<std::string_view>& cells) {
  for (const std::string_view cell : cells) {
    if (!number_of(cell)) return true;
  }
  return false;
}

}  // namespace

NumberTable parse_number_table(const Bytes& file, const std::string& name) {
  std::string_view text(reinterpret_cast<const char*>(file.data()), file.size());
  if (text.substr(0, 3) == "\xEF\xBB\xBF") text.remove_prefix(3);
  NumberTable out;
  char separator = 0;
  for (int64_t line = 1; !text.empty(); ++line) {
    const std::string_view here = next_line(text);
    if (here.empty() || here[0] == '#') continue;
    const bool first = separator == 0;
    if (first) separator = separator_of(here);
    const std::vector<std::string_view> cells = cells_of(here, separator);
    if (first) out.columns = int64_t(cells.size());
    if (int64_t(cells.size()) != out.columns) {
      throw DataError(
          fmt::format("{}:{}: found {} cells, expected {}", name, line, cells.size(), out.columns));
    }
    if (first && is_header(cells)) {
      for (const std::string_view cell : cells) out.names.push_back(utf8_of(cell));
      continue;
    }
    for (size_t i = 0; i < cells.size(); ++i) {
      const std::optional<double> number = number_of(cells[i]);
      if (!number) {
        throw DataError(fmt::format("{}:{}: column {}: found '{}', expected a number", name, line,
                                    i + 1, shown(cells[i])));
      }
      out.values.push_back(*number);
    }
    ++out.rows;
  }
  if (out.rows == 0) throw DataError(name + ": found no rows of numbers");
  return out;
}

}  // namespace tenfold::io
