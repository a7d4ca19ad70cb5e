#include "tools/poyo-decode/stored_dataset.h"

#include "tools/poyo-decode/recordings.h"

namespace tenfold::poyo_decode {

Dataset stored_dataset(const StoredRun& stored, const DataConfig& given, SpikeControls controls) {
  DataConfig data = stored.config.data;
  if (!given.data.empty() || !given.synthetic.empty()) {
    data.data = given.data;
    data.synthetic = given.synthetic;
    data.sessions.clear();
  }
  if (!given.sessions.empty()) data.sessions = given.sessions;
  if (!given.dataset.empty()) data.dataset = given.dataset;
  if (!given.readout.empty()) data.readout = given.readout;
  if (controls.bin == 0) controls.bin = stored.config.bin_spikes / 1e3;
  std::vector<Recording> recordings = load_recordings(data);
  for (Recording& r : recordings) apply(controls, r);
  // Nothing is learnt, so that no weights are needed; the target is divided as in training.
  return Dataset(std::move(recordings), dataset_options(data, "uniform"), stored.units,
                 stored.sessions);
}

}  // namespace tenfold::poyo_decode
