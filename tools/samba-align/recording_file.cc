#include "tools/samba-align/recording_file.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "common/core/error.h"
#include "common/io/bids.h"
#include "common/io/brainvision.h"
#include "common/io/cifti.h"
#include "common/io/edf.h"
#include "common/io/fif.h"
#include "common/io/file.h"
#include "common/io/gifti.h"
#include "common/io/gzip.h"
#include "common/io/sha256.h"
#include "common/stats/resampling.h"

namespace tenfold::samba_align {
namespace {

constexpr double kSameRate = 1e-6;  // relative
constexpr double kLongestTr = 30;   // s

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

bool same(double a, double b) { return std::abs(a - b) <= kSameRate * std::max(a, b); }

io::FifOptions fif_options(const FileOptions& o) {
  io::FifOptions out;
  out.keep_bads = o.keep_bads;
  out.allow_maxshield = o.allow_maxshield;
  out.gaps_zero = o.fif_gaps == "zero";
  if (o.picks == "meg") out.picks = io::FifPicks::kMeg;
  if (o.picks == "mag") out.picks = io::FifPicks::kMagnetometers;
  if (o.picks == "grad") out.picks = io::FifPicks::kGradiometers;
  if (o.picks == "eeg") out.picks = io::FifPicks::kEeg;
  if (o.picks == "all") out.picks = io::FifPicks::kAll;
  return out;
}

FileRecording recording_of(io::Signals s, const std::string& path) {
  FileRecording r;
  r.path = path;
  r.format = s.format;
  r.unit = s.unit;
  r.names = std::move(s.names);
  r.rows = int64_t(r.names.size());
  r.samples = s.samples;
  r.values = std::move(s.values);
  r.rate_hz = s.rate_hz;
  r.events = std::move(s.events);
  r.facts = std::move(s.facts);
  r.notes = std::move(s.notes);
  r.epochs = s.epochs;
  return r;
}

FileRecording volume_recording(io::NiftiImage image, const std::string& path) {
  FileRecording r;
  r.path = path;
  r.format = fmt::format("NIfTI-{}{}", image.header.version,
                         image.header.big_endian ? " (big-endian)" : "");
  const std::vector<int64_t>& shape = image.header.shape;
  if (shape.size() != 4 || shape[3] < 2) {
    throw DataError(fmt::format("{}: found {} dimensions, expected four: x, y, z and time", path,
                                shape.size()));
  }
  r.samples = shape[3];
  r.rows = image.header.count() / r.samples;
  r.values.resize(image.values.size());
  for (int64_t t = 0; t < r.samples; ++t)
    for (int64_t v = 0; v < r.rows; ++v)
      r.values[size_t(v * r.samples + t)] = image.values[size_t(t * r.rows + v)];
  const double tr = io::nifti_tr(image.header, path);
  r.rate_hz = tr > 0 ? 1 / tr : 0;
  r.volume = std::move(image.header);
  return r;
}

FileRecording array_recording(const std::string& path, const FileOptions& o) {
  io::PlainMatrix m = io::read_matrix(path, o.arrays);
  const bool named_columns = int64_t(m.column_names.size()) == m.columns;
  // A table's header names its columns, which are channels then.
  const std::string layout = o.layout == "auto" && named_columns && o.rows == 0 ? "tc" : o.layout;
  io::require_channels_first(m, layout, o.rows, path);
  FileRecording r;
  r.path = path;
  r.format = m.format;
  r.rows = m.rows;
  r.samples = m.columns;
  r.values = std::move(m.values);
  if (named_columns && int64_t(m.column_names.size()) == r.rows) r.names = m.column_names;
  r.notes = m.notes;
  if (!m.name.empty()) r.facts.push_back({"array", m.name});
  return r;
}

// Signals of different rates, all at `fs`.
FileRecording edf_recording(const std::string& path, const FileOptions& o) {
  if (!o.resample || o.fs == 0) return recording_of(io::read_edf(path), path);
  FileRecording all;
  for (io::Signals& s : io::read_edf_by_rate(path)) {
    FileRecording r = recording_of(std::move(s), path);
    if (!same(r.rate_hz, o.fs)) resample(r, o.fs);
    if (all.rows == 0) {
      all = std::move(r);
      continue;
    }
    if (r.samples != all.samples) {  // rates that are not whole multiples differ by a sample
      throw DataError(
          fmt::format("{}: found {} and {} samples after --resample, expected equally "
                      "many",
                      path, all.samples, r.samples));
    }
    all.rows += r.rows;
    all.names.insert(all.names.end(), r.names.begin(), r.names.end());
    all.values.insert(all.values.end(), r.values.begin(), r.values.end());
  }
  return all;
}

FileRecording read_one(const std::string& path, const FileOptions& o) {
  if (ends_with(path, ".fif") || ends_with(path, ".fif.gz"))
    return recording_of(io::read_fif(path, fif_options(o)), path);
  if (ends_with(path, ".edf") || ends_with(path, ".bdf")) return edf_recording(path, o);
  if (ends_with(path, ".vhdr")) return recording_of(io::read_brainvision(path), path);
  if (ends_with(path, ".gii"))
    return recording_of(io::gifti_series(io::read_gifti(path), path), path);
  const io::Bytes file = io::read_maybe_gzip(path);
  if (io::is_cifti(file)) return recording_of(io::parse_cifti(file, path), path);
  if (io::is_nifti(file) || ends_with(path, ".nii") || ends_with(path, ".nii.gz"))
    return volume_recording(io::parse_nifti(file, path), path);
  return array_recording(path, o);
}

// Two files' rows, one behind the other.
FileRecording joined(FileRecording left, FileRecording right) {
  require_continuous(left);
  require_continuous(right);
  if (left.samples != right.samples || !same(left.rate_hz, right.rate_hz)) {
    throw DataError(fmt::format(
        "{} and {}: found {} samples at {} Hz and {} at {} Hz, expected the "
        "same of both",
        left.path, right.path, left.samples, left.rate_hz, right.samples, right.rate_hz));
  }
  left.path += "+" + right.path;
  left.rows += right.rows;
  left.names.insert(left.names.end(), right.names.begin(), right.names.end());
  left.values.insert(left.values.end(), right.values.begin(), right.values.end());
  left.volume.reset();
  return left;
}

// Rate or TR from options, a sidecar, or the file.
void settle_rate(FileRecording& r, const FileOptions& o, Modality modality) {
  if (modality == Modality::kElectrophysiology) {
    if (r.rate_hz == 0) r.rate_hz = o.fs;
    return;
  }
  const std::string first = r.path.substr(0, r.path.find('+'));
  double tr = r.rate_hz > 0 ? 1 / r.rate_hz : 0;
  const double file_tr = tr;
  const std::optional<io::SidecarTime> sidecar =
      o.tr > 0 ? std::nullopt : io::repetition_time_of(first);
  if (sidecar) tr = sidecar->tr;
  if (o.tr > 0) tr = o.tr;
  if (file_tr > 0 && std::abs(tr - file_tr) > 1e-3) {
    r.notes.push_back(fmt::format("{}: says a TR of {} s, taken is {} s from {}", r.path, file_tr,
                                  tr, o.tr > 0 ? "--tr" : sidecar->path));
  }
  if (tr > kLongestTr) {
    throw DataError(fmt::format("{}: found a TR of {} s, expected at most {}: is it in ms?", r.path,
                                tr, kLongestTr));
  }
  r.tr = tr;
  r.rate_hz = tr > 0 ? 1 / tr : 0;
}

void apply_inverse(FileRecording& r, const std::string& file) {
  const io::PlainMatrix w = io::read_matrix(file);
  if (w.columns != r.rows) {
    throw DataError(fmt::format(
        "--inverse {}: found {} x {} numbers, expected [parcels, {}] as {} has channels picked",
        file, w.rows, w.columns, r.rows, r.path));
  }
  std::vector<double> out(size_t(w.rows * r.samples), 0.0);
  for (int64_t p = 0; p < w.rows; ++p) {
    double* const to = out.data() + p * r.samples;
    for (int64_t c = 0; c < r.rows; ++c) {
      const double weight = w.values[size_t(p * w.columns + c)];
      const double* const from = r.values.data() + c * r.samples;
      for (int64_t t = 0; t < r.samples; ++t) to[t] += weight * from[t];
    }
  }
  r.values = std::move(out);
  r.rows = w.rows;
  r.names.clear();
  r.unit = "none";
}

void interpolate(double* row, int64_t n, int64_t index, const std::string& where) {
  int64_t last = -1;
  for (int64_t t = 0; t <= n; ++t) {
    if (t < n && !std::isfinite(row[t])) continue;
    for (int64_t k = last + 1; k < t; ++k) {
      if (last < 0 && t == n)
        throw DataError(
            fmt::format("{}: row {} has no finite number to interpolate", where, index));
      const double share = last < 0 ? 1 : t == n ? 0 : double(k - last) / double(t - last);
      const double before = last < 0 ? 0 : row[last], after = t == n ? 0 : row[t];
      row[k] = last < 0 ? after : t == n ? before : before + share * (after - before);
    }
    last = t;
  }
}

}  // namespace

void require_continuous(const FileRecording& r) {
  if (r.epochs == 0) return;
  throw DataError(fmt::format(
      "{}: found {} epochs, expected one continuous recording: export it before it is cut", r.path,
      r.epochs));
}

int64_t mend_missing(std::vector<double>& values, int64_t rows, int64_t columns,
                     const std::string& rule, const std::string& where) {
  const auto mended =
      std::count_if(values.begin(), values.end(), [](double v) { return !std::isfinite(v); });
  for (int64_t r = 0; r < rows; ++r) {
    double* const row = values.data() + r * columns;
    if (rule == "interp") interpolate(row, columns, r, where);
    for (int64_t t = 0; t < columns; ++t) {
      if (std::isfinite(row[t])) continue;
      if (rule == "zero") row[t] = 0;
      if (rule == "reference" && std::isnan(row[t])) row[t] = 2;
      if (rule == "reference" && row[t] > 0 && std::isinf(row[t])) row[t] = 0;
      if (std::isfinite(row[t])) continue;
      throw DataError(fmt::format(
          "{}: found {} at row {}, column {}, expected finite numbers: --nan zero or interp mends "
          "them",
          where, row[t], r, t));
    }
  }
  return mended;
}

void resample(FileRecording& r, double rate_hz) {
  const stats::Resampler resampler(r.rate_hz, rate_hz);
  const int64_t samples = resampler.output_size(r.samples);
  std::vector<double> out;
  out.reserve(size_t(r.rows * samples));
  for (int64_t c = 0; c < r.rows; ++c) {
    const double* const row = r.values.data() + c * r.samples;
    const std::vector<double> turned = resampler.apply(std::vector<double>(row, row + r.samples));
    out.insert(out.end(), turned.begin(), turned.end());
  }
  r.notes.push_back(fmt::format("{}: resampled from {} to {} Hz", r.path, r.rate_hz, rate_hz));
  r.values = std::move(out);
  r.samples = samples;
  r.rate_hz = rate_hz;
}

FileRecording read_file_as_is(const std::string& path, const FileOptions& options,
                              Modality modality) {
  const size_t plus = path.find('+');
  FileRecording r;
  if (plus == std::string::npos) {
    r = read_one(path, options);
  } else {
    FileOptions part = options;
    part.rows = 0;
    r = joined(read_one(path.substr(0, plus), part), read_one(path.substr(plus + 1), part));
  }
  settle_rate(r, options, modality);
  return r;
}

void finish_recording(FileRecording& r, const FileOptions& options, Modality modality) {
  const std::string& path = r.path;
  const bool fmri = modality == Modality::kFmri;
  if (r.rate_hz == 0) {
    throw UsageError(fmt::format("{}: {}: the file does not say it", fmri ? "--tr" : "--fs", path));
  }
  const int64_t mended = mend_missing(r.values, r.rows, r.samples, options.nan, path);
  if (mended > 0)
    r.notes.push_back(fmt::format("{}: {} numbers that were not finite mended by --nan {}", path,
                                  mended, options.nan));
  if (fmri) return;
  if (!options.inverse.empty()) apply_inverse(r, options.inverse);
  if (options.fs > 0 && !same(r.rate_hz, options.fs)) {
    if (!options.resample) {
      throw DataError(fmt::format("{}: found {} Hz, expected --fs {}: --resample brings it there",
                                  path, r.rate_hz, options.fs));
    }
    resample(r, options.fs);
  }
}

FileRecording read_recording_file(const std::string& path, const FileOptions& options,
                                  Modality modality) {
  FileRecording r = read_file_as_is(path, options, modality);
  require_continuous(r);
  finish_recording(r, options, modality);
  return r;
}

std::string sha256_of_file(const std::string& path) {
  const size_t plus = path.find('+');
  const std::string first = path.substr(0, plus);
  const io::Bytes bytes = io::read_file(first);
  const std::string sum = io::Sha256().add(bytes.data(), bytes.size()).hex();
  return plus == std::string::npos ? sum : sum + "+" + sha256_of_file(path.substr(plus + 1));
}

}  // namespace tenfold::samba_align
