#include "tools/samba-align/simulation_input_files.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <vector>

#include "common/core/error.h"
#include "common/io/array_file.h"

namespace tenfold::samba_align {
namespace {

Matrix matrix_of(const io::PlainMatrix& m) {
  return Eigen::Map<const Matrix>(m.values.data(), m.rows, m.columns);
}

std::vector<double> regions_of(const std::string& path) {
  const io::ArrayFile file = io::open_array_file(path);
  for (size_t i = 0; i < file.entries.size(); ++i)
    if (file.entries[i].numeric) return file.values(i);
  throw DataError(
      fmt::format("--region-map {}: found no numbers, expected a region a vertex", path));
}

}  // namespace

Matrix region_leadfield(const Matrix& vertices, const std::vector<double>& regions,
                        const std::string& where) {
  if (int64_t(regions.size()) != vertices.cols()) {
    throw DataError(
        fmt::format("{}: found regions of {} vertices, expected {} as the lead field has", where,
                    regions.size(), vertices.cols()));
  }
  double most = -1;
  for (const double r : regions) {
    if (!(r >= 0 && r < 1e6 && r == std::floor(r)))
      throw DataError(fmt::format("{}: found region {}, expected 0, 1, ...", where, r));
    most = std::max(most, r);
  }
  const auto count = int64_t(most) + 1;
  Matrix sums = Matrix::Zero(vertices.rows(), count), found = sums;
  for (int64_t m = 0; m < vertices.rows(); ++m) {
    for (int64_t v = 0; v < vertices.cols(); ++v) {
      if (!std::isfinite(vertices(m, v))) continue;
      const auto region = int64_t(regions[size_t(v)]);
      sums(m, region) += vertices(m, v);
      found(m, region) += 1;
    }
  }
  std::vector<int64_t> sensors;
  for (int64_t m = 0; m < vertices.rows(); ++m) {
    if (found.row(m).sum() == 0) continue;
    sensors.push_back(m);
    for (int64_t r = 0; r < count; ++r) {
      if (found(m, r) == 0) {
        throw DataError(
            fmt::format("{}: sensor {} has no finite number in region {}", where, m, r));
      }
    }
  }
  if (sensors.empty()) throw DataError(where + ": found no sensor with finite numbers");
  Matrix out(int64_t(sensors.size()), count);
  for (size_t i = 0; i < sensors.size(); ++i)
    out.row(int64_t(i)) = sums.row(sensors[i]).array() / found.row(sensors[i]).array();
  return out;
}

SimulationInputs read_simulation_inputs(const SimulationInputFiles& files, int64_t hemo_parcels) {
  SimulationInputs in;
  const auto read = [](const std::string& path) { return matrix_of(io::read_matrix(path)); };
  if (!files.connectome.empty()) in.connectome = read(files.connectome);
  if (!files.lengths.empty()) in.lengths = read(files.lengths);
  if (!files.region_map.empty() && files.leadfield.empty())
    throw UsageError("--region-map: expected --leadfield with it");
  if (!files.leadfield.empty()) {
    in.leadfield = read(files.leadfield);
    if (!files.region_map.empty()) {
      in.leadfield = region_leadfield(*in.leadfield, regions_of(files.region_map),
                                      "--region-map " + files.region_map);
    }
  }
  if (!files.fmri_noise_from.empty()) {
    Matrix series = read(files.fmri_noise_from);
    if (series.rows() != hemo_parcels && series.cols() == hemo_parcels)
      series = Matrix(series.transpose());
    in.fmri_noise_series = series;
  }
  return in;
}

}  // namespace tenfold::samba_align
