// EDF and BDF files built byte by byte, for the tests.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/io/file.h"

namespace tenfold::io {

struct EdfSignalForTest {
  std::string label = "EEG Fp1", unit = "uV";
  std::string physical_min = "-100", physical_max = "100";
  std::string digital_min = "-1000", digital_max = "1000";
  std::string samples = "2";
  std::vector<int32_t> stored;     // of all records; unused where `texts` are
  std::vector<std::string> texts;  // of an annotation signal, one a record
};

struct EdfForTest {
  bool bdf = false;
  std::string reserved, records = "2", record_s = "0.5";
  std::vector<EdfSignalForTest> signals;

  static std::string field(const std::string& text, size_t width) {
    return text + std::string(width - text.size(), ' ');
  }

  Bytes bytes() const {
    const std::string size = std::to_string(256 * (1 + signals.size()));
    std::string out = bdf ? "\xFF"
                            "BIOSEMI"
                          : "0       ";
    out += field("X", 80) + field("Startdate", 80) + "02.03.2410.11.12" + field(size, 8);
    out += field(reserved, 44) + field(records, 8) + field(record_s, 8);
    out += field(std::to_string(signals.size()), 4);
    const auto each = [&](size_t width, auto member) {
      for (const EdfSignalForTest& s : signals) out += field(member(s), width);
    };
    each(16, [](const auto& s) { return s.label; });
    each(80, [](const auto&) { return std::string("AgCl"); });
    each(8, [](const auto& s) { return s.unit; });
    each(8, [](const auto& s) { return s.physical_min; });
    each(8, [](const auto& s) { return s.physical_max; });
    each(8, [](const auto& s) { return s.digital_min; });
    each(8, [](const auto& s) { return s.digital_max; });
    each(80, [](const auto&) { return std::string("HP:0.1"); });
    each(8, [](const auto& s) { return s.samples; });
    each(32, [](const auto&) { return std::string(); });
    const size_t wide = bdf ? 3 : 2;
    for (size_t r = 0; r < std::stoul(records); ++r) {
      for (const EdfSignalForTest& s : signals) {
        const size_t n = std::stoul(s.samples);
        if (!s.texts.empty()) {
          std::string text = s.texts[r];
          text.resize(n * wide, '\0');
          out += text;
          continue;
        }
        for (size_t i = 0; i < n; ++i) {
          for (size_t b = 0; b < wide; ++b) out += char(s.stored[r * n + i] >> (8 * b));
        }
      }
    }
    return Bytes(out.begin(), out.end());
  }
};

// Two signals of 2 samples a record and one of annotations, 2 records of 0.5 s.
inline EdfForTest edf_plus_for_test() {
  EdfForTest edf;
  edf.reserved = "EDF+C";
  edf.signals.resize(3);
  edf.signals[0].stored = {-1000, 0, 500, 1000};
  edf.signals[1] = {"EEG Cz", "mV", "-3", "5", "-32768", "32767", "2", {-32768, 32767, 0, -1}, {}};
  edf.signals[2] = {"EDF Annotations", "", "-1", "1", "-32768", "32767", "16", {}, {}};
  edf.signals[2].texts = {std::string("+0.25\x14\x14\0+0.5\x15"
                                      "1.5\x14go\x14\0",
                                      22),
                          std::string("+0.75\x14\x14\0+0.75\x14"
                                      "a\x14"
                                      "b\x14\0",
                                      18)};
  return edf;
}

}  // namespace tenfold::io
