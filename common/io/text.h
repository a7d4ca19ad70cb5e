// Internal to common/io: numbers and foreign text as they stand in messages.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace tenfold::io {

// 12345 -> "12,345"
inline std::string grouped(uint64_t n) {
  std::string text = std::to_string(n);
  for (size_t at = text.size(); at > 3;) text.insert(at -= 3, ",");
  return text;
}

// A name found in a file, kept to one short line: no control characters, at most 80 bytes.
inline std::string shown(std::string_view text) {
  constexpr size_t kLongest = 80;
  std::string out;
  for (const char c : text.substr(0, kLongest)) {
    out += static_cast<unsigned char>(c) < 0x20 || c == 0x7f ? '?' : c;
  }
  return text.size() > kLongest ? out + "..." : out;
}

}  // namespace tenfold::io
