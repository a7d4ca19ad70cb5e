#include "tools/bias-learning/trajectory_task.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "common/core/error.h"
#include "common/io/csv.h"

namespace tenfold::bias_learning {
namespace {

std::vector<float> flat(const Rows& rows) {
  std::vector<float> out;
  for (const auto& row : rows) out.insert(out.end(), row.begin(), row.end());
  return out;
}

// Mean over the columns.
double variance_of(const Rows& rows) {
  double sum = 0;
  for (size_t k = 0; k < rows[0].size(); ++k) sum += variance(column(rows, k));
  return sum / double(rows[0].size());
}

class TrajectoryTask : public RnnTask {
 public:
  explicit TrajectoryTask(const Trajectory& t) : t_(t), variance_(variance_of(t.target)) {
    trials_.steps = int64_t(t.target.size());
    trials_.x = flat(t.x);
    trials_.target = flat(t.target);
  }

  int64_t inputs() const override { return t_.x.empty() ? 0 : int64_t(t_.x[0].size()); }
  int64_t outputs() const override { return int64_t(t_.target[0].size()); }
  bool starts_at_zero() const override { return false; }

  void trials(uint64_t, int64_t, Trials& out) const override {
    if (out.steps == 0) out = trials_;
  }

  double loss(const Trials& trials, const float* y, float* d_y) const override {
    return mean_squared_error(trials, outputs(), 0, y, d_y);
  }

  Measured measure(const RateNetwork& net) const override {
    NetworkBuffers buffers;
    run_network(net, trials_, buffers);
    Measured out;
    double mse = 0;
    for (size_t i = 0; i < buffers.y.size(); ++i) {
      const double error = double(buffers.y[i]) - trials_.target[i];
      mse += error * error / double(buffers.y.size());
    }
    out.figures = {{"mse", mse}, {"nmse", mse / variance_}, {"r2", 1 - mse / variance_}};
    for (int64_t o = 0; o < outputs(); ++o) {
      auto& values = out.curve.emplace_back(name("output", o), std::vector<double>()).second;
      for (int64_t t = 0; t < trials_.steps; ++t)
        values.push_back(buffers.y[size_t(t * outputs() + o)]);
    }
    out.trial = trials_;
    return out;
  }

  Figures facts() const override {
    Figures out = {{"target_variance", variance_}};
    out.insert(out.end(), t_.facts.begin(), t_.facts.end());
    return out;
  }

  Columns truth() const override {
    Columns out;
    for (int64_t o = 0; o < outputs(); ++o)
      out.emplace_back(name("target", o), column(t_.target, size_t(o)));
    return out;
  }

 private:
  std::string name(const char* what, int64_t o) const {
    return outputs() == 1 ? what : fmt::format("{}_{}", what, o + 1);
  }

  Trajectory t_;
  double variance_;
  Trials trials_;
};

}  // namespace

Trajectory cosine_trajectory(int64_t steps, double period) {
  Trajectory out;
  for (const double y : cosine(steps, period)) out.target.push_back({y});
  return out;
}

Trajectory van_der_pol_trajectory(int64_t steps, const Integration& how) {
  Trajectory out;
  out.states = van_der_pol(steps, how);
  out.state_names = {"x", "v"};
  std::vector<double> x = column(out.states, 0);
  scale_to_one(x);
  for (const double y : x) out.target.push_back({y});
  return out;
}

Trajectory csv_trajectory(const std::string& path, int64_t steps) {
  const io::CsvTable table = io::CsvTable::read(path);
  const auto& columns = table.columns();
  size_t targets = 0, inputs = 0;
  while (1 + targets < columns.size() && columns[1 + targets] == fmt::format("y{}", targets + 1))
    ++targets;
  while (1 + targets + inputs < columns.size() &&
         columns[1 + targets + inputs] == fmt::format("x{}", inputs + 1))
    ++inputs;
  if (columns[0] != "t" || targets == 0 || 1 + targets + inputs != columns.size())
    throw DataError(fmt::format("{}: found the header '{}', expected t,y1..ym[,x1..xd]", path,
                                fmt::join(columns, ",")));
  if (steps == 0) steps = table.rows();
  if (steps > table.rows() || steps < 2)
    throw DataError(fmt::format("{}: found {} rows, expected at least {}", path, table.rows(),
                                std::max<int64_t>(steps, 2)));
  Trajectory out;
  out.target.assign(size_t(steps), std::vector<double>(targets));
  if (inputs > 0) out.x.assign(size_t(steps), std::vector<double>(inputs));
  for (size_t t = 0; t < size_t(steps); ++t) {
    for (size_t k = 0; k < targets; ++k)
      out.target[t][k] = table.number(int64_t(t), int64_t(1 + k));
    for (size_t k = 0; k < inputs; ++k)
      out.x[t][k] = table.number(int64_t(t), int64_t(1 + targets + k));
  }
  for (size_t k = 0; k < targets; ++k) {
    const Standard s = standard_of(column(out.target, k), size_t(steps));
    if (!(s.deviation > 0))
      throw DataError(fmt::format("{}: column y{} does not vary", path, k + 1));
    for (auto& row : out.target) row[k] = (row[k] - s.mean) / s.deviation;
    out.facts.emplace_back(fmt::format("y{}_mean", k + 1), s.mean);
    out.facts.emplace_back(fmt::format("y{}_deviation", k + 1), s.deviation);
  }
  return out;
}

std::unique_ptr<RnnTask> trajectory_task(const Trajectory& trajectory) {
  return std::make_unique<TrajectoryTask>(trajectory);
}

double mean_squared_error(const Trials& trials, int64_t outputs, int64_t first, const float* y,
                          float* d_y) {
  const int64_t from = first * trials.batch * outputs, end = trials.steps * trials.batch * outputs;
  const double count = double(end - from);
  double sum = 0;
  std::fill_n(d_y, from, 0.0f);
  for (int64_t i = from; i < end; ++i) {
    const double error = double(y[i]) - trials.target[size_t(i)];
    sum += error * error;
    d_y[i] = float(2 * error / count);
  }
  return sum / count;
}

}  // namespace tenfold::bias_learning
