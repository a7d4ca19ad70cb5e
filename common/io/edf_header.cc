#include "common/io/edf_header.h"

#include <fmt/format.h>

#include <cmath>
#include <string_view>

#include "common/core/error.h"
#include "common/io/signal_text.h"
#include "common/io/text.h"

namespace tenfold::io {
namespace {

constexpr uint64_t kBlock = 256;  // bytes of the fixed part, and of every signal's part

// Reads the header's fields one after the other.
class Fields {
 public:
  Fields(const Bytes& file, const std::string& name) : file_(file), name_(name) {}

  std::string_view text(uint64_t width) {
    const char* begin = reinterpret_cast<const char*>(file_.data()) + at_;
    at_ += width;
    return trimmed({begin, width});
  }

  double number(uint64_t width, const std::string& field) {
    const uint64_t at = at_;
    const std::string_view found = text(width);
    const std::optional<double> value = number_in(found);
    if (!value) fail(at, field, found, "a number");
    return *value;
  }

  int64_t integer(uint64_t width, const std::string& field, int64_t least) {
    const uint64_t at = at_;
    const std::string_view found = text(width);
    const std::optional<int64_t> value = integer_in(found);
    if (!value || *value < least) fail(at, field, found, fmt::format("an integer >= {}", least));
    return *value;
  }

  [[noreturn]] void fail(uint64_t at, const std::string& field, std::string_view found,
                         const std::string& expected) const {
    throw DataError(fmt::format("{}: {} (byte {}): found '{}', expected {}", name_, field, at,
                                shown(found), expected));
  }

  uint64_t at() const { return at_; }
  void skip(uint64_t width) { at_ += width; }

 private:
  const Bytes& file_;
  const std::string& name_;
  uint64_t at_ = 0;
};

void require_bytes(const Bytes& file, const std::string& name, uint64_t needed) {
  if (file.size() < needed) {
    throw DataError(fmt::format("{}: truncated: found {} bytes, expected a header of {}", name,
                                grouped(file.size()), grouped(needed)));
  }
}

bool begins_with(const Bytes& file, std::string_view magic) {
  return file.size() >= magic.size() &&
         std::equal(magic.begin(), magic.end(), file.begin(),
                    [](char a, uint8_t b) { return uint8_t(a) == b; });
}

void read_signals(Fields& fields, std::vector<EdfSignal>& signals, const std::string& name) {
  const auto where = [&](size_t i, const char* field) {
    return fmt::format("signal {} '{}': {}", i + 1, shown(signals[i].label), field);
  };
  for (EdfSignal& s : signals) s.label = utf8_of(fields.text(16));
  fields.skip(80 * signals.size());  // transducers
  for (EdfSignal& s : signals) s.unit = utf8_of(fields.text(8));
  std::vector<double> physical_max(signals.size()), digital_max(signals.size());
  for (size_t i = 0; i < signals.size(); ++i)
    signals[i].physical_min = fields.number(8, where(i, "physical minimum"));
  for (size_t i = 0; i < signals.size(); ++i)
    physical_max[i] = fields.number(8, where(i, "physical maximum"));
  for (size_t i = 0; i < signals.size(); ++i)
    signals[i].digital_min = fields.number(8, where(i, "digital minimum"));
  for (size_t i = 0; i < signals.size(); ++i)
    digital_max[i] = fields.number(8, where(i, "digital maximum"));
  fields.skip(80 * signals.size());  // filters
  for (size_t i = 0; i < signals.size(); ++i)
    signals[i].samples_a_record = fields.integer(8, where(i, "samples in a record"), 1);
  for (size_t i = 0; i < signals.size(); ++i) {
    EdfSignal& s = signals[i];
    s.annotations = s.label == "EDF Annotations" || s.label == "BDF Annotations";
    if (s.annotations) continue;
    const double physical = physical_max[i] - s.physical_min;
    const double digital = digital_max[i] - s.digital_min;
    if (physical == 0 || digital == 0) {
      throw DataError(fmt::format("{}: {}: found minimum = maximum = {}, expected a range", name,
                                  where(i, physical == 0 ? "physical range" : "digital range"),
                                  physical == 0 ? s.physical_min : s.digital_min));
    }
    s.gain = physical / digital;
    if (!std::isfinite(s.gain)) {
      throw DataError(fmt::format("{}: {}: found a scale of {}, expected a finite one", name,
                                  where(i, "physical range"), s.gain));
    }
  }
}

// Where each signal lies in a record; every sum stays below the file's size.
void place_signals(EdfHeader& header, uint64_t body, const std::string& name) {
  for (EdfSignal& s : header.signals) {
    s.offset = header.record_bytes;
    header.record_bytes += uint64_t(s.samples_a_record) * header.sample_bytes();
    if (header.record_bytes > body) {
      throw DataError(fmt::format(
          "{}: truncated: found {} bytes of data, expected at least one record, whose signals up "
          "to '{}' take {}",
          name, grouped(body), shown(s.label), grouped(header.record_bytes)));
    }
  }
}

void count_records(EdfHeader& header, uint64_t body, int64_t stated, const std::string& name) {
  const uint64_t whole = body / header.record_bytes;
  header.records = stated == -1 ? int64_t(whole) : stated;
  if (whole < uint64_t(header.records)) {
    throw DataError(fmt::format("{}: truncated: found {} whole records, expected {} of {} bytes",
                                name, grouped(whole), grouped(uint64_t(stated)),
                                grouped(header.record_bytes)));
  }
  header.left_over = body - uint64_t(header.records) * header.record_bytes;
  if (stated != -1 && header.left_over > 0) {
    throw DataError(
        fmt::format("{}: found {} bytes behind the {} records of the header, expected "
                    "none",
                    name, grouped(header.left_over), grouped(uint64_t(stated))));
  }
}

}  // namespace

EdfHeader parse_edf_header(const Bytes& file, const std::string& name) {
  EdfHeader header;
  header.bdf = begins_with(file,
                           "\xFF"
                           "BIOSEMI");
  if (!header.bdf && !begins_with(file, "0       ")) {
    throw DataError(fmt::format(
        "{}: not an EDF or BDF file: found other first bytes than '0' and 7 spaces, or 0xFF and "
        "'BIOSEMI'",
        name));
  }
  require_bytes(file, name, kBlock);
  Fields fields(file, name);
  fields.skip(8 + 80 + 80);  // version, patient, recording
  header.start = utf8_of(fields.text(8));
  header.start += " " + utf8_of(fields.text(8));
  const int64_t stated_size = fields.integer(8, "bytes of the header", 0);
  const std::string_view reserved = fields.text(44);
  header.plus = reserved.substr(0, 4) == "EDF+" || reserved.substr(0, 4) == "BDF+";
  header.discontinuous = header.plus && reserved.substr(4, 1) == "D";
  const uint64_t records_at = fields.at();
  const int64_t records = fields.integer(8, "number of records", -1);
  if (records == 0) fields.fail(records_at, "number of records", "0", "at least 1");
  const uint64_t length_at = fields.at();
  header.record_s = fields.number(8, "length of a record in s");
  const int64_t signals = fields.integer(4, "number of signals", 1);
  header.size = kBlock * (1 + uint64_t(signals));
  if (uint64_t(stated_size) != header.size) {
    throw DataError(
        fmt::format("{}: bytes of the header (byte 184): found {}, expected {} for {} "
                    "signals",
                    name, stated_size, header.size, signals));
  }
  require_bytes(file, name, header.size);
  header.signals.resize(size_t(signals));
  read_signals(fields, header.signals, name);
  for (const EdfSignal& s : header.signals) {
    if (s.annotations || (header.record_s > 0 && std::isfinite(header.rate_hz(s)))) continue;
    fields.fail(length_at, "length of a record in s", fmt::format("{}", header.record_s),
                "a number > 0");
  }
  const uint64_t body = file.size() - header.size;
  place_signals(header, body, name);
  count_records(header, body, records, name);
  return header;
}

}  // namespace tenfold::io
