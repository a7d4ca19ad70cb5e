#include "tools/poyo-decode/session_table.h"

#include <cmath>

namespace tenfold::poyo_decode {
namespace {

double deviation_of(const std::vector<float>& values) {
  double sum = 0, squares = 0;
  for (float v : values) {
    sum += v;
    squares += double(v) * v;
  }
  const double n = double(values.size());
  return std::sqrt(std::max(0.0, squares / n - (sum / n) * (sum / n)));
}

}  // namespace

log::Table session_table(const std::vector<Recording>& recordings) {
  log::Table table{{"session", "subject", "task", "units", "spikes", "samples", "trials", "seconds",
                    "train_s", "valid_s", "test_s", "rate_hz", "readout", "readout_std", "position",
                    "acceleration", "layout"},
                   {}};
  for (const Recording& r : recordings) {
    const double seconds = total_length(r.domain);
    const double rate = double(r.spikes()) / (seconds * double(r.units.size()));
    table.rows.push_back(
        {r.session, r.subject, r.task, int64_t(r.units.size()), r.spikes(), r.samples(),
         r.trials.size(), seconds, total_length(r.train_domain), total_length(r.valid_domain),
         total_length(r.test_domain), std::isfinite(rate) ? log::Value(rate) : log::Value(nullptr),
         r.readout, r.target.empty() ? log::Value(nullptr) : log::Value(deviation_of(r.target)),
         !r.position.empty(), !r.acceleration.empty(),
         r.layout.empty() ? std::string("generated") : r.layout});
  }
  return table;
}

log::Table interval_table(const std::vector<Recording>& recordings) {
  log::Table table{{"session", "set", "intervals", "seconds", "first_s", "last_s"}, {}};
  for (const Recording& r : recordings) {
    const auto add = [&](const std::string& name, const Intervals& set) {
      const bool none = set.empty();
      table.rows.push_back({r.session, name, int64_t(set.size()), total_length(set),
                            none ? log::Value(nullptr) : log::Value(set.front().start),
                            none ? log::Value(nullptr) : log::Value(set.back().end)});
    };
    add("domain", r.domain);
    add("train_domain", r.train_domain);
    add("valid_domain", r.valid_domain);
    add("test_domain", r.test_domain);
    add("trials", r.trials.intervals);
    for (const auto& [name, set] : r.phases) add(name, set);
  }
  return table;
}

}  // namespace tenfold::poyo_decode
