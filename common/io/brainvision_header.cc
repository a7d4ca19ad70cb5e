#include "common/io/brainvision_header.h"

#include <fmt/format.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <optional>
#include <string_view>

#include "common/core/error.h"
#include "common/io/signal_text.h"
#include "common/io/text.h"

namespace tenfold::io {
namespace {

// INI text: "[section]" lines, "key=value" lines, ";" comments; free text from [Comment] on.
class Ini {
 public:
  // `kind` is the word that the first line has to hold.
  Ini(const std::string& text, const std::string& name, const char* kind) : name_(name) {
    const std::string decoded = utf8_of(text);
    std::string_view rest = decoded;
    if (rest.substr(0, 3) == "\xEF\xBB\xBF") rest.remove_prefix(3);
    const std::string_view first = rest.substr(0, rest.find('\n'));
    if (first.substr(0, 5) != "Brain" || first.find(kind) == std::string_view::npos) {
      throw DataError(
          fmt::format("{}: found '{}' as its first line, expected 'Brain Vision Data "
                      "Exchange {}, Version 1.0'",
                      name, shown(trimmed(first)), kind));
    }
    std::string section;
    for (int line = 1; !rest.empty(); ++line) {
      const size_t end = std::min(rest.find('\n'), rest.size() - 1);
      read_line(trimmed(rest.substr(0, end + 1)), line, section);
      rest.remove_prefix(end + 1);
    }
  }

  std::optional<std::string> find(const std::string& section, const std::string& key) const {
    const auto found = values_.find({section, key});
    return found == values_.end() ? std::nullopt : std::optional(found->second);
  }

  std::string require(const std::string& section, const std::string& key) const {
    const std::optional<std::string> value = find(section, key);
    if (!value) throw DataError(fmt::format("{}: [{}] {}: not there", name_, section, key));
    return *value;
  }

  [[noreturn]] void fail(const std::string& section, const std::string& key,
                         const std::string& expected) const {
    throw DataError(fmt::format("{}: [{}] {}: found '{}', expected {}", name_, section, key,
                                shown(find(section, key).value_or("")), expected));
  }

 private:
  void read_line(std::string_view line, int number, std::string& section) {
    if (line.empty() || line[0] == ';' || number == 1) return;
    if (section == "Comment") return;
    if (line.front() == '[' && line.back() == ']') {
      section = line.substr(1, line.size() - 2);
      return;
    }
    const size_t equals = line.find('=');
    if (section.empty() || equals == std::string_view::npos) return;
    const std::string key(trimmed(line.substr(0, equals)));
    if (!values_.emplace(std::pair(section, key), trimmed(line.substr(equals + 1))).second) {
      throw DataError(
          fmt::format("{}:{}: [{}] {} stands twice", name_, number, shown(section), shown(key)));
    }
  }

  const std::string& name_;
  std::map<std::pair<std::string, std::string>, std::string> values_;
};

constexpr const char *kCommon = "Common Infos", *kBinary = "Binary Infos";
constexpr const char *kChannels = "Channel Infos", *kMarkers = "Marker Infos";

// Parts between commas, in which "\1" stands for a comma.
std::vector<std::string> split(const std::string& text) {
  std::vector<std::string> parts(1);
  for (size_t i = 0; i < text.size(); ++i) {
    if (text[i] == ',') {
      parts.emplace_back();
    } else if (text.compare(i, 2, "\\1") == 0) {
      parts.back() += ',';
      ++i;
    } else {
      parts.back() += text[i];
    }
  }
  return parts;
}

// The file's base name; "$b" stands for the header's own without its ending.
std::string file_name(const Ini& ini, const std::string& key, const std::string& name) {
  std::string file = ini.find(kCommon, key).value_or("");
  const size_t stem = file.find("$b");
  if (stem != std::string::npos) file.replace(stem, 2, std::filesystem::path(name).stem().string());
  file = file.substr(file.find_last_of("/\\") + 1);
  if (file == "." || file == ".." || file.find('\0') != std::string::npos)
    ini.fail(kCommon, key, "a file's name");
  return file;
}

BrainVisionFormat format_of(const Ini& ini) {
  const std::string found = ini.require(kBinary, "BinaryFormat");
  if (found == "INT_16") return BrainVisionFormat::kInt16;
  if (found == "INT_32") return BrainVisionFormat::kInt32;
  if (found == "IEEE_FLOAT_32") return BrainVisionFormat::kFloat32;
  ini.fail(kBinary, "BinaryFormat", "INT_16, INT_32 or IEEE_FLOAT_32");
}

int64_t integer(const Ini& ini, const std::string& section, const std::string& key, int64_t least) {
  const std::optional<int64_t> value = integer_in(ini.require(section, key));
  if (!value || *value < least) ini.fail(section, key, fmt::format("an integer >= {}", least));
  return *value;
}

BrainVisionChannel channel(const Ini& ini, const std::string& key) {
  const std::vector<std::string> parts = split(ini.require(kChannels, key));
  if (parts.size() < 2) ini.fail(kChannels, key, "name,reference,resolution,unit");
  const auto part = [&](size_t i) { return i < parts.size() ? trimmed(parts[i]) : ""; };
  const std::optional<double> resolution = part(2).empty() ? 1 : number_in(part(2));
  if (!resolution) ini.fail(kChannels, key, "a number as third, the resolution");
  const SiUnit si = si_unit(part(3).empty() ? "uV" : part(3));
  return {std::string(part(0)), si.unit, *resolution * si.scale};
}

// What is read only in one form: refused where the key is there and says otherwise.
void require_form(const Ini& ini, const char* section, const char* key, const char* only) {
  if (ini.find(section, key).value_or(only) != only) ini.fail(section, key, only);
}

}  // namespace

BrainVisionHeader parse_brainvision_header(const std::string& text, const std::string& name) {
  const Ini ini(text, name, "Header File");
  BrainVisionHeader header;
  require_form(ini, kCommon, "DataFormat", "BINARY");
  require_form(ini, kCommon, "DataType", "TIMEDOMAIN");
  require_form(ini, kCommon, "SegmentationType", "NOTSEGMENTED");
  require_form(ini, kBinary, "UseBigEndianOrder", "NO");
  header.data_file = file_name(ini, "DataFile", name);
  if (header.data_file.empty()) ini.fail(kCommon, "DataFile", "a file's name");
  header.marker_file = file_name(ini, "MarkerFile", name);
  header.format = format_of(ini);
  const std::string order = ini.find(kCommon, "DataOrientation").value_or("MULTIPLEXED");
  header.vectorized = order == "VECTORIZED";
  if (!header.vectorized && order != "MULTIPLEXED")
    ini.fail(kCommon, "DataOrientation", "MULTIPLEXED or VECTORIZED");
  const std::optional<double> interval = number_in(ini.require(kCommon, "SamplingInterval"));
  header.rate_hz = interval ? 1e6 / *interval : 0;
  if (!(header.rate_hz > 0) || !std::isfinite(header.rate_hz))
    ini.fail(kCommon, "SamplingInterval", "a number of microseconds > 0");
  if (ini.find(kCommon, "DataPoints")) header.samples = integer(ini, kCommon, "DataPoints", 0);
  const int64_t channels = integer(ini, kCommon, "NumberOfChannels", 1);
  for (int64_t i = 1; i <= channels; ++i)
    header.channels.push_back(channel(ini, fmt::format("Ch{}", i)));
  return header;
}

std::vector<SignalEvent> parse_brainvision_markers(const std::string& text, double rate_hz,
                                                   const std::string& name) {
  const Ini ini(text, name, "Marker File");
  std::vector<SignalEvent> events;
  for (int64_t i = 1;; ++i) {
    const std::string key = fmt::format("Mk{}", i);
    const std::optional<std::string> line = ini.find(kMarkers, key);
    if (!line) return events;
    const std::vector<std::string> parts = split(*line);
    if (parts.size() < 4) ini.fail(kMarkers, key, "type,description,position,size,channel");
    const std::optional<int64_t> position = integer_in(trimmed(parts[2]));
    const std::optional<int64_t> size = integer_in(trimmed(parts[3]));
    if (!position || *position < 0) ini.fail(kMarkers, key, "a position >= 0 as third");
    if (!size || *size < 0) ini.fail(kMarkers, key, "a size >= 0 as fourth");
    if (i == 1 && parts[0] == "New Segment") continue;
    events.push_back(
        {double(*position - 1) / rate_hz, double(*size) / rate_hz, parts[0] + "/" + parts[1]});
  }
}

}  // namespace tenfold::io
