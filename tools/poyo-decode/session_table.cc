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
                    "train_s", "valid_s", "test_s", "rate_hz", "readout", "readout_std"},
                   {}};
  for (const Recording& r : recordings) {
    const double seconds = total_length(r.domain);
    const double rate = double(r.spikes()) / (seconds * double(r.units.size()));
    table.rows.push_back(
        {r.session, r.subject, r.task, int64_t(r.units.size()), r.spikes(), r.samples(),
         r.trials.size(), seconds, total_length(r.train_domain), total_length(r.valid_domain),
         total_length(r.test_domain), std::isfinite(rate) ? log::Value(rate) : log::Value(nullptr),
         r.readout, r.target.empty() ? log::Value(nullptr) : log::Value(deviation_of(r.target))});
  }
  return table;
}

}  // namespace tenfold::poyo_decode
