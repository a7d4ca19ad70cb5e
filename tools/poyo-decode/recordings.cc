#include "tools/poyo-decode/recordings.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <set>

#include "common/core/error.h"
#include "common/io/file.h"
#include "common/log/logger.h"
#include "tools/poyo-decode/generator.h"

namespace tenfold::poyo_decode {
namespace {

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

std::vector<std::string> files_of(const std::string& path) {
  if (!std::filesystem::is_directory(path)) return {path};
  std::vector<std::string> files;
  for (const std::string& name : io::list_folder(path))
    if (ends_with(name, ".h5") || ends_with(name, ".nwb") || ends_with(name, ".mat"))
      files.push_back(path + "/" + name);
  if (files.empty())
    throw MissingInput(
        fmt::format("--data {}: found no .h5, .nwb or .mat file in the folder", path));
  return files;
}

// NAME:NUMBER,... of --synthetic.
class Specification {
 public:
  explicit Specification(const std::string& text) : text_(text) {
    size_t at = 0;
    while (at <= text.size()) {
      const size_t comma = std::min(text.find(',', at), text.size());
      read(text.substr(at, comma - at));
      at = comma + 1;
    }
  }
  double operator[](const std::string& name) const { return values_.at(name); }
  int64_t whole(const std::string& name) const { return int64_t(values_.at(name)); }

 private:
  void read(const std::string& part) {
    const size_t colon = part.find(':');
    char* end = nullptr;
    const double value =
        colon == std::string::npos ? 0 : std::strtod(part.c_str() + colon + 1, &end);
    const auto known = values_.find(part.substr(0, colon));
    if (known == values_.end() || end == nullptr || end == part.c_str() + colon + 1 ||
        *end != '\0' || !(value >= 0)) {
      throw UsageError(fmt::format(
          "--synthetic: found '{}' in '{}', expected NAME:NUMBER with one of co, rt, units, "
          "seconds, gain, seed, untuned, multi, pool",
          part, text_));
    }
    known->second = value;
  }

  std::string text_;
  std::map<std::string, double> values_ = {{"co", 0},        {"rt", 0},     {"units", 24},
                                           {"seconds", 200}, {"gain", 1.2}, {"seed", 0},
                                           {"untuned", 0},   {"multi", 0},  {"pool", 0}};
};

std::vector<Recording> generated(const std::string& text) {
  const Specification spec(text);
  std::vector<Recording> recordings;
  GeneratorOptions options;
  options.units = spec.whole("units");
  options.duration = spec["seconds"];
  options.gain = spec["gain"];
  options.untuned = spec["untuned"];
  options.multi_units = spec["multi"];
  options.pool = spec.whole("pool");
  const auto add = [&](ReachTask task, const char* name, int64_t count) {
    options.task = task;
    for (int64_t i = 0; i < count; ++i) {
      recordings.push_back(
          generate(options, uint64_t(spec.whole("seed")), fmt::format("g_{}_{:02d}", name, i)));
    }
  };
  add(ReachTask::kCentreOut, "co", spec.whole("co"));
  add(ReachTask::kRandomTarget, "rt", spec.whole("rt"));
  if (recordings.empty())
    throw UsageError(
        fmt::format("--synthetic: found '{}', expected co:N or rt:N with N >= 1", text));
  return recordings;
}

std::vector<Recording> chosen(std::vector<Recording> all, const std::vector<std::string>& ids) {
  if (ids.empty()) return all;
  std::set<std::string> wanted(ids.begin(), ids.end());
  std::vector<Recording> out;
  for (Recording& r : all)
    if (wanted.erase(r.session) > 0) out.push_back(std::move(r));
  if (!wanted.empty()) {
    throw UsageError(fmt::format("--sessions: '{}' is not among the recordings", *wanted.begin()));
  }
  return out;
}

}  // namespace

std::vector<Recording> load_recordings(const DataConfig& config, bool need_behaviour) {
  if (!config.synthetic.empty()) return chosen(generated(config.synthetic), config.sessions);
  std::vector<Recording> all;
  ReadOptions options;
  options.dataset = describe(config.dataset.empty() ? "perich" : config.dataset);
  options.readout = config.readout.empty() ? options.dataset.readout : config.readout;
  options.need_behaviour = need_behaviour;
  if (need_behaviour && options.readout.find("vel") == std::string::npos) {
    log::warning(
        fmt::format("--readout {}: not called a velocity; it is decoded as it stands, over "
                    "--normalize-std",
                    options.readout));
  }
  for (const std::string& path : config.data)
    for (const std::string& file : files_of(path)) all.push_back(read_recording(file, options));
  return chosen(std::move(all), config.sessions);
}

DatasetOptions dataset_options(const DataConfig& config, const std::string& loss_weights) {
  DatasetOptions options;
  options.description = describe(config.dataset.empty() ? "perich" : config.dataset);
  options.normalize_std =
      config.normalize_std > 0 ? config.normalize_std : options.description.normalize_std;
  options.loss_weights = loss_weights;
  return options;
}

}  // namespace tenfold::poyo_decode
