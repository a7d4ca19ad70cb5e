// `train-rnn`: random recurrent networks of several seeds and gains learn one trajectory.

#include <fmt/format.h>

#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

#include "common/cli/loop_options.h"
#include "common/core/error.h"
#include "common/io/file.h"
#include "common/log/logger.h"
#include "tools/bias-learning/commands.h"
#include "tools/bias-learning/dynamical_systems.h"
#include "tools/bias-learning/rnn_program.h"

namespace tenfold::bias_learning {
namespace {

struct Spectrum {
  Eigen::VectorXcd eigenvalues;
  double radius = 0;
  int64_t active = 0;  // units with W r + b > 0
};

// Of the map r -> -alpha r + beta relu(W r + b) at a state.
Spectrum spectrum_at(const RnnModel& m, const TrainRnnConfig& config, const std::vector<float>& r,
                     const std::vector<float>& bias) {
  const int64_t n = config.hidden;
  using Matrix = Eigen::Matrix<float, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  const Eigen::Map<const Matrix> weight(m.weight.data(), n, n);
  const Eigen::Map<const Eigen::VectorXf> state(r.data(), n), b(bias.data(), n);
  const Eigen::VectorXf u = weight * state + b;
  Eigen::MatrixXd jacobian = -config.alpha * Eigen::MatrixXd::Identity(n, n);
  Spectrum out;
  for (int64_t i = 0; i < n; ++i) {
    if (!(u(i) > 0)) continue;
    ++out.active;
    jacobian.row(i) += config.beta * weight.row(i).cast<double>();
  }
  out.eigenvalues = Eigen::EigenSolver<Eigen::MatrixXd>(jacobian, false).eigenvalues();
  out.radius = out.eigenvalues.cwiseAbs().maxCoeff();
  return out;
}

void write_target(const Trajectory& t, const std::string& path) {
  std::string text = t.states.empty() ? "t,target\n" : "t,x,v,target\n";
  for (size_t i = 0; i < t.target.size(); ++i) {
    text += fmt::format("{}", i + 1);
    if (!t.states.empty()) text += fmt::format(",{},{}", t.states[i][0], t.states[i][1]);
    text += fmt::format(",{}\n", t.target[i]);
  }
  io::write_file_atomic(path, text);
}

log::Metric mean_metric(const std::vector<std::optional<double>>& values) {
  log::Metric m;
  m.per_seed = values;
  m.higher_is_better = false;
  double sum = 0;
  int64_t count = 0;
  for (const auto& v : values) {
    if (!v) continue;
    sum += *v;
    ++count;
  }
  m.n = count;
  if (count == int64_t(values.size()))
    m.value = sum / double(count);
  else
    m.reason = "a network diverged";
  return m;
}

}  // namespace

int train_rnn(const TrainRnnConfig& config, cli::Run& run) {
  if (run.device().cuda) throw Unavailable("--device: train-rnn runs on the CPU in this version");
  const Trajectory trajectory =
      config.system == "cosine" ? cosine(config.steps, config.period) : van_der_pol(config.steps);
  if (!config.dump_target.empty()) {
    write_target(trajectory, config.dump_target);
    return 0;
  }
  RnnOptions options;
  options.hidden = config.hidden;
  options.alpha = config.alpha;
  options.beta = config.beta;
  options.clip = config.clip;
  options.full = config.train == "full";
  options.rate = config.lr.value_or(options.full ? 0.001 : 0.01);
  options.gains = config.gains();
  options.target = trajectory.target;
  for (const int64_t seed : run.options().seed) options.seeds.push_back(uint64_t(seed));
  RnnProgram program(options);
  // Before training: the state that the network without biases ends in.
  const std::vector<float> none(size_t(config.hidden), 0.0f);
  std::vector<Spectrum> before;
  for (const RnnModel& m : program.models())
    before.push_back(spectrum_at(m, config, program.run(m, none.data()).last, none));
  const train::Outcome outcome =
      train::run_loop(program, cli::loop_options(run, config.iters, "train-rnn"));

  log::Result result;
  result.complete = outcome.complete;
  result.stopped_by = outcome.stopped_by;
  const double spread = variance(trajectory.target);
  result.data = {
      {"name", config.system}, {"origin", std::string("generated")}, {"target_variance", spread}};
  const int64_t n = config.hidden, all = n * n + 2 * n;
  result.model = {{"hidden", n}, {"trained_params", options.full ? all : n}, {"total_params", all}};
  log::Table table{{"system", "gain", "seed", "train", "mse", "nmse", "spectral_radius_before",
                    "spectral_radius_after", "active_units", "diverged_at"},
                   {}};
  log::Series curves{"iteration", {}}, paths{"t", {{"t", {}}, {"target", {}}}},
      spectra{"re", {{"re", {}}, {"im", {}}, {"after", {}}}};
  for (size_t t = 0; t < trajectory.target.size(); ++t) {
    paths.columns[0].second.emplace_back(double(t + 1));
    paths.columns[1].second.emplace_back(trajectory.target[t]);
  }
  for (const double gain : options.gains) {
    std::vector<std::optional<double>> of_seeds;
    for (size_t k = 0; k < program.models().size(); ++k) {
      const RnnModel& m = program.models()[k];
      if (m.gain != gain) continue;
      const RnnProgram::Run last = program.run(m);
      const std::string name = fmt::format("{:g}/{}", m.gain, m.seed);
      if (m.diverged || !std::isfinite(last.mse)) {
        of_seeds.emplace_back();
        table.rows.push_back({config.system, gain, int64_t(m.seed), config.train, nullptr, nullptr,
                              before[k].radius, nullptr, nullptr, m.diverged_at});
        continue;
      }
      const Spectrum after = spectrum_at(m, config, last.last, m.bias);
      of_seeds.emplace_back(last.mse);
      table.rows.push_back({config.system, gain, int64_t(m.seed), config.train, last.mse,
                            last.mse / spread, before[k].radius, after.radius, after.active,
                            nullptr});
      paths.columns.emplace_back("output/" + name, std::vector<std::optional<double>>(
                                                       last.output.begin(), last.output.end()));
      curves.columns.emplace_back(
          "mse/" + name, std::vector<std::optional<double>>(m.curve.begin(), m.curve.end()));
      if (m.seed != options.seeds[0]) continue;
      const Spectrum* const two[] = {&before[k], &after};
      for (const Spectrum* s : two) {
        for (const auto& value : s->eigenvalues) {
          spectra.columns[0].second.emplace_back(value.real());
          spectra.columns[1].second.emplace_back(value.imag());
          spectra.columns[2].second.emplace_back(s == &after ? 1 : 0);
        }
      }
      result.series.emplace_back(fmt::format("eigenvalues/{:g}", gain), spectra);
      for (auto& column : spectra.columns) column.second.clear();
    }
    result.metrics.emplace_back(fmt::format("mse/{}/{:g}", config.train, gain),
                                mean_metric(of_seeds));
    if (const auto& value = result.metrics.back().second.value)
      log::info(
          fmt::format("gain {:g}: mse {:.4f} (target variance {:.4f})", gain, *value, spread));
  }
  if (program.seconds_trained() > 0) {
    log::Metric speed;
    speed.value =
        double(outcome.steps) * double(program.models().size()) / program.seconds_trained();
    speed.unit = "network iterations/s";
    speed.higher_is_better = true;
    result.metrics.emplace_back("iterations_per_second", speed);
  }
  if (!curves.columns.empty()) {
    std::vector<std::optional<double>> at;
    for (size_t i = 0; i < curves.columns[0].second.size(); ++i)
      at.emplace_back(double(i) * double(RnnProgram::kCurveEvery));
    curves.columns.insert(curves.columns.begin(), {"iteration", at});
    result.series.emplace_back("loss", curves);
  }
  result.series.emplace_back("trajectories", paths);
  result.tables.emplace_back("rnn", table);
  run.emit(result, "train-rnn/1");
  return outcome.exit_code;
}

}  // namespace tenfold::bias_learning
