#include "common/io/edf_annotations.h"

#include <fmt/format.h>

#include <cmath>
#include <optional>
#include <string_view>

#include "common/core/error.h"
#include "common/io/signal_text.h"
#include "common/io/text.h"

namespace tenfold::io {
namespace {

constexpr char kTextEnd = 0x14, kDurationBegin = 0x15;

// The annotation lists of one signal in one record.
class Lists {
 public:
  Lists(std::string_view bytes, std::string where) : bytes_(bytes), where_(std::move(where)) {}

  // Appends the events; returns the onset of the first list, nothing where there is no list.
  std::optional<double> read(std::vector<SignalEvent>& events) const {
    std::optional<double> first;
    for (size_t at = 0; (at = bytes_.find_first_not_of('\0', at)) != std::string_view::npos;) {
      const std::string_view list = bytes_.substr(at, bytes_.find('\0', at) - at);
      const double onset = read_list(list, events);
      if (!first) first = onset;
      at += list.size();
    }
    return first;
  }

 private:
  double read_list(std::string_view list, std::vector<SignalEvent>& events) const {
    const size_t head = list.find(kTextEnd);
    if (list.back() != kTextEnd) fail(list, "texts that end in a byte 0x14");
    const std::string_view times = list.substr(0, head);
    const size_t split = times.find(kDurationBegin);
    const std::string_view onset_text = times.substr(0, split);
    const std::optional<double> onset = number_in(onset_text);
    if (!onset || (onset_text[0] != '+' && onset_text[0] != '-'))
      fail(list, "an onset such as +1.5");
    std::optional<double> duration = 0;
    if (split != std::string_view::npos) duration = number_in(times.substr(split + 1));
    if (!duration || *duration < 0) fail(list, "a duration >= 0");
    for (std::string_view rest = list.substr(head + 1); !rest.empty();) {
      const size_t end = rest.find(kTextEnd);
      if (end > 0) events.push_back({*onset, *duration, utf8_of(rest.substr(0, end))});
      rest.remove_prefix(end + 1);
    }
    return *onset;
  }

  [[noreturn]] void fail(std::string_view list, const char* expected) const {
    throw DataError(fmt::format("{}: found '{}', expected {}", where_, shown(list), expected));
  }

  std::string_view bytes_;
  std::string where_;
};

// A gap is a time that is off by more than this part of a record.
constexpr double kOff = 1e-3;

}  // namespace

std::vector<SignalEvent> parse_edf_annotations(const Bytes& file, const EdfHeader& header,
                                               const std::string& name) {
  std::vector<SignalEvent> events;
  double begin = 0;
  for (int64_t r = 0; r < header.records; ++r) {
    const uint64_t record = header.size + uint64_t(r) * header.record_bytes;
    bool first_signal = true;  // which carries the record's time
    for (const EdfSignal& s : header.signals) {
      if (!s.annotations) continue;
      const std::string where =
          fmt::format("{}: annotations of record {} (byte {})", name, r + 1, record + s.offset);
      const char* bytes = reinterpret_cast<const char*>(file.data()) + record + s.offset;
      const Lists lists({bytes, uint64_t(s.samples_a_record) * header.sample_bytes()}, where);
      const std::optional<double> time = lists.read(events);
      if (!first_signal) continue;
      first_signal = false;
      if (r == 0 && time) begin = *time;
      const double due = begin + double(r) * header.record_s;
      if (!header.discontinuous) continue;
      if (!time) throw DataError(where + ": found no time, which every record of EDF+D carries");
      if (std::abs(*time - due) > kOff * header.record_s) {
        throw DataError(
            fmt::format("{}: the record begins at {} s, expected {} s: a recording "
                        "with gaps (EDF+D) is not read",
                        where, *time, due));
      }
    }
    if (header.discontinuous && first_signal)
      throw DataError(name + ": EDF+D without annotation signal, expected the records' times");
  }
  for (SignalEvent& event : events) event.onset_s -= begin;
  return events;
}

}  // namespace tenfold::io
