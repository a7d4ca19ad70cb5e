// Internal to common/io: text fields of recordings, and units.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace tenfold::io {

// Without spaces, tabs, line ends and zero bytes at both ends.
std::string_view trimmed(std::string_view text);

// The whole text as a finite number or an integer; nothing where it is neither.
std::optional<double> number_in(std::string_view text);
std::optional<int64_t> integer_in(std::string_view text);

// As it is where it is valid UTF-8, otherwise taken as Latin-1.
std::string utf8_of(std::string_view text);

struct SiUnit {
  double scale;
  std::string unit;
};

// uV (or with a micro sign in Latin-1 or UTF-8), mV, nV and V become volts; other units stay.
SiUnit si_unit(std::string_view unit);

std::string joined(const std::vector<std::string>& parts, const std::string& separator);

// Each part once, in the order of first appearance.
std::vector<std::string> distinct(const std::vector<std::string>& parts);

// "EEG 32, EOG 2": how often each occurs.
std::string tally(const std::vector<std::string>& parts);

}  // namespace tenfold::io
