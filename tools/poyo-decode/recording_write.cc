// Writes the layout of temporaldata (specification, section 2.2 (a)).
#include "tools/poyo-decode/recording_layouts.h"
#include "tools/poyo-decode/temporaldata_writer.h"

namespace tenfold::poyo_decode {
namespace {

using io::Hdf5Writer;

void write_trials(Hdf5Writer& writer, const Trials& trials) {
  write_bounds(writer, "/trials", trials.intervals);
  std::vector<std::string> timekeys = {"start", "end"};
  if (!trials.target_id.empty()) writer.write("/trials/target_id", trials.target_id);
  if (!trials.go_cue_time.empty()) {
    writer.write("/trials/go_cue_time", trials.go_cue_time);
    timekeys.emplace_back("go_cue_time");
  }
  describe(writer, "/trials", "Interval", timekeys);
}

void write_behaviour(Hdf5Writer& writer, const Recording& r) {
  const auto [name, series] = split_readout(r.readout);
  const std::string group = "/" + name;
  write_pairs(writer, group + "/" + series, r.target);
  write_pairs(writer, group + "/pos", r.position);
  write_pairs(writer, group + "/acc", r.acceleration);
  write_series(writer, group, r.sample_times, r.domain);
}

void write_phases(Hdf5Writer& writer, const std::map<std::string, Intervals>& phases,
                  const Intervals& domain) {
  const std::string outliers = "cursor_outlier_segments";
  if (phases.count(outliers) != 0) write_intervals(writer, "/" + outliers, phases.at(outliers));
  if (phases.size() == phases.count(outliers)) return;
  write_data(writer, "/movement_phases", {});
  write_intervals(writer, "/movement_phases/domain", domain);
  for (const auto& [name, intervals] : phases) {
    if (name != outliers) write_intervals(writer, "/movement_phases/" + name, intervals);
  }
}

}  // namespace

void write_recording(const std::string& path, const Recording& r) {
  check(r);
  Hdf5Writer writer;
  write_data(writer, "/", {});
  write_data(writer, "/session", {{"id", r.session}, {"task", r.task}});
  write_data(writer, "/subject", {{"id", r.subject}});
  writer.write("/spikes/unit_index",
               std::vector<int64_t>(r.spike_units.begin(), r.spike_units.end()));
  write_series(writer, "/spikes", r.spike_times, r.domain);
  writer.write_fixed("/units/id", r.units);
  describe(writer, "/units", "ArrayDict");
  writer.fixed_attribute("/units", "_unicode_keys", {"id"});
  if (r.samples() > 0) write_behaviour(writer, r);
  write_intervals(writer, "/domain", r.domain);
  write_intervals(writer, "/train_domain", r.train_domain);
  write_intervals(writer, "/valid_domain", r.valid_domain);
  write_intervals(writer, "/test_domain", r.test_domain);
  if (r.trials.size() > 0) write_trials(writer, r.trials);
  write_phases(writer, r.phases, r.domain);
  writer.save(path);
}

}  // namespace tenfold::poyo_decode
