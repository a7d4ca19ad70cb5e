// `info`: what recordings hold.

#include "tools/poyo-decode/commands.h"
#include "tools/poyo-decode/recordings.h"
#include "tools/poyo-decode/session_table.h"

namespace tenfold::poyo_decode {

int info(const InfoConfig& config, cli::Run& run) {
  DataConfig data;
  data.data = config.data;
  data.dataset = config.dataset;
  data.readout = config.readout;
  log::Result result;
  result.seeds = run.options().seed;
  result.data = {{"name", std::string("neural recordings")},
                 {"origin", std::string("user")},
                 {"files", config.data}};
  if (!run.options().dry_run) {
    const std::vector<Recording> recordings = load_recordings(data, false);
    result.tables.emplace_back("sessions", session_table(recordings));
    result.tables.emplace_back("intervals", interval_table(recordings));
  }
  run.emit(result, "info/1");
  return 0;
}

}  // namespace tenfold::poyo_decode
