// `prepare`: a user's recordings as a folder that `train` reads.

#include <cmath>

#include "common/log/logger.h"
#include "tools/samba-align/commands.h"
#include "tools/samba-align/graph.h"
#include "tools/samba-align/preparation_files.h"

namespace tenfold::samba_align {
namespace {

constexpr double kDigits = 1e4;  // of a correlation, what a picture can show

// Of the first subject's parcels: what plot.py draws.
void add_correlations(const FloatMatrix& series, const std::string& name, log::Result& result) {
  if (series.size() == 0) return;
  const std::vector<double> r =
      correlations(series.data(), series.rows(), series.cols(), series.cols());
  log::Table table;
  const int64_t n = series.rows();
  for (int64_t i = 0; i < n; ++i) table.columns.push_back(std::to_string(i));
  for (int64_t i = 0; i < n; ++i) {
    std::vector<log::Value> row;
    for (int64_t j = 0; j < n; ++j)
      row.emplace_back(std::round(r[size_t(i * n + j)] * kDigits) / kDigits);
    table.rows.push_back(row);
  }
  result.tables.emplace_back(name, table);
}

int64_t constant_rows(const FloatMatrix& series) {
  int64_t n = 0;
  for (int64_t i = 0; i < series.rows(); ++i)
    n += (series.row(i).array() == series(i, 0)).all() ? 1 : 0;
  return n;
}

}  // namespace

int prepare(const PrepareConfig& config, cli::Run& run) {
  const Preparation p = prepare_recordings(config.options);
  log::Result result;
  result.seeds = {run.options().seed[0]};  // nothing is drawn
  result.data = {{"name", std::string("prepared recordings")},
                 {"origin", std::string("user")},
                 {"fs", p.fs > 0 ? log::Value(p.fs) : log::Value(nullptr)},
                 {"tr", p.tr > 0 ? log::Value(p.tr) : log::Value(nullptr)},
                 {"block", p.block},
                 {"ele_parcels", int64_t(p.ele_parcels.size())},
                 {"hemo_parcels", int64_t(p.hemo_parcels.size())},
                 {"labels", p.label_names},
                 {"done", p.done}};
  for (const std::string& text : p.done) log::info(text);
  log::Table subjects{{"subject", "samples", "frames", "events", "constant_ele", "constant_hemo"},
                      {}};
  for (const PreparedSubject& s : p.subjects) {
    subjects.rows.push_back({s.name, int64_t(s.ele.cols()), int64_t(s.hemo.cols()),
                             int64_t(s.events.size()), constant_rows(s.ele),
                             constant_rows(s.hemo)});
    if (constant_rows(s.ele) + constant_rows(s.hemo) > 0)
      log::warning(s.name + ": holds parcels that do not vary; graphs leave them alone");
  }
  result.tables.emplace_back("subjects", subjects);
  if (!run.options().dry_run) {
    log::Table files{{"file", "dtype", "unit", "sha256"}, {}};
    for (const WrittenFile& f : write_preparation(p, config.out, run.config_json()))
      files.rows.push_back({f.name, f.dtype, f.unit, f.sha256});
    result.tables.emplace_back("files", files);
    log::info("wrote " + config.out + "/manifest.json");
  }
  add_correlations(p.subjects[0].ele, "correlation_ele", result);
  add_correlations(p.subjects[0].hemo, "correlation_hemo", result);
  run.emit(result, "prepare/1");
  return 0;
}

}  // namespace tenfold::samba_align
