// Metrics whose values come seed by seed.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <vector>

#include "common/log/result.h"

namespace tenfold::bias_learning {

class SeedMetrics {
 public:
  explicit SeedMetrics(size_t seeds) : seeds_(seeds) {}

  void set(const std::string& name, size_t seed, std::optional<double> value,
           std::optional<bool> higher_is_better = std::nullopt, const std::string& unit = "");

  // The mean over the seeds that have a value; none where the name or all its values are missing.
  std::optional<double> mean(const std::string& name) const;

  // In the order in which the names were first set.
  void write(log::Result& result) const;

 private:
  struct One {
    std::string name;
    std::vector<std::optional<double>> values;
    std::optional<bool> higher;
    std::string unit;

    log::Metric metric() const;
  };
  size_t seeds_;
  std::vector<One> all_;
};

}  // namespace tenfold::bias_learning
