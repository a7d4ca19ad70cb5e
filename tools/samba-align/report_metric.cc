#include "tools/samba-align/report_metric.h"

#include <cmath>

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
  log::Metric m;
  m.value = mean_of(per_seed);
  m.unit = unit;
  m.higher_is_better = higher_is_better;
  if (!m.value) m.reason = reason;
  if (per_seed.size() > 1) {
    m.per_seed = per_seed;
    double squares = 0, count = 0;
    for (const Maybe& v : per_seed) {
      if (!v) continue;
      squares += (*v - *m.value) * (*v - *m.value);
      ++count;
    }
    if (count > 1) m.stderr_of_mean = std::sqrt(squares / (count - 1) / count);
  }
  result.metrics.emplace_back(name, m);
}

}  // namespace tenfold::samba_align
