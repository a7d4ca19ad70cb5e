#include "common/io/base64.h"

#include <fmt/format.h>

#include "common/core/error.h"
#include "common/io/text.h"

namespace tenfold::io {
namespace {

int digit(char c) {
  if (c >= 'A' && c <= 'Z') return c - 'A';
  if (c >= 'a' && c <= 'z') return c - 'a' + 26;
  if (c >= '0' && c <= '9') return c - '0' + 52;
  return c == '+' ? 62 : c == '/' ? 63 : -1;
}

}  // namespace

Bytes decode_base64(std::string_view text, const std::string& where) {
  Bytes out;
  out.reserve(text.size() / 4 * 3);
  uint32_t group = 0;
  int digits = 0, padding = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == ' ' || c == '\n' || c == '\r' || c == '\t') continue;
    const int value = c == '=' ? 0 : digit(c);
    padding += c == '=' ? 1 : 0;
    if (value < 0 || padding > 2 || (padding > 0 && (c != '=' || digits < 2))) {
      throw DataError(fmt::format("{}: character {}: found '{}', expected base64", where,
                                  grouped(i), shown(text.substr(i, 1))));
    }
    group = group << 6 | uint32_t(value);
    if (++digits < 4) continue;
    for (int b = 0; b < 3 - padding; ++b) out.push_back(uint8_t(group >> (16 - 8 * b)));
    group = 0;
    digits = 0;
  }
  if (digits != 0) {
    throw DataError(fmt::format(
        "{}: found {} base64 digits at the end, expected groups of 4 (truncated)", where, digits));
  }
  return out;
}

}  // namespace tenfold::io
