#include "tools/bias-learning/reaching_task.h"

#include <fmt/format.h>

#include <array>
#include <cmath>

#include "common/core/error.h"

namespace tenfold::bias_learning {
namespace {

constexpr double kPi = 3.14159265358979323846, kOfVelocity = 0.1, kOfForce = 0.01;

using Point = std::array<double, 2>;

class ReachingTask : public RnnTask {
 public:
  explicit ReachingTask(const ReachOptions& options) : o_(options) {
    if (o_.steps < kHold)
      throw UsageError(
          fmt::format("--steps: found {}, expected at least {} for reach", o_.steps, kHold));
    training_ = at_angles(0);
    held_out_ = at_angles(0.5);
  }

  int64_t inputs() const override { return 2; }
  int64_t outputs() const override { return 2; }
  bool starts_at_zero() const override { return true; }

  void trials(uint64_t, int64_t, Trials& out) const override {
    if (out.steps == 0) out = training_;
  }

  double loss(const Trials& trials, const float* y, float* d_y) const override {
    const int64_t steps = trials.steps, batch = trials.batch;
    const double share = 1 / double(batch * kHold);
    std::vector<Point> positions(static_cast<size_t>(steps)), velocities(positions.size());
    double sum = 0;
    for (int64_t b = 0; b < batch; ++b) {
      move(y, batch, b, positions, velocities);
      Point by_position{}, by_velocity{};
      for (int64_t t = steps - 1; t >= 0; --t) {
        const bool held = t >= steps - kHold;
        for (int64_t k = 0; k < 2; ++k) {
          const double u = y[(t * batch + b) * 2 + k], v = velocities[size_t(t)][size_t(k)];
          const double off = positions[size_t(t)][size_t(k)] - trials.x[size_t(b * 2 + k)];
          if (held) {
            sum += share * (off * off + kOfVelocity * v * v + kOfForce * u * u);
            by_position[size_t(k)] += 2 * share * off;
            by_velocity[size_t(k)] += 2 * share * kOfVelocity * v;
          }
          by_velocity[size_t(k)] += o_.dt * by_position[size_t(k)];
          d_y[(t * batch + b) * 2 + k] =
              float(o_.dt * by_velocity[size_t(k)] + (held ? 2 * share * kOfForce * u : 0));
        }
      }
    }
    return sum;
  }

  Measured measure(const RateNetwork& net) const override {
    NetworkBuffers buffers;
    Measured out;
    run_network(net, training_, buffers);
    std::vector<float> d(buffers.y.size());
    out.figures = {{"mse", loss(training_, buffers.y.data(), d.data())},
                   {"distance_training", distance(training_, buffers.y)}};
    run_network(net, held_out_, buffers);
    out.figures.emplace_back("distance_held_out", distance(held_out_, buffers.y));
    std::vector<Point> positions(static_cast<size_t>(o_.steps)), velocities(positions.size());
    for (int64_t b = 0; b < o_.angles; ++b) {
      move(buffers.y.data(), o_.angles, b, positions, velocities);
      for (size_t k = 0; k < 2; ++k) {
        auto& values =
            out.curve
                .emplace_back(fmt::format("{}_{}", k == 0 ? "x" : "y", b), std::vector<double>())
                .second;
        for (const Point& p : positions) values.push_back(p[k]);
      }
    }
    out.trial.steps = o_.steps;
    out.trial.constant_input = true;
    out.trial.x = {training_.x[0], training_.x[1]};
    return out;
  }

  Figures facts() const override { return {{"angles", double(o_.angles)}, {"dt", o_.dt}}; }
  Columns truth() const override { return {}; }

 private:
  Trials at_angles(double offset) const {
    Trials out;
    out.steps = o_.steps;
    out.batch = o_.angles;
    out.constant_input = true;
    for (int64_t k = 0; k < o_.angles; ++k) {
      const double a = 2 * kPi * (double(k) + offset) / double(o_.angles);
      out.x.push_back(float(std::cos(a)));
      out.x.push_back(float(std::sin(a)));
    }
    return out;
  }

  // The mass of one trial after every step.
  void move(const float* y, int64_t batch, int64_t b, std::vector<Point>& positions,
            std::vector<Point>& velocities) const {
    Point p{}, v{};
    for (size_t t = 0; t < positions.size(); ++t) {
      for (size_t k = 0; k < 2; ++k) {
        v[k] += o_.dt * y[(int64_t(t) * batch + b) * 2 + int64_t(k)];
        p[k] += o_.dt * v[k];
      }
      positions[t] = p;
      velocities[t] = v;
    }
  }

  double distance(const Trials& trials, const std::vector<float>& y) const {
    std::vector<Point> positions(static_cast<size_t>(o_.steps)), velocities(positions.size());
    double sum = 0;
    for (int64_t b = 0; b < trials.batch; ++b) {
      move(y.data(), trials.batch, b, positions, velocities);
      const Point& p = positions.back();
      sum += std::hypot(p[0] - trials.x[size_t(b * 2)], p[1] - trials.x[size_t(b * 2 + 1)]);
    }
    return sum / double(trials.batch);
  }

  ReachOptions o_;
  Trials training_, held_out_;
};

}  // namespace

std::unique_ptr<RnnTask> reaching_task(const ReachOptions& options) {
  return std::make_unique<ReachingTask>(options);
}

}  // namespace tenfold::bias_learning
