#include "common/io/edf.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/core/error.h"
#include "common/io/edf_annotations.h"
#include "common/io/edf_header.h"
#include "common/io/signal_text.h"
#include "common/io/text.h"

namespace tenfold::io {
namespace {

// Little-endian two's complement.
double stored_16(const uint8_t* at) { return int16_t(uint16_t(at[0] | at[1] << 8)); }
double stored_24(const uint8_t* at) {
  return int32_t(uint32_t{at[0]} << 8 | uint32_t{at[1]} << 16 | uint32_t{at[2]} << 24) >> 8;
}

using Picked = std::vector<const EdfSignal*>;

std::string format_of(const EdfHeader& header) {
  return std::string(header.bdf ? "BDF" : "EDF") + (header.plus ? "+" : "");
}

void read_values(const Bytes& file, const EdfHeader& header, const EdfSignal& signal, double* out) {
  const SiUnit si = si_unit(signal.unit);
  const uint64_t step = header.sample_bytes();
  for (int64_t r = 0; r < header.records; ++r) {
    const uint8_t* at =
        file.data() + header.size + uint64_t(r) * header.record_bytes + signal.offset;
    for (int64_t i = 0; i < signal.samples_a_record; ++i, at += step) {
      const double stored = header.bdf ? stored_24(at) : stored_16(at);
      *out++ = ((stored - signal.digital_min) * signal.gain + signal.physical_min) * si.scale;
    }
  }
}

// One recording of signals of the same rate.
Signals recording(const Bytes& file, const EdfHeader& header, const Picked& picked) {
  Signals out;
  out.format = format_of(header);
  out.samples = picked[0]->samples_a_record * header.records;
  out.rate_hz = header.rate_hz(*picked[0]);
  out.values.resize(picked.size() * size_t(out.samples));
  std::vector<std::string> units;
  for (size_t c = 0; c < picked.size(); ++c) {
    out.names.push_back(picked[c]->label);
    units.push_back(si_unit(picked[c]->unit).unit);
    read_values(file, header, *picked[c], out.values.data() + c * size_t(out.samples));
  }
  out.unit = joined(distinct(units), ", ");
  out.facts = {{"start", header.start},
               {"records", fmt::format("{} of {} s", header.records, header.record_s)},
               {"units", tally(units)}};
  if (header.left_over > 0) {
    out.notes.push_back(fmt::format("{} bytes of an unfinished record at the end are left out",
                                    grouped(header.left_over)));
  }
  return out;
}

std::vector<Picked> groups_by_rate(const EdfHeader& header) {
  std::vector<Picked> groups;
  for (const EdfSignal& s : header.signals) {
    if (s.annotations) continue;
    const auto same = std::find_if(groups.begin(), groups.end(), [&](const Picked& group) {
      return group[0]->samples_a_record == s.samples_a_record;
    });
    if (same == groups.end()) {
      groups.push_back({&s});
    } else {
      same->push_back(&s);
    }
  }
  return groups;
}

std::vector<Signals> parse(const Bytes& file, const std::string& name, bool one_rate) {
  const EdfHeader header = parse_edf_header(file, name);
  const std::vector<Picked> groups = groups_by_rate(header);
  if (groups.empty()) {
    throw DataError(fmt::format("{}: found annotations only, expected signals", name));
  }
  if (one_rate && groups.size() > 1) {
    const EdfSignal &a = *groups[0][0], &b = *groups[1][0];
    throw DataError(fmt::format("{}: found '{}' at {} Hz and '{}' at {} Hz, expected one rate",
                                name, shown(a.label), header.rate_hz(a), shown(b.label),
                                header.rate_hz(b)));
  }
  const std::vector<SignalEvent> events = parse_edf_annotations(file, header, name);
  std::vector<Signals> out;
  for (const Picked& group : groups) {
    out.push_back(recording(file, header, group));
    out.back().events = events;
  }
  return out;
}

}  // namespace

Signals parse_edf(const Bytes& file, const std::string& name) {
  return std::move(parse(file, name, true)[0]);
}

Signals read_edf(const std::string& path) { return parse_edf(read_file(path), path); }

std::vector<Signals> parse_edf_by_rate(const Bytes& file, const std::string& name) {
  return parse(file, name, false);
}

std::vector<Signals> read_edf_by_rate(const std::string& path) {
  return parse_edf_by_rate(read_file(path), path);
}

}  // namespace tenfold::io
