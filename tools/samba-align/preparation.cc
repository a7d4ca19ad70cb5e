#include "tools/samba-align/preparation.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>

#include "common/core/error.h"
#include "common/io/bids.h"

namespace tenfold::samba_align {
namespace {

constexpr double kGridTolerance = 1e-6;

// "sub-XX" in a path, the last one; "" where there is none.
std::string subject_in(const std::string& path) {
  const size_t at = path.rfind("sub-");
  if (at == std::string::npos || (at > 0 && path[at - 1] != '/' && path[at - 1] != '_')) return "";
  size_t end = at + 4;
  while (end < path.size() && std::isalnum(static_cast<unsigned char>(path[end])) != 0) ++end;
  return end > at + 4 ? path.substr(at, end - at) : "";
}

// One subject's files, run after run.
struct SubjectFiles {
  std::string name;
  std::vector<std::string> ele, hemo, events;
};

std::vector<std::string> names_of(const PrepareOptions& o) {
  if (!o.subjects.empty()) return o.subjects;
  std::vector<std::string> names;
  for (const std::string& path : o.ele.empty() ? o.hemo : o.ele) {
    const std::string name = subject_in(path);
    if (name.empty()) return {"sub-01"};
    if (std::find(names.begin(), names.end(), name) == names.end()) names.push_back(name);
  }
  return names;
}

std::vector<SubjectFiles> files_of(const PrepareOptions& o) {
  std::vector<SubjectFiles> out;
  for (const std::string& name : names_of(o)) {
    if (name.find('/') != std::string::npos || name == "." || name == "..")
      throw UsageError(fmt::format("--subjects: found '{}', expected the name of a folder", name));
    out.push_back({name, {}, {}, {}});
  }
  const auto deal = [&](const std::vector<std::string>& files, const char* option, auto member) {
    if (files.size() % out.size() != 0) {
      throw UsageError(
          fmt::format("--{}: found {} files for {} subjects, expected as many runs each", option,
                      files.size(), out.size()));
    }
    const size_t runs = files.size() / out.size();
    for (size_t i = 0; i < files.size(); ++i) {
      SubjectFiles& subject = out[i / runs];
      const std::string found = subject_in(files[i]);
      if (!found.empty() && subject_in(subject.name) == subject.name && found != subject.name) {
        throw DataError(
            fmt::format("--{}: {}: is of {}, expected a file of {} in this place: name "
                        "both modalities' files in one order",
                        option, files[i], found, subject.name));
      }
      (subject.*member).push_back(files[i]);
    }
  };
  deal(o.ele, "ele", &SubjectFiles::ele);
  deal(o.hemo, "hemo", &SubjectFiles::hemo);
  deal(o.events, "events", &SubjectFiles::events);
  for (const SubjectFiles& s : out) {
    const size_t runs = std::max(s.ele.size(), s.hemo.size());
    for (const auto* files : {&s.ele, &s.hemo, &s.events}) {
      if (files->empty() || files->size() == runs) continue;
      throw UsageError(fmt::format(
          "{}: found {} runs of --ele, {} of --hemo and {} of --events, expected equally many",
          s.name, s.ele.size(), s.hemo.size(), s.events.size()));
    }
  }
  return out;
}

class Preparer {
 public:
  explicit Preparer(const PrepareOptions& options) : o_(options) {
    if (!o_.ele_parcels.empty()) ele_atlas_ = read_parcellation(o_.ele_parcels);
    if (!o_.hemo_parcels.empty()) hemo_atlas_ = read_parcellation(o_.hemo_parcels);
  }

  Preparation all() {
    if (o_.ele.empty() && o_.hemo.empty())
      throw UsageError("--ele, --hemo: expected files of one of them at least");
    for (const SubjectFiles& files : files_of(o_)) add(files);
    add_labels();
    return std::move(out_);
  }

 private:
  FileRecording read(const std::string& path, const FileOptions& options, Modality modality,
                     const std::optional<Parcellation>& atlas) {
    FileOptions with_rows = options;
    if (atlas) with_rows.rows = int64_t(atlas->labels.size());
    FileRecording r = read_file_as_is(path, with_rows, modality);
    require_continuous(r);
    if (atlas) {
      average_parcels(r, *atlas, options.nan);
      note(fmt::format("{}: rows averaged over {} parcels of {}", path, r.rows, atlas->path));
    }
    finish_recording(r, options, modality);
    for (const std::string& n : r.notes) note(n);
    return r;
  }

  void note(const std::string& text) {
    if (std::find(out_.done.begin(), out_.done.end(), text) == out_.done.end())
      out_.done.push_back(text);
  }

  // Rate, parcels and names of the first file hold for all.
  void require_as_first(const FileRecording& r, double& rate, double found,
                        std::vector<ParcelName>& parcels,
                        const std::optional<Parcellation>& atlas) {
    if (rate == 0) {
      rate = found;
      if (atlas) {
        parcels = atlas->parcels;
      } else {
        for (int64_t i = 0; i < r.rows; ++i)
          parcels.push_back(
              parcel_name(r.names.empty() ? fmt::format("{}", i) : r.names[size_t(i)]));
      }
      return;
    }
    if (int64_t(parcels.size()) != r.rows) {
      throw DataError(fmt::format("{}: found {} parcels, expected {} as the first file has", r.path,
                                  r.rows, parcels.size()));
    }
    if (std::abs(rate - found) > 1e-6 * rate) {
      throw DataError(fmt::format(
          "{}: found {}, expected {} as the first file has (Hz, or s of TR)", r.path, found, rate));
    }
  }

  void trim(FileRecording& r, size_t run) {
    if (o_.trim.empty()) return;
    const int64_t n = o_.trim.size() == 1 ? o_.trim[0] : run < o_.trim.size() ? o_.trim[run] : 0;
    if (2 * n >= r.samples)
      throw DataError(fmt::format("--trim-samples {}: {}: found {} samples, expected more", n,
                                  r.path, r.samples));
    std::vector<double> kept;
    for (int64_t c = 0; c < r.rows; ++c)
      kept.insert(kept.end(), r.values.begin() + c * r.samples + n,
                  r.values.begin() + (c + 1) * r.samples - n);
    r.values = std::move(kept);
    r.samples -= 2 * n;
    if (n > 0) note(fmt::format("{}: {} samples off each end", r.path, n));
  }

  // The block of samples that a frame is; resamples where that is allowed.
  int64_t block_of(FileRecording& r) {
    double block = r.rate_hz * out_.tr;
    if (std::abs(block - std::round(block)) > kGridTolerance || block < 1) {
      if (!o_.ele_file.resample || block < 1) {
        throw DataError(fmt::format(
            "{}: found {} samples a frame ({} Hz times a TR of {} s), expected a whole number: "
            "--resample brings it to {} Hz",
            r.path, block, r.rate_hz, out_.tr, std::floor(block) / out_.tr));
      }
      resample(r, std::floor(block) / out_.tr);
      note(r.notes.back());
      block = r.rate_hz * out_.tr;
    }
    return std::llround(block);
  }

  void add(const SubjectFiles& files) {
    PreparedSubject s;
    s.name = files.name;
    s.ele_sources = files.ele;
    s.hemo_sources = files.hemo;
    std::vector<FileRecording> ele, hemo;
    double start = 0;  // s, of the run in what is joined
    for (size_t run = 0; run < std::max(files.ele.size(), files.hemo.size()); ++run) {
      if (!files.hemo.empty()) {
        hemo.push_back(read(files.hemo[run], o_.hemo_file, Modality::kFmri, hemo_atlas_));
        require_as_first(hemo.back(), out_.tr, hemo.back().tr, out_.hemo_parcels, hemo_atlas_);
      }
      if (!files.ele.empty()) add_ele(files.ele[run], run, ele);
      if (!ele.empty() && !hemo.empty()) settle_durations(ele.back(), hemo.back());
      start += add_events(files, run, ele, hemo, start, s);
    }
    s.ele = joined(ele);
    s.hemo = joined(hemo);
    out_.subjects.push_back(std::move(s));
  }

  void add_ele(const std::string& path, size_t run, std::vector<FileRecording>& ele) {
    FileRecording r = read(path, o_.ele_file, Modality::kElectrophysiology, ele_atlas_);
    trim(r, run);
    if (out_.tr > 0) out_.block = block_of(r);
    require_as_first(r, out_.fs, r.rate_hz, out_.ele_parcels, ele_atlas_);
    out_.ele_unit = r.unit.empty() ? "none" : r.unit;
    ele.push_back(std::move(r));
  }

  void settle_durations(FileRecording& ele, FileRecording& hemo) {
    const int64_t whole = ele.samples / out_.block, frames = std::min(whole, hemo.samples);
    const double seconds[] = {double(ele.samples) / out_.fs, double(hemo.samples) * out_.tr};
    if (std::abs(seconds[0] - seconds[1]) > out_.tr && o_.durations == "refuse") {
      throw DataError(
          fmt::format("{} and {}: found {} s and {} s, expected the same duration within "
                      "a frame: --trim-samples, --durations cut, or another --layout",
                      ele.path, hemo.path, seconds[0], seconds[1]));
    }
    if (frames < 1)
      throw DataError(
          fmt::format("{}: found {} samples, less than a frame", ele.path, ele.samples));
    if (ele.samples != frames * out_.block || hemo.samples != frames) {
      note(fmt::format("{} ({} s) and {} ({} s): cut to {} frames", ele.path, seconds[0], hemo.path,
                       seconds[1], frames));
    }
    shorten(ele, frames * out_.block);
    shorten(hemo, frames);
  }

  static void shorten(FileRecording& r, int64_t samples) {
    if (r.samples == samples) return;
    std::vector<double> kept;
    kept.reserve(size_t(r.rows * samples));
    for (int64_t c = 0; c < r.rows; ++c) {
      const auto row = r.values.begin() + c * r.samples;
      kept.insert(kept.end(), row, row + samples);
    }
    r.values = std::move(kept);
    r.samples = samples;
  }

  // Events of one run, moved behind the runs before; returns the run's seconds.
  double add_events(const SubjectFiles& files, size_t run, const std::vector<FileRecording>& ele,
                    const std::vector<FileRecording>& hemo, double start, PreparedSubject& s) {
    const double seconds =
        hemo.empty() ? double(ele.back().samples) / out_.fs : double(hemo.back().samples) * out_.tr;
    std::string path = files.events.empty() ? "" : files.events[run];
    if (path.empty() && !files.hemo.empty()) {
      const std::vector<std::string> near = io::events_files_of(files.hemo[run]);
      if (!near.empty()) path = near[0];
    }
    if (path.empty()) return seconds;
    std::vector<io::SignalEvent> events = io::read_events_tsv(path);
    io::require_events_inside(events, seconds, path);
    for (io::SignalEvent& e : events) {
      e.duration_s = std::min(e.duration_s, seconds - e.onset_s);
      e.onset_s += start;
      s.events.push_back(e);
    }
    s.event_sources.push_back(path);
    return seconds;
  }

  static FloatMatrix joined(const std::vector<FileRecording>& runs) {
    int64_t samples = 0;
    for (const FileRecording& r : runs) samples += r.samples;
    FloatMatrix out(runs.empty() ? 0 : runs[0].rows, samples);
    int64_t at = 0;
    for (const FileRecording& r : runs) {
      out.middleCols(at, r.samples) =
          Eigen::Map<const Matrix>(r.values.data(), r.rows, r.samples).cast<float>();
      at += r.samples;
    }
    return out;
  }

  // One list of names for all subjects; a frame's label is that of its last sample.
  void add_labels() {
    std::vector<io::SignalEvent> all;
    for (const PreparedSubject& s : out_.subjects)
      all.insert(all.end(), s.events.begin(), s.events.end());
    if (all.empty() || out_.tr == 0) return;
    out_.label_names = io::label_names(all);
    const double last = out_.block > 0 ? out_.tr / double(out_.block) : 1e-6;
    for (PreparedSubject& s : out_.subjects) {
      std::vector<double> times;
      for (int64_t j = 0; j < s.hemo.cols(); ++j) times.push_back(double(j + 1) * out_.tr - last);
      s.labels = io::labels_at(times, s.events, out_.label_names);
    }
  }

  const PrepareOptions& o_;
  std::optional<Parcellation> ele_atlas_, hemo_atlas_;
  Preparation out_;
};

}  // namespace

Preparation prepare_recordings(const PrepareOptions& options) { return Preparer(options).all(); }

}  // namespace tenfold::samba_align
