// `gen`: writes generated sessions as the HDF5 files that `train` reads.

#include "common/io/file.h"
#include "common/log/logger.h"
#include "tools/poyo-decode/commands.h"
#include "tools/poyo-decode/recordings.h"
#include "tools/poyo-decode/session_table.h"

namespace tenfold::poyo_decode {

int generate_command(const GenConfig& config, cli::Run& run) {
  DataConfig data;
  data.synthetic = config.synthetic;
  const std::vector<Recording> recordings = load_recordings(data);
  log::Result result;
  result.seeds = run.options().seed;
  std::vector<std::string> files;
  if (!run.options().dry_run) {
    io::make_folders(config.save_path);
    for (const Recording& r : recordings) {
      files.push_back(config.save_path + "/" + r.session + ".h5");
      write_recording(files.back(), r);
      log::info("wrote " + files.back());
    }
  }
  result.data = {{"name", std::string("generated sessions")},
                 {"origin", std::string("synthetic")},
                 {"files", files}};
  result.tables.emplace_back("sessions", session_table(recordings));
  run.emit(result, "gen/1");
  return 0;
}

}  // namespace tenfold::poyo_decode
