#include "common/cli/toml.h"

#include <fmt/format.h>

#include <algorithm>
#include <charconv>
#include <cmath>

#include "common/core/error.h"

namespace tenfold::cli {
namespace {

bool is_digit(char c) { return c >= '0' && c <= '9'; }

bool is_bare(char c) {
  return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_' || c == '-';
}

void append_utf8(std::string& out, uint32_t c) {
  const auto put = [&](uint32_t byte) { out += static_cast<char>(byte); };
  if (c < 0x80) return put(c);
  if (c < 0x800) {
    put(0xC0 | c >> 6);
  } else {
    if (c < 0x10000) {
      put(0xE0 | c >> 12);
    } else {
      put(0xF0 | c >> 18);
      put(0x80 | (c >> 12 & 0x3F));
    }
    put(0x80 | (c >> 6 & 0x3F));
  }
  put(0x80 | (c & 0x3F));
}

// "1_000" -> "1000"; "" for what is no TOML number.
std::string plain_number(const std::string& word) {
  std::string digits;
  for (size_t i = 0; i < word.size(); ++i) {
    if (word[i] != '_') {
      digits += word[i];
    } else if (i == 0 || i + 1 == word.size() || !is_digit(word[i - 1]) || !is_digit(word[i + 1])) {
      return "";
    }
  }
  if (!digits.empty() && digits[0] == '+') digits.erase(0, 1);
  const size_t first = !digits.empty() && digits[0] == '-' ? 1 : 0;
  if (digits.size() == first || !is_digit(digits[first])) return "";  // inf, nan, .5
  const bool leading_zero =
      digits[first] == '0' && digits.size() > first + 1 && is_digit(digits[first + 1]);
  double value = 0;
  const char* end = digits.data() + digits.size();
  const auto [rest, failure] = std::from_chars(digits.data(), end, value);
  // Too large a number is one: its field says which limit it breaks.
  const bool number = failure == std::errc() || failure == std::errc::result_out_of_range;
  return number && rest == end && !leading_zero ? digits : "";
}

class Reader {
 public:
  Reader(const std::string& text, const std::string& path) : text_(text), path_(path) {
    if (text.rfind("\xEF\xBB\xBF", 0) == 0) at_ = 3;
  }

  std::vector<TomlEntry> entries() {
    std::vector<TomlEntry> out;
    for (skip_empty(); at_ < text_.size(); skip_empty()) {
      TomlEntry entry;
      entry.line = line_;
      entry.key = key();
      skip_spaces();
      if (peek() != '=') fail("expected a line `key = value`");
      ++at_;
      skip_spaces();
      entry.value = value();
      skip_spaces();
      skip_comment();
      if (at_ < text_.size() && peek() != '\n') fail("unexpected text after the value");
      out.push_back(std::move(entry));
    }
    return out;
  }

 private:
  [[noreturn]] void fail(const std::string& what) const {
    throw UsageError(fmt::format("{}:{}: {}", path_, line_, what));
  }

  char peek() const { return at_ < text_.size() ? text_[at_] : '\0'; }

  void skip_spaces() {
    while (peek() == ' ' || peek() == '\t' || (peek() == '\r' && next() == '\n')) ++at_;
  }

  char next() const { return at_ + 1 < text_.size() ? text_[at_ + 1] : '\0'; }

  void skip_comment() {
    if (peek() == '#') at_ = std::min(text_.find('\n', at_), text_.size());
  }

  // Spaces, comments and ends of lines.
  void skip_empty() {
    for (;;) {
      skip_spaces();
      skip_comment();
      if (peek() != '\n') return;
      ++at_;
      ++line_;
    }
  }

  std::string key() {
    if (peek() == '[') fail("found a section, expected keys alone: the file is flat");
    if (peek() == '"' || peek() == '\'') return quoted();
    const size_t from = at_;
    while (is_bare(peek())) ++at_;
    if (at_ == from) fail("expected a line `key = value`");
    return text_.substr(from, at_ - from);
  }

  TomlValue value() {
    if (peek() == '"' || peek() == '\'') return {TomlValue::Type::kText, quoted(), {}};
    if (peek() == '[') return array();
    const size_t from = at_;
    while (is_bare(peek()) || peek() == '+' || peek() == '.' || peek() == ':') ++at_;
    const std::string word = text_.substr(from, at_ - from);
    if (word == "true" || word == "false") return {TomlValue::Type::kTruth, word, {}};
    const std::string number = plain_number(word);
    if (!number.empty()) return {TomlValue::Type::kNumber, number, {}};
    if (word.empty()) fail("expected a value: \"text\", a number, true, false or an array");
    fail(fmt::format("found {}, expected a number, true, false or \"text\" in quotes", word));
  }

  TomlValue array() {
    TomlValue out{TomlValue::Type::kArray, "", {}};
    ++at_;
    for (;;) {
      skip_empty();
      if (peek() == ']') break;
      if (peek() == '[') fail("found an array inside an array");
      out.items.push_back(value());
      skip_empty();
      if (peek() == ']') break;
      if (peek() != ',') fail("expected ',' or ']' in the array");
      ++at_;
    }
    ++at_;
    return out;
  }

  std::string quoted() {
    const char quote = text_[at_++];
    std::string out;
    for (;;) {
      const char c = peek();
      if (at_ == text_.size() || c == '\n') fail("the closing quote is missing");
      const bool control = static_cast<unsigned char>(c) < 0x20 && c != '\t';
      if (control) fail("found a control character in a text; write it as \\u00XX");
      ++at_;
      if (c == quote) return out;
      if (c == '\\' && quote == '"') {
        escape(out);
      } else {
        out += c;
      }
    }
  }

  void escape(std::string& out) {
    static const std::string kLetters = "btnfr\"\\", kMeanings = "\b\t\n\f\r\"\\";
    const char c = peek();
    const size_t simple = kLetters.find(c);
    ++at_;
    if (c != '\0' && simple != std::string::npos) {
      out += kMeanings[simple];
      return;
    }
    const size_t count = c == 'u' ? 4 : (c == 'U' ? 8 : 0);
    uint32_t code = 0;
    if (count > 0 && at_ + count <= text_.size()) {
      const char* from = text_.data() + at_;
      const auto [rest, failure] = std::from_chars(from, from + count, code, 16);
      const bool surrogate = code >= 0xD800 && code < 0xE000;
      if (failure == std::errc() && rest == from + count && !surrogate && code < 0x110000) {
        at_ += count;
        return append_utf8(out, code);
      }
    }
    fail("found a wrong escape in a text; write a backslash as \\\\");
  }

  const std::string& text_;
  const std::string& path_;
  size_t at_ = 0;
  int line_ = 1;
};

}  // namespace

std::vector<TomlEntry> parse_toml(const std::string& text, const std::string& path) {
  return Reader(text, path).entries();
}

}  // namespace tenfold::cli
