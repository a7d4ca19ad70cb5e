// `gen`: writes a meta-dataset.

#include "common/io/file.h"
#include "common/io/hash.h"
#include "common/log/logger.h"
#include "tools/prequential-icl/commands.h"
#include "tools/prequential-icl/report.h"
#include "tools/prequential-icl/task_source.h"

namespace tenfold::prequential_icl {

int generate(const GenConfig& config, cli::Run& run) {
  const uint64_t seed = uint64_t(run.options().seed[0]);
  if (!run.options().dry_run) io::require_creatable(config.save_path);
  RunData source;
  if (config.csv.empty()) {
    source.data = TaskSource(config.task, seed).dataset(true);
  } else {
    source.data = read_csv_dataset(config.csv, config.val_fraction);
    source.digest = io::xxh3_file(config.csv);
  }
  log::Result result;
  result.seeds = run.options().seed;
  result.data = data_facts(source);
  if (!run.options().dry_run) {
    write_meta_dataset(config.save_path, source.data);
    result.data.emplace_back("file", config.save_path);
    result.data.emplace_back("file_digest", "xxh3:" + io::xxh3_file(config.save_path));
    log::info("wrote " + config.save_path);
  }
  run.emit(result, "gen/1");
  return 0;
}

}  // namespace tenfold::prequential_icl
