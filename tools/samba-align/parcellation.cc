#include "tools/samba-align/parcellation.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cmath>
#include <map>

#include "common/core/error.h"
#include "common/io/array_file.h"
#include "common/io/freesurfer_annot.h"
#include "common/io/gifti.h"
#include "common/io/gzip.h"

namespace tenfold::samba_align {
namespace {

constexpr double kSameAffine = 1e-3;

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.compare(text.size() - end.size(), end.size(), end) == 0;
}

// One file's labels (0 and below: background) and names by label.
struct Labels {
  std::vector<int32_t> labels;
  std::vector<std::string> names;
};

Labels labels_of(const std::vector<double>& values, const std::string& path) {
  Labels out;
  for (const double v : values) {
    if (!(v == std::floor(v) && std::abs(v) < 1e6))
      throw DataError(fmt::format("{}: found label {}, expected whole numbers", path, v));
    out.labels.push_back(int32_t(v));
  }
  return out;
}

Labels image_labels(const std::string& path, Parcellation& out) {
  const io::NiftiImage image = io::read_nifti(path);
  const std::vector<int64_t>& shape = image.header.shape;
  if (shape.size() < 3 || image.header.count() != shape[0] * shape[1] * shape[2]) {
    throw DataError(fmt::format("{}: found {} numbers, expected a label image of three dimensions",
                                path, fmt::join(shape, " x ")));
  }
  out.grid = {shape[0], shape[1], shape[2]};
  out.affine = image.header.affine;
  return labels_of(image.values, path);
}

Labels list_labels(const std::string& path) {
  const io::ArrayFile file = io::open_array_file(path);
  for (size_t i = 0; i < file.entries.size(); ++i) {
    const std::vector<int64_t>& shape = file.entries[i].shape;
    const bool line = shape.size() == 1 || (shape.size() == 2 && (shape[0] == 1 || shape[1] == 1));
    if (file.entries[i].numeric && line) return labels_of(file.values(i), path);
  }
  throw DataError(path + ": found no list of labels, expected one whole number a row");
}

Labels read_labels(const std::string& path, Parcellation& out) {
  const auto of_surface = [](io::SurfaceParcels p) { return Labels{p.labels, p.names}; };
  if (ends_with(path, ".annot")) return of_surface(io::read_annot(path));
  if (ends_with(path, ".gii")) return of_surface(io::gifti_parcels(io::read_gifti(path), path));
  if (ends_with(path, ".nii") || ends_with(path, ".nii.gz")) return image_labels(path, out);
  return list_labels(path);
}

void require_grid(const FileRecording& r, const Parcellation& p) {
  if (p.grid.empty()) return;
  if (!r.volume) {
    throw DataError(fmt::format("{}: is a label image, expected one of rows as {} ({}) has them",
                                p.path, r.path, r.format));
  }
  const std::vector<int64_t> found(r.volume->shape.begin(), r.volume->shape.begin() + 3);
  if (found != p.grid) {
    throw DataError(fmt::format("{}: found {} voxels, expected {} as {} has", p.path,
                                fmt::join(p.grid, " x "), fmt::join(found, " x "), r.path));
  }
  for (size_t row = 0; row < 3; ++row) {
    for (size_t column = 0; column < 4; ++column) {
      const double a = p.affine[row][column], b = r.volume->affine[row][column];
      if (std::abs(a - b) <= kSameAffine) continue;
      throw DataError(fmt::format(
          "{}: affine row {}, column {}: found {}, expected {} as {} has: bring both to one space",
          p.path, row, column, a, b, r.path));
    }
  }
}

}  // namespace

ParcelName parcel_name(const std::string& name) {
  ParcelName out{name, "", ""};
  const size_t first = name.find('_');
  if (first == std::string::npos || !ends_with(name.substr(0, first), "Networks")) return out;
  const size_t second = name.find('_', first + 1);
  const std::string side = name.substr(first + 1, second - first - 1);
  if (second == std::string::npos || (side != "LH" && side != "RH")) return out;
  out.hemisphere = side == "LH" ? "left" : "right";
  out.network = name.substr(second + 1, name.find('_', second + 1) - second - 1);
  return out;
}

Parcellation read_parcellation(const std::vector<std::string>& paths) {
  if (paths.empty() || paths.size() > 2)
    throw UsageError(
        fmt::format("--parcels: found {} files, expected one, or left and right", paths.size()));
  Parcellation out;
  out.path = paths[0];
  for (size_t side = 0; side < paths.size(); ++side) {
    const Labels found = read_labels(paths[side], out);
    if (paths.size() == 2 && !out.grid.empty())
      throw DataError(paths[side] + ": is a label image, expected one file of it");
    std::map<int32_t, int32_t> place;  // of each label that occurs
    for (const int32_t label : found.labels)
      if (label > 0) place[label] = 0;
    for (auto& [label, at] : place) {
      at = int32_t(out.parcels.size());
      const bool named = size_t(label) < found.names.size() && !found.names[size_t(label)].empty();
      ParcelName name = parcel_name(named ? found.names[size_t(label)] : fmt::format("{}", label));
      if (paths.size() == 2 && name.hemisphere.empty())
        name.hemisphere = side == 0 ? "left" : "right";
      out.parcels.push_back(name);
    }
    for (const int32_t label : found.labels) out.labels.push_back(label > 0 ? place[label] : -1);
  }
  if (out.parcels.empty()) throw DataError(out.path + ": found background only, expected parcels");
  return out;
}

void average_parcels(FileRecording& r, const Parcellation& p, const std::string& nan) {
  require_grid(r, p);
  if (int64_t(p.labels.size()) != r.rows) {
    throw DataError(fmt::format("{}: found labels of {} vertices or voxels, expected {} as {} has",
                                p.path, p.labels.size(), r.rows, r.path));
  }
  std::vector<double> sums(p.parcels.size() * size_t(r.samples), 0.0);
  std::vector<int64_t> counts(p.parcels.size(), 0);
  for (int64_t v = 0; v < r.rows; ++v) {
    const int32_t label = p.labels[size_t(v)];
    if (label < 0) continue;
    ++counts[size_t(label)];
    const double* const row = r.values.data() + v * r.samples;
    double* const sum = sums.data() + int64_t(label) * r.samples;
    for (int64_t t = 0; t < r.samples; ++t) {
      const bool nought = nan == "reference" && (std::isnan(row[t]) || row[t] == INFINITY);
      sum[t] += nought ? 0 : row[t];
    }
  }
  for (size_t q = 0; q < counts.size(); ++q)
    for (int64_t t = 0; t < r.samples; ++t)
      sums[q * size_t(r.samples) + size_t(t)] /= double(counts[q]);
  r.values = std::move(sums);
  r.rows = int64_t(p.parcels.size());
  r.names.clear();
  for (const ParcelName& name : p.parcels) r.names.push_back(name.name);
  r.volume.reset();
}

}  // namespace tenfold::samba_align
