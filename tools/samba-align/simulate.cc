// `simulate`: recordings of simulated people, and what is true about them.

#include <nlohmann/json.hpp>

#include "common/io/npy.h"
#include "common/log/logger.h"
#include "tools/samba-align/commands.h"
#include "tools/samba-align/graph.h"
#include "tools/samba-align/simulation_files.h"

namespace tenfold::samba_align {

namespace {

// The options, and the files that the user brought.
std::string config_with_inputs(const SimulateConfig& config) {
  auto out = nlohmann::ordered_json::parse(config_of(config.options));
  const SimulationInputFiles& in = config.inputs;
  for (const auto& [name, path] : {std::pair{"connectome", &in.connectome},
                                   {"lengths", &in.lengths},
                                   {"leadfield", &in.leadfield},
                                   {"region-map", &in.region_map},
                                   {"fmri-noise-from", &in.fmri_noise_from}}) {
    if (!path->empty()) out[name] = *path;
  }
  return out.dump();
}

// Correlations between all pairs of rows.
Eigen::VectorXd pairs_of(const FloatMatrix& series) {
  const int64_t n = series.rows();
  const std::vector<double> r = correlations(series.data(), n, series.cols(), series.cols());
  Eigen::VectorXd out(n * (n - 1) / 2);
  int64_t k = 0;
  for (int64_t i = 0; i < n; ++i)
    for (int64_t j = i + 1; j < n; ++j) out(k++) = r[size_t(i * n + j)];
  return out;
}

// How alike simulated and real functional connectivity are: the correlation of the upper triangles.
log::Metric connectivity_metric(const std::string& hemo, const Matrix& real) {
  const io::Tensor t = io::read_npy(hemo);
  const FloatMatrix simulated =
      Eigen::Map<const FloatMatrix>(t.as<float>(), t.shape[0], t.shape[1]);
  Eigen::VectorXd a = pairs_of(simulated), b = pairs_of(real.cast<float>());
  a.array() -= a.mean();
  b.array() -= b.mean();
  log::Metric m;
  m.value = a.dot(b) / (a.norm() * b.norm());
  m.n = a.size();
  m.higher_is_better = true;
  return m;
}

}  // namespace

int simulate(const SimulateConfig& config, cli::Run& run) {
  const SimulationInputs inputs =
      read_simulation_inputs(config.inputs, config.options.hemo_parcels);
  const Simulation simulation(config.options, inputs);
  const SimulationOptions& o = config.options;
  log::Result result;
  result.seeds = run.options().seed;
  result.data = {{"name", std::string("simulated electrophysiology and fMRI")},
                 {"origin", std::string("synthetic")},
                 {"subjects", o.subjects},
                 {"fs", o.fs},
                 {"tr", o.tr},
                 {"samples", sample_count(o)},
                 {"frames", frame_count(o)},
                 {"ele_parcels", o.ele_parcels},
                 {"hemo_parcels", o.hemo_parcels}};
  if (!run.options().dry_run) {
    const WrittenSimulation written =
        write_simulation(simulation, config.out, config_with_inputs(config));
    log::info("wrote " + written.truth);
    result.data.emplace_back("truth", written.truth);
    log::Table files{{"file", "dtype", "unit", "sha256"}, {}};
    for (const WrittenFile& f : written.files)
      files.rows.push_back({f.name, f.dtype, f.unit, f.sha256});
    result.tables.emplace_back("files", files);
    if (inputs.fmri_noise_series) {
      const std::string hemo = config.out + "/" + written.subjects[0] + "/hemo.npy";
      result.metrics.emplace_back("connectivity_r",
                                  connectivity_metric(hemo, *inputs.fmri_noise_series));
    }
  }
  run.emit(result, "simulate/1");
  return 0;
}

}  // namespace tenfold::samba_align
