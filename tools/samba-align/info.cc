// `info`: what a recording, or a folder of recordings, holds.

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <filesystem>
#include <map>
#include <nlohmann/json.hpp>

#include "common/core/error.h"
#include "common/io/cifti.h"
#include "common/io/file.h"
#include "common/io/gzip.h"
#include "common/log/logger.h"
#include "tools/samba-align/commands.h"
#include "tools/samba-align/report.h"

namespace tenfold::samba_align {
namespace {

const std::vector<std::string> kSubjectColumns = {
    "subject", "parcels", "samples", "targets", "frames", "labels", "source_edges", "target_edges"};

struct Facts {
  log::Table table{{"fact", "value"}, {}};
  void add(const std::string& name, const log::Value& value) {
    table.rows.push_back({name, value});
  }
};

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

void add_volume(const io::NiftiHeader& h, const std::string& path, Facts& facts) {
  facts.add("format", fmt::format("NIfTI-{}{}", h.version, h.big_endian ? " (big-endian)" : ""));
  facts.add("shape", h.shape);
  facts.add("dtype", h.dtype);
  const double tr = h.shape.size() > 3 ? io::nifti_tr(h, path) : 0;
  facts.add("tr_s", tr > 0 ? log::Value(tr) : log::Value(nullptr));
  facts.add("scaling", fmt::format("v * {} + {}", h.slope, h.inter));
  facts.add("affine_from", h.affine_from);
  for (const auto& row : h.affine) facts.add("affine", std::vector<double>(row.begin(), row.end()));
}

void add_arrays(const std::string& path, Facts& facts, log::Result& result) {
  const io::ArrayFile file = io::open_array_file(path);
  for (const std::string& note : file.notes) log::info(note);
  facts.add("format", file.format);
  facts.add("shape", file.entries.size() == 1 ? log::Value(file.entries[0].shape) : nullptr);
  log::Table arrays{{"name", "type", "shape"}, {}};
  for (const io::ArrayEntry& e : file.entries) arrays.rows.push_back({e.name, e.type, e.shape});
  result.tables.emplace_back("arrays", arrays);
}

void add_recording(const FileRecording& r, Facts& facts, log::Result& result) {
  facts.add("format", r.format);
  std::vector<int64_t> shape = {r.rows, r.samples};
  if (r.epochs > 0) shape.insert(shape.begin(), r.epochs);
  facts.add("shape", shape);
  if (r.epochs > 0) facts.add("epochs", r.epochs);
  facts.add("fs_hz", r.rate_hz > 0 ? log::Value(r.rate_hz) : log::Value(nullptr));
  facts.add("tr_s", r.rate_hz > 0 ? log::Value(1 / r.rate_hz) : log::Value(nullptr));
  facts.add("unit", r.unit.empty() ? log::Value(nullptr) : log::Value(r.unit));
  for (const io::SignalFact& f : r.facts) facts.add(f.name, f.value);
  facts.add("events", int64_t(r.events.size()));
  for (const std::string& note : r.notes) facts.add("note", note);
  std::map<std::string, int64_t> counts;
  for (const io::SignalEvent& e : r.events) ++counts[e.label];
  log::Table events{{"label", "count"}, {}};
  for (const auto& [label, count] : counts) events.rows.push_back({label, count});
  result.tables.emplace_back("events", events);
}

void add_file(const InfoConfig& config, log::Result& result) {
  const std::string& path = config.data;
  Facts facts;
  const bool signals = ends_with(path, ".fif") || ends_with(path, ".fif.gz") ||
                       ends_with(path, ".edf") || ends_with(path, ".bdf") ||
                       ends_with(path, ".vhdr") || ends_with(path, ".gii");
  const io::Bytes file = signals ? io::Bytes() : io::read_maybe_gzip(path);
  if (signals || io::is_cifti(file)) {
    add_recording(read_file_as_is(path, config.file, Modality::kElectrophysiology), facts, result);
  } else if (io::is_nifti(file) || ends_with(path, ".nii") || ends_with(path, ".nii.gz")) {
    add_volume(io::parse_nifti_header(file, path), path, facts);
  } else {
    add_arrays(path, facts, result);
  }
  facts.add("sha256", sha256_of_file(path));
  result.data = {
      {"name", std::string("recording")}, {"origin", std::string("user")}, {"file", path}};
  result.tables.emplace_back("facts", facts.table);
}

// A prepared folder of one modality has no windows: what its manifest says. False for others.
bool add_one_modality(const std::string& folder, log::Result& result) {
  const std::string path = folder + "/manifest.json";
  if (!io::exists(path)) return false;
  try {
    const auto manifest = nlohmann::json::parse(io::read_text(path));
    if (!manifest.at("fs").is_null() && !manifest.at("tr").is_null()) return false;
    const auto fact = [&](const char* name) {
      return manifest.at(name).is_null() ? log::Value(nullptr)
                                         : log::Value(manifest.at(name).get<double>());
    };
    result.data = {{"name", std::string("prepared recordings of one modality")},
                   {"folder", folder},
                   {"fs", fact("fs")},
                   {"tr", fact("tr")}};
    log::Table subjects{kSubjectColumns, {}};
    for (const auto& s : manifest.at("subjects")) {
      subjects.rows.push_back(
          {s.at("name").get<std::string>(), int64_t(manifest.at("parcels").at("ele").size()),
           s.at("samples").get<int64_t>(), int64_t(manifest.at("parcels").at("hemo").size()),
           s.at("frames").get<int64_t>(), nullptr, nullptr, nullptr});
    }
    result.tables.emplace_back("subjects", subjects);
  } catch (const nlohmann::json::exception&) {
    throw DataError(path + ": expected what `prepare` writes");
  }
  return true;
}

}  // namespace

int info(const InfoConfig& config, cli::Run& run) {
  log::Result result;
  result.seeds = {run.options().seed[0]};  // nothing is drawn
  if (std::filesystem::is_directory(config.data) && add_one_modality(config.data, result)) {
    log::info(config.data + ": one modality alone, which has no windows");
  } else if (std::filesystem::is_directory(config.data)) {
    const RecordingSet recordings = read_recordings(config.data, {});
    DatasetOptions options = config.windows;
    options.context_frames = int64_t(std::ceil(config.context / recordings.tr - 1e-9));
    const Dataset dataset(recordings, options);
    result.data = data_facts(recordings, dataset);
    log::Table subjects{kSubjectColumns, {}};
    for (size_t s = 0; s < recordings.subjects.size(); ++s) {
      const Recording& r = recordings.subjects[s];
      subjects.rows.push_back({r.subject, r.parcels, r.samples, r.targets, r.frames,
                               int64_t(r.labels.size()), dataset.source_graph(s)->edges(),
                               dataset.target_graph(s)->edges()});
    }
    result.tables.emplace_back("subjects", subjects);
  } else {
    add_file(config, result);
  }
  run.emit(result, "info/1");
  return 0;
}

}  // namespace tenfold::samba_align
