// `check-theory`: the constructions behind the two theorems, measured on random weights.

#include <fmt/format.h>

#include <algorithm>
#include <optional>
#include <vector>

#include "common/log/logger.h"
#include "tools/bias-learning/commands.h"
#include "tools/bias-learning/theory.h"
#include "tools/bias-learning/theory_fit.h"

namespace tenfold::bias_learning {
namespace {

constexpr double kBounds[] = {0.1, 0.5, 1.0};  // gamma of --check bounding

// Between the two nearest of the sorted values.
double quantile(const std::vector<double>& sorted, double share) {
  const double at = share * double(sorted.size() - 1);
  const auto below = size_t(at);
  const size_t above = std::min(below + 1, sorted.size() - 1);
  return sorted[below] + (at - double(below)) * (sorted[above] - sorted[below]);
}

}  // namespace

int check_theory(const CheckTheoryConfig& config, cli::Run& run) {
  log::Result result;
  result.data = {{"name", config.check}, {"origin", std::string("generated")}};
  const bool ffn = config.check == "ffn", bounding = config.check == "bounding";
  const bool heaviside = config.activation == "heaviside", fit = config.fit == "adam";
  if (ffn) {
    result.model = {{"target", config.target},
                    {"target_units", ffn_target_units(config.target, heaviside)},
                    {"target_network_error", ffn_target_network_error(config.target, heaviside)}};
  }
  log::Table table{{"check", "width", "gamma", "seed", "error", "error_to_target_network"}, {}};
  log::Table quantiles{{"check", "width", "gamma", "mean", "median", "q05", "q95"}, {}};
  std::vector<double> sizes;
  if (bounding)
    sizes.assign(std::begin(kBounds), std::end(kBounds));
  else
    sizes.assign(config.width.begin(), config.width.end());
  for (const double size : sizes) {
    std::vector<double> errors;
    const log::Value at_width = bounding ? log::Value(nullptr) : log::Value(int64_t(size)),
                     at_gamma = bounding ? log::Value(size) : log::Value(nullptr);
    for (const int64_t seed : run.options().seed) {
      const auto key = uint64_t(seed);
      const auto width = int64_t(size);
      std::optional<double> to_target;
      if (fit) {
        errors.push_back(fit_biases(config.target, width, config.range, key).error);
      } else if (ffn) {
        const TheoryError e = ffn_error(config.target, heaviside, width, config.range, key);
        errors.push_back(e.error);
        to_target = e.to_target_network;
      } else if (config.check == "rnn") {
        errors.push_back(rnn_error(width, config.range, key));
      } else if (bounding) {
        errors.push_back(bounding_error(heaviside, size, key));
      } else {
        errors.push_back(off_switch_error(heaviside, width, config.range, key));
      }
      table.rows.push_back({config.check, at_width, at_gamma, seed, errors.back(),
                            to_target ? log::Value(*to_target) : log::Value(nullptr)});
    }
    const log::Metric metric = log::metric_over_seeds({errors.begin(), errors.end()}, false);
    std::sort(errors.begin(), errors.end());
    const double median = quantile(errors, 0.5), low = quantile(errors, 0.05),
                 high = quantile(errors, 0.95);
    quantiles.rows.push_back({config.check, at_width, at_gamma, *metric.value, median, low, high});
    log::info(fmt::format(
        "{} {:g}: error {:.3g} (mean of {}; median {:.3g}, 5 to 95 %: {:.3g} to "
        "{:.3g})",
        bounding ? "gamma" : "width", size, *metric.value, errors.size(), median, low, high));
    result.metrics.emplace_back(fmt::format("error/{}/{:g}", config.check, size), metric);
  }
  if (config.check == "rnn")
    log::info(
        "one unit was imitated; with n of them the width needed grows with n^2 + 2n coordinates");
  if (fit)
    log::info("trained, not constructed: good biases that exist need not be found by descent");
  result.tables.emplace_back("theory", table);
  result.tables.emplace_back("quantiles", quantiles);
  run.emit(result, "check-theory/1");
  return 0;
}

}  // namespace tenfold::bias_learning
