#include "tools/poyo-decode/temporaldata_writer.h"

#include <algorithm>
#include <cmath>

namespace tenfold::poyo_decode {
namespace {

// Where every whole second of the domain begins in `times`, for lazy readers.
std::vector<int64_t> second_indices(const std::vector<double>& times, const Intervals& domain) {
  std::vector<int64_t> out;
  if (domain.empty()) return out;
  // As numpy.arange(first start, last end + 1, 1).
  const auto n = static_cast<int64_t>(std::ceil(domain.back().end + 1 - domain.front().start));
  for (int64_t second = 0; second < n; ++second) {
    const double t = domain.front().start + static_cast<double>(second);
    out.push_back(std::lower_bound(times.begin(), times.end(), t) - times.begin());
  }
  return out;
}

}  // namespace

void describe(io::Hdf5Writer& writer, const std::string& group, const std::string& object) {
  writer.attribute(group, "object", object);
}

void describe(io::Hdf5Writer& writer, const std::string& group, const std::string& object,
              const std::vector<std::string>& timekeys) {
  describe(writer, group, object);
  writer.fixed_attribute(group, "timekeys", timekeys);
  writer.fixed_attribute(group, "_unicode_keys", {});
}

void write_data(io::Hdf5Writer& writer, const std::string& group,
                const std::vector<std::pair<std::string, std::string>>& texts) {
  if (group != "/") writer.group(group);
  describe(writer, group, "Data");
  writer.attribute(group, "absolute_start", 0.0);
  for (const auto& [name, text] : texts) writer.attribute(group, name, text);
}

void write_bounds(io::Hdf5Writer& writer, const std::string& group, const Intervals& intervals) {
  std::vector<double> start, end;
  for (const Interval& i : intervals) {
    start.push_back(i.start);
    end.push_back(i.end);
  }
  writer.write(group + "/start", start);
  writer.write(group + "/end", end);
}

void write_intervals(io::Hdf5Writer& writer, const std::string& group, const Intervals& intervals) {
  write_bounds(writer, group, intervals);
  describe(writer, group, "Interval", {"start", "end"});
}

void write_series(io::Hdf5Writer& writer, const std::string& group,
                  const std::vector<double>& times, const Intervals& domain) {
  writer.write(group + "/timestamps", times);
  writer.write(group + "/timestamp_indices_1s", second_indices(times, domain));
  write_intervals(writer, group + "/domain", domain);
  describe(writer, group, "IrregularTimeSeries", {"timestamps"});
}

void write_pairs(io::Hdf5Writer& writer, const std::string& path,
                 const std::vector<float>& values) {
  if (values.empty()) return;
  writer.write(path, std::vector<double>(values.begin(), values.end()),
               {static_cast<int64_t>(values.size() / 2), 2});
}

}  // namespace tenfold::poyo_decode
