// Text to values: numbers, lists and truths, and the words for what was expected.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/cli/visitor.h"

namespace tenfold::cli {

// A value as it was given, before its field has looked at it.
struct Input {
  std::string where;  // begins every message: "--period", "TENFOLD_PERIOD", "run.toml:3: period"
  std::string text;
  std::optional<std::vector<std::string>> items;  // an array of a file: it needs no splitting
};

using Inputs = std::map<std::string, Input>;  // by field name

// Throws UsageError "WHERE: found TEXT, expected WANTED".
[[noreturn]] void refuse(const std::string& where, const std::string& text,
                         const std::string& wanted);

// "1 or more", "0..100" or "".
std::string range_text(Range range);

// T is int64_t or double. Throws UsageError for junk, overflow, NaN and values outside the range.
template <class T>
T parse_number(const std::string& text, const std::string& where, Range range,
               const std::string& unit);

// "1000,2000", "0..63" and mixtures; at most 100,000 numbers.
std::vector<int64_t> parse_integers(const Input& input, Range range);
// `choices` may be empty: any text. No text stands twice.
std::vector<std::string> parse_texts(const Input& input, const std::vector<std::string>& choices);

bool parse_truth(const std::string& text, const std::string& where);  // true, false, 1 or 0

// Throws UsageError with all choices, and the nearest, unless `value` is one of them.
void require_choice(const std::string& value, const std::vector<std::string>& choices,
                    const std::string& where);

// "3h55m", "90s", "2m", "1.5h" or plain seconds; "" -> 0. Throws UsageError.
double parse_duration(const std::string& text);

}  // namespace tenfold::cli
