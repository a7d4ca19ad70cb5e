// `hrf`: the haemodynamic responses that a translator has learned, parcel by parcel and by region
// (specification, section 5).

#include "common/core/error.h"
#include "tools/samba-align/commands.h"
#include "tools/samba-align/opened_run.h"
#include "tools/samba-align/region_report.h"
#include "tools/samba-align/response_report.h"

namespace tenfold::samba_align {

int report_responses(const HrfConfig& config, cli::Run& run) {
  const OpenedRun opened = open_run(config.run, config.data, config.weights);
  if (!opened.models[0]->hrf_values().defined())
    throw UsageError("--run " + config.run + ": the run was trained without responses");
  log::Result result = opened_result(opened);
  if (!run.options().dry_run) {
    add_responses(result, opened.recordings, opened.seed_models());
    add_histograms(result, opened.stored.spec.hrf);
    add_regions(result, "hrf", "regions",
                parcel_places(opened.recordings.path, "ele", opened.stored.spec.parcels));
  }
  run.emit(result, "hrf/1");
  return 0;
}

}  // namespace tenfold::samba_align
