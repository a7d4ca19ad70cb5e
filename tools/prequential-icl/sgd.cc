// `sgd`: a fresh network for every data set, on more and more of its points.

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <tuple>

#include "common/cli/loop_options.h"
#include "common/log/logger.h"
#include "tools/prequential-icl/commands.h"
#include "tools/prequential-icl/report.h"
#include "tools/prequential-icl/sgd_program.h"

namespace tenfold::prequential_icl {
namespace {

constexpr double kSmoothing = 20;  // fits, in the order of n
constexpr int64_t kGridRows = 60;

SgdOptions options_of(const SgdConfig& c) {
  SgdOptions o;
  o.fits = *c.fits;
  o.n_max = *c.n_max;
  o.n_test = *c.n_test;
  o.fit.width = *c.h_dim;
  o.fit.layers = c.pred_layers;
  o.fit.lr = c.lr;
  o.fit.batch = c.batch_size;
  o.fit.max_epochs = c.epochs;
  if (c.reg == "early-stop") return o;
  // "Unregularised": stops on the training loss, and so do the penalised learners.
  o.fit.monitor = Monitor::kTrain;
  o.fit.min_delta = -1e-4;
  o.fit.patience = 50;
  if (c.reg == "l1") o.fit.l1 = c.lambda;
  if (c.reg == "l2") o.fit.l2 = c.lambda;
  if (c.reg == "dropout") o.fit.dropout = c.dropout;
  return o;
}

// A smoothed curve of one seed: its fits in the order of n.
struct SeedCurve {
  std::vector<double> n, test, train;

  SeedCurve(const std::vector<FitRecord>& records, int64_t seed) {
    std::vector<FitRecord> own;
    for (const FitRecord& r : records)
      if (r.seed == seed) own.push_back(r);
    std::sort(own.begin(), own.end(), [](const FitRecord& a, const FitRecord& b) {
      return std::tie(a.n, a.fit) < std::tie(b.n, b.fit);
    });
    for (const FitRecord& r : own) {
      n.push_back(double(r.n));
      test.push_back(r.loss_test);
      train.push_back(r.loss_train);
    }
    test = gaussian_smooth(test, kSmoothing);
    train = gaussian_smooth(train, kSmoothing);
  }

  // Between fits on the logarithm of n; the first of several fits of one n stands for it.
  static double at(const std::vector<double>& xs, const std::vector<double>& ys, double x) {
    const size_t i = size_t(std::lower_bound(xs.begin(), xs.end(), x) - xs.begin());
    if (i == 0) return ys.front();
    if (i == xs.size()) return ys.back();
    if (xs[i] == x) return ys[i];
    const double low = std::log(xs[i - 1]), high = std::log(xs[i]);
    return ys[i - 1] + (ys[i] - ys[i - 1]) * (std::log(x) - low) / (high - low);
  }
};

// Whole numbers, evenly spaced on a logarithmic axis, that every seed has fits on both sides of.
std::vector<double> grid_of(const std::vector<SeedCurve>& curves) {
  double low = 0, high = INFINITY;
  for (const SeedCurve& c : curves) {
    low = std::max(low, c.n.front());
    high = std::min(high, c.n.back());
  }
  std::vector<double> grid;
  for (int64_t i = 0; i < kGridRows; ++i) {
    const double x = std::round(
        std::exp(std::log(low) + std::log(high / low) * double(i) / double(kGridRows - 1)));
    if (grid.empty() || x > grid.back()) grid.push_back(x);
  }
  return grid;
}

log::Series smoothed_series(const std::vector<SeedCurve>& curves) {
  log::Series series{"n_samples",
                     {{"n_samples", {}},
                      {"loss_nexttoken", {}},
                      {"loss_train", {}},
                      {"loss_ood", {}},
                      {"stderr", {}}}};
  const double count = double(curves.size());
  for (double n : grid_of(curves)) {
    double test = 0, train = 0, squares = 0;
    for (const SeedCurve& c : curves) {
      test += SeedCurve::at(c.n, c.test, n) / count;
      train += SeedCurve::at(c.n, c.train, n) / count;
    }
    for (const SeedCurve& c : curves) squares += std::pow(SeedCurve::at(c.n, c.test, n) - test, 2);
    series.columns[0].second.push_back(n);
    series.columns[1].second.push_back(test);
    series.columns[2].second.push_back(train);
    series.columns[3].second.push_back(std::nullopt);
    series.columns[4].second.push_back(
        count > 1 ? std::optional<double>(std::sqrt(squares / (count - 1) / count)) : std::nullopt);
  }
  return series;
}

log::Table fit_table(std::vector<FitRecord> records) {
  std::sort(records.begin(), records.end(), [](const FitRecord& a, const FitRecord& b) {
    return std::tie(a.seed, a.fit) < std::tie(b.seed, b.fit);
  });
  log::Table table{{"fit", "seed", "n", "loss_test", "loss_train", "epochs"}, {}};
  for (const FitRecord& r : records)
    table.rows.push_back({r.fit, r.seed, r.n, r.loss_test, r.loss_train, r.epochs});
  return table;
}

}  // namespace

int sgd(const SgdConfig& config, cli::Run& run) {
  const SgdOptions options = options_of(config);
  SgdProgram program(config.task, options, run.options().seed);
  log::Result result;
  result.seeds = run.options().seed;
  RunData drawn;
  drawn.data.task = config.task.task;
  drawn.data.shape = program.shape();
  result.data = data_facts(drawn);
  MlpFitOptions sized = options.fit;
  sized.inputs = program.shape().x_dim();
  sized.outputs = program.shape().y_dim();
  result.model = {{"arch", std::string("mlp")},
                  {"reg", config.reg},
                  {"parameters", sized.parameters()},
                  {"fits", program.total()}};
  if (run.options().dry_run) {
    run.emit(result, "sgd/1");
    return 0;
  }
  if (options.fits < 3 * int64_t(kSmoothing)) {
    log::warning(
        fmt::format("--fits {}: the curve is smoothed over {:.0f} neighbours on each side, so "
                    "that it is nearly flat below {:.0f} fits; the fits table is not smoothed",
                    options.fits, kSmoothing, 3 * kSmoothing));
  }
  const int64_t steps = program.most_steps();  // the program says when it has finished
  const train::Outcome outcome = train::run_loop(program, cli::loop_options(run, steps, "sgd"));
  set_outcome(result, outcome);
  result.tables.emplace_back("fits", fit_table(program.records()));
  std::vector<SeedCurve> curves;
  for (int64_t seed : run.options().seed) {
    SeedCurve curve(program.records(), seed);
    if (!curve.n.empty()) curves.push_back(std::move(curve));
  }
  if (!curves.empty()) result.series.emplace_back("eval_curve", smoothed_series(curves));
  log::Metric speed;
  speed.unit = "fits/s";
  speed.higher_is_better = true;
  if (outcome.elapsed_s > 0) {
    speed.value = double(program.records().size()) / outcome.elapsed_s;
  } else {
    speed.reason = "no time was measured";
  }
  result.metrics.emplace_back("fits_per_s", speed);
  if (!config.task.small) result.published = published_curve(config.task.task, "sgd-" + config.reg);
  run.emit(result, "sgd/1");
  return outcome.exit_code;
}

}  // namespace tenfold::prequential_icl
