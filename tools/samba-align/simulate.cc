// `simulate`: recordings of simulated people, and what is true about them.

#include "common/log/logger.h"
#include "tools/samba-align/commands.h"
#include "tools/samba-align/simulation_files.h"

namespace tenfold::samba_align {

int simulate(const SimulateConfig& config, cli::Run& run) {
  const Simulation simulation(config.options, {});
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
    const WrittenSimulation written = write_simulation(simulation, config.out, config_of(o));
    log::info("wrote " + written.truth);
    result.data.emplace_back("truth", written.truth);
    log::Table files{{"file", "dtype", "unit", "sha256"}, {}};
    for (const WrittenFile& f : written.files)
      files.rows.push_back({f.name, f.dtype, f.unit, f.sha256});
    result.tables.emplace_back("files", files);
  }
  run.emit(result, "simulate/1");
  return 0;
}

}  // namespace tenfold::samba_align
