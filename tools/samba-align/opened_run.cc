#include "tools/samba-align/opened_run.h"

#include <fmt/format.h>

#include "common/core/error.h"
#include "tools/samba-align/report.h"

namespace tenfold::samba_align {

std::vector<std::pair<int64_t, const Model*>> OpenedRun::seed_models() const {
  std::vector<std::pair<int64_t, const Model*>> pairs;
  for (size_t i = 0; i < models.size(); ++i) pairs.emplace_back(stored.seeds[i], models[i].get());
  return pairs;
}

OpenedRun open_run(const std::string& run, const std::string& data, const std::string& weights) {
  OpenedRun opened;
  opened.stored = open_stored_run(run);
  const TrainConfig& trained = opened.stored.config;
  const bool other = !data.empty();
  opened.recordings = read_recordings(other ? data : trained.data,
                                      other ? std::vector<std::string>() : trained.subjects);
  const RecordingSet& found = opened.recordings;
  const ModelSpec& s = opened.stored.spec;
  const Recording& first = found.subjects[0];
  if (first.parcels != s.parcels || first.targets != s.targets || found.block != s.block ||
      found.rate != s.rate) {
    throw Mismatch(fmt::format(
        "{}: found {} and {} parcels, {} samples a frame at {} Hz; the model has {}, {}, {} and {}",
        found.path, first.parcels, first.targets, found.block, found.rate, s.parcels, s.targets,
        s.block, s.rate));
  }
  DatasetOptions options = dataset_options(trained, found);
  if (other) options.test_subjects.clear();  // of the training's recordings
  opened.dataset = std::make_unique<Dataset>(found, options);
  for (const int64_t seed : opened.stored.seeds) {
    opened.models.push_back(make_model(s, uint64_t(seed)));
    load_weights(opened.stored, seed, weights, *opened.models.back());
  }
  return opened;
}

log::Result opened_result(const OpenedRun& run) {
  log::Result result;
  result.seeds = run.stored.seeds;
  result.data = data_facts(run.recordings, *run.dataset);
  result.model = model_facts(*run.models[0]);
  result.model.emplace_back("checkpoint", run.stored.checkpoint);
  return result;
}

}  // namespace tenfold::samba_align
