// `connectome`: ranks and spectrum of a matrix, beside a shuffled and a Gaussian one.

#include <fmt/format.h>

#include "common/core/error.h"
#include "common/core/philox.h"
#include "common/io/hash.h"
#include "common/log/logger.h"
#include "tools/rich-lazy/commands.h"
#include "tools/rich-lazy/connectome.h"
#include "tools/rich-lazy/recipes.h"
#include "tools/rich-lazy/report.h"

namespace tenfold::rich_lazy {
namespace {

log::Metric exactly(double value) {
  log::Metric m;
  m.value = value;
  return m;
}

log::Series series_of(const Spectrum& s) {
  log::Series series{"index", {{"index", {}}, {"singular_value", {}}, {"eigenvalue_modulus", {}}}};
  for (int64_t i = 0; i < s.singular.size(); ++i) {
    series.columns[0].second.emplace_back(double(i + 1));
    series.columns[1].second.emplace_back(s.singular(i));
    series.columns[2].second.emplace_back(s.moduli(i));
  }
  return series;
}

}  // namespace

int connectome(const ConnectomeConfig& config, cli::Run& run) {
  if (run.device().cuda) throw Unavailable("--device cuda: connectome computes on the CPU");
  const Connectome found = read_connectome(config.edges.options(config.matrix));
  for (const std::string& note : found.notes) log::warning(note);
  const Matrix& w = found.weights;
  const int64_t units = w.rows(), nonzeros = (w.array() != 0).count();
  if (nonzeros == 0)
    throw DataError(config.matrix + ": found zeros alone, expected a matrix of weights");
  const uint64_t seed = uint64_t(run.options().seed[0]);
  // Of one norm all: that of the matrix, or that of the Gaussian of a gain that was asked for.
  const Matrix gauss = gaussian(Stream(seed, "recurrent"), units, config.gain.value_or(1));
  const double norm = config.gain ? gauss.norm() : w.norm();
  std::vector<std::pair<std::string, Matrix>> matrices = {
      {"as given", w},
      {"unsigned", w.cwiseAbs()},
      {"entries shuffled", shuffle_entries(Stream(seed, "shuffle"), w)},
      {"degree shuffled", shuffle_targets(Stream(seed, "shuffle"), w)},
      {"gauss", gauss}};
  for (auto& [name, matrix] : matrices)
    if (config.gain || name == "gauss") matrix *= norm / matrix.norm();
  log::Result result;
  result.data = {{"name", found.source},
                 {"origin", std::string(found.format == "embedded" ? "real" : "user")},
                 {"format", found.format}};
  for (const std::string& file : found.files)
    result.data.emplace_back("digest/" + file, "xxh3:" + io::xxh3_file(file));
  log::Table table{{"matrix"}, {}};
  table.columns.insert(table.columns.end(), kSpectrumColumns.begin(), kSpectrumColumns.end());
  for (const auto& [name, matrix] : matrices) {
    if (run.options().dry_run) break;
    const Spectrum s = spectrum_of(matrix);
    std::vector<log::Value> cells = {name};
    for (log::Value& v : spectrum_cells(s)) cells.push_back(std::move(v));
    table.rows.push_back(std::move(cells));
    result.series.emplace_back("spectrum/" + name, series_of(s));
    log::info(
        fmt::format("{}: effective rank {:.4f} (singular values {:.4f}), participation {:.4f}",
                    name, s.effective_rank, s.effective_rank_sv, s.participation));
    if (name != "as given") continue;
    result.metrics = {{"nodes", exactly(double(units))},
                      {"nonzeros", exactly(double(nonzeros))},
                      {"sum", exactly(w.cwiseAbs().sum())},
                      {"density", exactly(double(nonzeros) / double(w.size()))},
                      {"self_loops", exactly(double((w.diagonal().array() != 0).count()))},
                      {"matrix_rank", exactly(double(s.matrix_rank))},
                      {"effective_rank", exactly(s.effective_rank)},
                      {"effective_rank_sv", exactly(s.effective_rank_sv)},
                      {"participation", exactly(s.participation)},
                      {"spectral_radius", exactly(s.spectral_radius)}};
  }
  result.tables.emplace_back("matrices", table);
  run.emit(result, "connectome/1");
  return 0;
}

}  // namespace tenfold::rich_lazy
