// Internal to common/io: the header of an EDF or BDF file.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/io/file.h"

namespace tenfold::io {

struct EdfSignal {
  std::string label, unit;
  double physical_min = 0, digital_min = 0;
  double gain = 0;               // value = (stored - digital_min) * gain + physical_min
  int64_t samples_a_record = 0;  // at least 1
  uint64_t offset = 0;           // in bytes from the begin of a record
  bool annotations = false;      // bytes of text, no numbers
};

struct EdfHeader {
  bool bdf = false, plus = false, discontinuous = false;
  uint64_t size = 0;    // bytes
  int64_t records = 0;  // as the file's length allows; at least 1
  uint64_t record_bytes = 0;
  double record_s = 0;
  uint64_t left_over = 0;  // bytes of a record that was not finished
  std::string start;       // date and time as they stand
  std::vector<EdfSignal> signals;

  uint64_t sample_bytes() const { return bdf ? 3 : 2; }
  double rate_hz(const EdfSignal& s) const { return double(s.samples_a_record) / record_s; }
};

// Throws DataError; the file holds `records` whole records behind the header.
EdfHeader parse_edf_header(const Bytes& file, const std::string& name);

}  // namespace tenfold::io
