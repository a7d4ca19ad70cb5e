#include "tools/samba-align/recording.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <nlohmann/json.hpp>

#include "common/core/error.h"
#include "common/io/file.h"
#include "common/io/npy.h"

namespace tenfold::samba_align {
namespace {

constexpr double kGridTolerance = 1e-6;  // of rate times TR

using Json = nlohmann::json;

Json read_json(const std::string& path) {
  try {
    return Json::parse(io::read_text(path));
  } catch (const Json::exception& e) {
    throw DataError(
        fmt::format("{}: found no JSON, expected what `simulate` or `prepare` writes", path));
  }
}

template <class T>
std::vector<T> values_of(const io::Tensor& t) {
  const auto* first = reinterpret_cast<const T*>(t.data.data());
  return {first, first + t.data.size() / sizeof(T)};
}

void read_matrix(const std::string& path, int64_t& rows, int64_t& columns,
                 std::vector<float>& out) {
  const io::Tensor t = io::read_npy(path);
  if (t.shape.size() != 2 || t.dtype != io::DType::kF32) {
    throw DataError(
        fmt::format("{}: found an array of {} dimensions and type {}, expected 2, [parcels, time], "
                    "of float32 (F32)",
                    path, t.shape.size(), io::dtype_name(t.dtype)));
  }
  rows = t.shape[0];
  columns = t.shape[1];
  out = values_of<float>(t);
  for (size_t i = 0; i < out.size(); ++i) {
    if (std::isfinite(out[i])) continue;
    throw DataError(fmt::format("{}: found {} at row {}, column {}, expected finite numbers", path,
                                out[i], int64_t(i) / columns, int64_t(i) % columns));
  }
}

Recording read_subject(const std::string& folder, const std::string& name, int64_t block) {
  Recording r;
  r.subject = name;
  const std::string at = folder + "/" + name;
  read_matrix(at + "/ele.npy", r.parcels, r.samples, r.ele);
  read_matrix(at + "/hemo.npy", r.targets, r.frames, r.hemo);
  if (r.samples != r.frames * block) {
    throw DataError(fmt::format("{}: found {} samples and {} frames, expected {} samples a frame",
                                at, r.samples, r.frames, block));
  }
  if (!io::exists(at + "/labels.npy")) return r;
  const io::Tensor labels = io::read_npy(at + "/labels.npy");
  if (labels.dtype != io::DType::kI32 || labels.shape != std::vector<int64_t>{r.frames})
    throw DataError(
        fmt::format("{}/labels.npy: expected {} numbers of int32, one a frame", at, r.frames));
  r.labels = values_of<int32_t>(labels);
  return r;
}

// Whose files truth.json lists: other folders may be left from an earlier simulation.
std::vector<std::string> subjects_of(const Json& truth) {
  const std::string end = "/ele.npy";
  std::vector<std::string> names;
  for (const auto& [file, facts] : truth.at("files").items()) {
    if (file.size() > end.size() && file.substr(file.size() - end.size()) == end)
      names.push_back(file.substr(0, file.size() - end.size()));
  }
  return names;
}

// Times to peak that `simulate` wrote down.
void add_truth(const Json& truth, RecordingSet& set) {
  if (!truth.contains("hrf") || !truth["hrf"].is_array()) return;
  for (Recording& r : set.subjects) {
    r.true_peaks.assign(size_t(r.parcels), NAN);
    for (const Json& h : truth["hrf"])
      if (h.at("subject") == r.subject)
        r.true_peaks.at(h.at("parcel").get<size_t>()) = h.at("time_to_peak_s").get<double>();
    const bool whole = std::none_of(r.true_peaks.begin(), r.true_peaks.end(),
                                    [](double p) { return std::isnan(p); });
    if (!whole) r.true_peaks.clear();
  }
}

}  // namespace

RecordingSet read_recordings(const std::string& folder, const std::vector<std::string>& subjects) {
  RecordingSet set;
  set.path = folder;
  const bool prepared = io::exists(folder + "/manifest.json");
  const std::string file = folder + (prepared ? "/manifest.json" : "/truth.json");
  if (!io::exists(file)) {
    throw MissingInput(fmt::format(
        "--data {}: found no truth.json and no manifest.json, expected a folder that `simulate` or "
        "`prepare` wrote",
        folder));
  }
  const Json truth = read_json(file);
  try {
    if (truth.at("fs").is_null() || truth.at("tr").is_null()) {
      throw DataError(fmt::format("{}: found {} only, expected electrophysiology and fMRI", file,
                                  truth.at("fs").is_null() ? "fMRI" : "electrophysiology"));
    }
    set.rate = truth.at("fs").get<double>();
    set.tr = truth.at("tr").get<double>();
    const double block = set.rate * set.tr;
    set.block = std::llround(block);
    if (std::abs(block - double(set.block)) > kGridTolerance || set.block < 1) {
      throw DataError(
          fmt::format("{}: found {} samples a frame (fs {} times TR {}), expected a whole number",
                      file, block, set.rate, set.tr));
    }
    for (const std::string& name : subjects.empty() ? subjects_of(truth) : subjects)
      set.subjects.push_back(read_subject(folder, name, set.block));
    add_truth(truth, set);
  } catch (const Json::exception&) {
    throw DataError(file + ": expected fs, tr and files as `simulate` or `prepare` writes them");
  } catch (const std::out_of_range&) {
    throw DataError(file + ": found a response of a parcel that the recording does not have");
  }
  if (set.subjects.empty()) throw DataError(file + ": found no subject, expected one at least");
  for (const Recording& r : set.subjects) {
    if (r.parcels == set.subjects[0].parcels && r.targets == set.subjects[0].targets) continue;
    throw DataError(fmt::format("{}/{}: found {} and {} parcels, expected {} and {} as {} has",
                                folder, r.subject, r.parcels, r.targets, set.subjects[0].parcels,
                                set.subjects[0].targets, set.subjects[0].subject));
  }
  return set;
}

}  // namespace tenfold::samba_align
