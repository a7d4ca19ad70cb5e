#include "tools/samba-align/report_metric.h"

namespace tenfold::samba_align {

log::Value value_of(const Maybe& v) { return v ? log::Value(*v) : log::Value(nullptr); }

Maybe mean_of(const std::vector<Maybe>& values) {
  double sum = 0, count = 0;
  for (const Maybe& v : values) {
    if (!v) continue;
    sum += *v;
    ++count;
  }
  return count > 0 ? Maybe(sum / count) : std::nullopt;
}

void add_metric(log::Result& result, const std::string& name, const std::vector<Maybe>& per_seed,
                std::optional<bool> higher_is_better, const std::string& unit,
                const std::string& reason) {
  log::Metric m = log::metric_over_seeds(per_seed, higher_is_better, reason, unit);
  m.n.reset();
  if (per_seed.size() == 1) m.per_seed.clear();
  result.metrics.emplace_back(name, m);
}

}  // namespace tenfold::samba_align
