#include "tools/bias-learning/seed_metrics.h"

#include <algorithm>

namespace tenfold::bias_learning {

log::Metric SeedMetrics::One::metric() const {
  return log::metric_over_seeds(values, higher, "undefined: one of the two does not vary", unit);
}

void SeedMetrics::set(const std::string& name, size_t seed, std::optional<double> value,
                      std::optional<bool> higher_is_better, const std::string& unit) {
  auto found = std::find_if(all_.begin(), all_.end(), [&](const One& m) { return m.name == name; });
  if (found == all_.end())
    found = all_.insert(all_.end(),
                        {name, std::vector<std::optional<double>>(seeds_), higher_is_better, unit});
  found->values[seed] = value;
}

std::optional<double> SeedMetrics::mean(const std::string& name) const {
  for (const One& m : all_)
    if (m.name == name) return m.metric().value;
  return std::nullopt;
}

void SeedMetrics::write(log::Result& result) const {
  for (const One& m : all_) result.metrics.emplace_back(m.name, m.metric());
}

}  // namespace tenfold::bias_learning
