// `check-theory`: the constructions behind the two theorems, measured on random weights.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <vector>

#include "common/log/logger.h"
#include "tools/bias-learning/commands.h"
#include "tools/bias-learning/theory.h"

namespace tenfold::bias_learning {
namespace {

constexpr double kBounds[] = {0.1, 0.5, 1.0};  // gamma of --check bounding

// Of one width (bounding: of one bound), over the seeds.
log::Metric over_seeds(const std::vector<double>& values) {
  log::Metric m;
  double mean = 0, squares = 0;
  for (const double v : values) {
    m.per_seed.emplace_back(v);
    mean += v / double(values.size());
  }
  for (const double v : values) squares += (v - mean) * (v - mean);
  m.value = mean;
  m.n = int64_t(values.size());
  m.higher_is_better = false;
  if (values.size() > 1)
    m.stderr_of_mean = std::sqrt(squares / double(values.size() - 1) / double(values.size()));
  return m;
}

}  // namespace

int check_theory(const CheckTheoryConfig& config, cli::Run& run) {
  log::Result result;
  result.data = {{"name", config.check}, {"origin", std::string("generated")}};
  const bool ffn = config.check == "ffn", bounding = config.check == "bounding";
  if (ffn) {
    result.model = {{"target", config.target},
                    {"target_units", ffn_target_units(config.target)},
                    {"target_network_error", ffn_target_network_error(config.target)}};
  }
  log::Table table{{"check", "width", "gamma", "seed", "error", "error_to_target_network"}, {}};
  std::vector<double> sizes;
  if (bounding)
    sizes.assign(std::begin(kBounds), std::end(kBounds));
  else
    sizes.assign(config.width.begin(), config.width.end());
  for (const double size : sizes) {
    std::vector<double> errors;
    for (const int64_t seed : run.options().seed) {
      const auto key = uint64_t(seed);
      const auto width = int64_t(size);
      std::optional<double> to_target;
      if (ffn) {
        const TheoryError e = ffn_error(config.target, width, config.range, key);
        errors.push_back(e.error);
        to_target = e.to_target_network;
      } else if (config.check == "rnn") {
        errors.push_back(rnn_error(width, config.range, key));
      } else if (bounding) {
        errors.push_back(bounding_error(size, key));
      } else {
        errors.push_back(off_switch_error(width, config.range, key));
      }
      table.rows.push_back({config.check, bounding ? log::Value(nullptr) : log::Value(width),
                            bounding ? log::Value(size) : log::Value(nullptr), seed, errors.back(),
                            to_target ? log::Value(*to_target) : log::Value(nullptr)});
    }
    const log::Metric metric = over_seeds(errors);
    log::info(fmt::format("{} {:g}: error {:.3g} (mean of {})", bounding ? "gamma" : "width", size,
                          *metric.value, errors.size()));
    result.metrics.emplace_back(fmt::format("error/{}/{:g}", config.check, size), metric);
  }
  if (config.check == "rnn")
    log::info(
        "one unit was imitated; with n of them the width needed grows with n^2 + 2n coordinates");
  result.tables.emplace_back("theory", table);
  run.emit(result, "check-theory/1");
  return 0;
}

}  // namespace tenfold::bias_learning
