#include "common/cli/values.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <charconv>
#include <cmath>
#include <set>

#include "common/cli/suggest.h"
#include "common/core/error.h"

namespace tenfold::cli {
namespace {

constexpr uint64_t kLongestList = 100'000;
constexpr size_t kLongestShown = 80;

// As it stands in a message: on one line, not too long, quoted where its ends would not be seen.
std::string shown(const std::string& text) {
  if (text.empty()) return "nothing";
  std::string out = text.substr(0, kLongestShown);
  std::replace_if(
      out.begin(), out.end(), [](unsigned char c) { return c < 0x20 || c == 0x7f; }, '?');
  if (text.size() > kLongestShown) out += "...";
  return out.find(' ') == std::string::npos ? out : "'" + out + "'";
}

std::string limit_text(double value) {
  // Below 1e15 a whole number reads better in full: 1000000 rather than 1e+06.
  const bool whole = value == std::floor(value) && std::abs(value) < 1e15;
  return whole ? fmt::format("{:.0f}", value) : fmt::format("{}", value);
}

template <class T>
std::string wanted_number(Range range, const std::string& unit) {
  const std::string kind = std::is_integral_v<T> ? "a whole number" : "a finite number";
  const std::string limits = range_text(range);
  return kind + (limits.empty() ? "" : ", " + limits) + (unit.empty() ? "" : " " + unit);
}

std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts;
  if (text.empty()) return parts;
  size_t from = 0;
  for (size_t comma = 0; comma != std::string::npos; from = comma + 1) {
    comma = text.find(',', from);
    parts.push_back(text.substr(from, comma == std::string::npos ? comma : comma - from));
  }
  return parts;
}

void append_range(std::vector<int64_t>& out, int64_t first, int64_t last, const Input& input,
                  const std::string& part) {
  // In uint64_t: the difference of two int64_t may not fit one.
  const uint64_t further = static_cast<uint64_t>(last) - static_cast<uint64_t>(first);
  if (last < first) refuse(input.where, part, "a rising range such as 0..63");
  if (further >= kLongestList || out.size() + further >= kLongestList) {
    refuse(input.where, part, fmt::format("at most {} numbers in all", kLongestList));
  }
  for (uint64_t i = 0; i <= further; ++i) out.push_back(first + static_cast<int64_t>(i));
}

}  // namespace

void refuse(const std::string& where, const std::string& text, const std::string& wanted) {
  throw UsageError(fmt::format("{}: found {}, expected {}", where, shown(text), wanted));
}

std::string range_text(Range range) {
  const bool low = std::isfinite(range.low), high = std::isfinite(range.high);
  if (low && high) return limit_text(range.low) + ".." + limit_text(range.high);
  if (low) return limit_text(range.low) + " or more";
  return high ? limit_text(range.high) + " or less" : "";
}

template <class T>
T parse_number(const std::string& text, const std::string& where, Range range,
               const std::string& unit) {
  T value{};
  const char* end = text.data() + text.size();
  const auto [rest, failure] = std::from_chars(text.data(), end, value);
  if (std::is_integral_v<T> && failure == std::errc::result_out_of_range && rest == end) {
    refuse(where, text, fmt::format("a whole number that fits 64 bits (at most {})", INT64_MAX));
  }
  if (failure != std::errc() || rest != end || !std::isfinite(static_cast<double>(value))) {
    refuse(where, text, wanted_number<T>(range, unit));
  }
  if (static_cast<double>(value) < range.low || static_cast<double>(value) > range.high) {
    refuse(where, text, range_text(range) + (unit.empty() ? "" : " " + unit));
  }
  return value;
}

template int64_t parse_number<int64_t>(const std::string&, const std::string&, Range,
                                       const std::string&);
template double parse_number<double>(const std::string&, const std::string&, Range,
                                     const std::string&);

std::vector<int64_t> parse_integers(const Input& input, Range range) {
  std::vector<int64_t> out;
  for (const std::string& part : input.items ? *input.items : split(input.text)) {
    const size_t dots = part.find("..");
    const auto first = parse_number<int64_t>(part.substr(0, dots), input.where, range, "");
    const auto last = dots == std::string::npos
                          ? first
                          : parse_number<int64_t>(part.substr(dots + 2), input.where, range, "");
    append_range(out, first, last, input, part);
  }
  return out;
}

std::vector<std::string> parse_texts(const Input& input, const std::vector<std::string>& choices) {
  const std::vector<std::string> parts = input.items ? *input.items : split(input.text);
  std::set<std::string> seen;
  for (const std::string& part : parts) {
    require_choice(part, choices, input.where);
    if (part.empty()) refuse(input.where, part, "a name between two commas");
    if (!seen.insert(part).second) {
      throw UsageError(fmt::format("{}: {} stands twice", input.where, shown(part)));
    }
  }
  return parts;
}

bool parse_truth(const std::string& text, const std::string& where) {
  if (text == "true" || text == "1") return true;
  if (text == "false" || text == "0") return false;
  refuse(where, text, "true or false");
}

void require_choice(const std::string& value, const std::vector<std::string>& choices,
                    const std::string& where) {
  if (choices.empty() || std::count(choices.begin(), choices.end(), value) > 0) return;
  refuse(where, value,
         fmt::format("{}{}{}", choices.size() > 1 ? "one of " : "", fmt::join(choices, ", "),
                     suggestion(value, choices)));
}

double parse_duration(const std::string& text) {
  const auto wrong = [&] {
    refuse("--max-time", text, "a time above zero such as 3h55m, 90s or seconds");
  };
  double total = 0, smallest = HUGE_VAL;
  for (const char *at = text.data(), *end = at + text.size(); at != end;) {
    double number = 0;
    const auto [rest, failure] = std::from_chars(at, end, number, std::chars_format::fixed);
    if (failure != std::errc() || !(number >= 0)) wrong();
    const char letter = rest == end ? 's' : *rest;
    const double unit = letter == 'h' ? 3600 : (letter == 'm' ? 60 : (letter == 's' ? 1 : 0));
    // Falling units: neither 5m3h nor 3h3h is meant.
    if (unit == 0 || unit >= smallest) wrong();
    smallest = unit;
    total += number * unit;
    at = rest == end ? end : rest + 1;
  }
  if (!text.empty() && !(total > 0 && std::isfinite(total))) wrong();
  return total;
}

}  // namespace tenfold::cli
