#include "tools/prequential-icl/bench_cases.h"

#include <ATen/ops/empty.h>

#include "tools/prequential-icl/families.h"
#include "tools/prequential-icl/mamba.h"

namespace tenfold::prequential_icl {
namespace {

constexpr int64_t kState = 8, kConvWidth = 4;  // of the Mamba blocks

double product(double rows, double in, double out) { return 2 * rows * in * out; }

// One post-norm layer: attention of `rows` queries over as many tokens, then feed-forward 2h.
double layer_flops(double rows, double time, double h) {
  const double projections = product(rows, h, 4 * h), feed_forward = product(rows, h, 4 * h);
  return projections + feed_forward + 2 * rows * h * (time + 1);
}

double mamba_flops(double rows, const ModelSpec& s) {
  const double h = double(s.h_dim), inner = 2 * h, mlp = double(GatedMlp::hidden(s.h_dim));
  const double gated = product(rows, h, 2 * mlp) + product(rows, mlp, h);
  const double scan = 6 * rows * inner * kState + product(rows, inner, kConvWidth);
  if (s.arch == "mamba2") {
    const double heads = inner / double(s.mamba_head_dim);
    return product(rows, h, 2 * inner + 2 * kState + heads) + product(rows, inner, h) + scan +
           gated;
  }
  const double rank = double((s.h_dim + 15) / 16);
  return product(rows, h, 2 * inner) + product(rows, inner, rank + 2 * kState) +
         product(rows, rank, inner) + product(rows, inner, h) + scan + gated;
}

}  // namespace

StepCase step_case(const std::string& model, const std::string& shape) {
  StepCase c{shape, {}, 32, 64, 1e-3, 0};
  c.spec.arch = model;
  c.spec.x_dim = c.spec.query_dim = 3;
  if (shape == "small") {
    c.spec.h_dim = c.spec.pred_h_dim = 64;
    c.spec.n_layers = 2;
    c.spec.z_dim = 32;
  } else {
    c.points = 1000;
    c.batch = 2;
    c.lr = 1e-4;
  }
  if (model == "transformer") c.reference_cpu_s = shape == "small" ? 0.035 : 0.71;
  if (model == "two-stream") c.reference_cpu_s = shape == "small" ? 0.051 : 1.49;
  return c;
}

std::vector<Batch> step_batches(const StepCase& c, int64_t count, uint64_t seed) {
  const auto family = linear_family({}, Stream(seed, "bench/rows"));
  const int64_t x_dim = family->x_dim, y_dim = family->y_dim;
  std::vector<float> theta(size_t(family->parameter_count())), x(size_t(c.points * x_dim)),
      y(size_t(c.points * y_dim));
  std::vector<Batch> batches;
  for (int64_t b = 0; b < count; ++b) {
    Batch& batch = batches.emplace_back();
    batch.points = at::empty({c.batch, c.points, x_dim + y_dim});
    float* to = batch.points.data_ptr<float>();
    for (int64_t i = 0; i < c.batch; ++i) {
      family->sample(TaskStreams(seed, "bench", b * c.batch + i), c.points, theta.data(), x.data(),
                     y.data());
      for (int64_t p = 0; p < c.points; ++p) {
        to = std::copy_n(&x[size_t(p * x_dim)], x_dim, to);
        to = std::copy_n(&y[size_t(p * y_dim)], y_dim, to);
      }
    }
    batch.x = batch.points.narrow(2, 0, x_dim);
    batch.y = batch.points.narrow(2, x_dim, y_dim);
  }
  return batches;
}

double step_flops(const StepCase& c) {
  const ModelSpec& s = c.spec;
  const double time = double(c.points), rows = double(c.batch) * time, h = double(s.h_dim),
               layers = double(s.n_layers);
  if (!s.has_bottleneck()) {
    // The points are not updated after the last layer.
    return 3 * ((2 * layers - 1) * layer_flops(rows, time, h) + product(rows, h, double(s.y_dim)));
  }
  const double asked = rows - double(c.batch), head = double(s.pred_h_dim),
               aggregator =
                   s.arch == "transformer" ? layer_flops(rows, time, h) : mamba_flops(rows, s),
               predictor = product(asked, double(s.query_dim + s.z_dim), head) +
                           double(s.pred_layers - 2) * product(asked, head, head) +
                           product(asked, head, double(s.y_dim));
  return 3 * (layers * aggregator + product(rows, h, double(s.z_dim)) + predictor);
}

SgdCase sgd_case(uint64_t seed) {
  SgdCase c;
  const auto family = linear_family({}, Stream(seed, "bench/rows"));
  c.options.inputs = family->x_dim;
  c.options.outputs = family->y_dim;
  c.options.max_epochs = SgdCase::kEpochs;
  c.options.monitor = Monitor::kNone;
  c.initial = mlp_initial_weights(c.options, seed);
  const int64_t points = SgdCase::kPoints + SgdCase::kTest;
  std::vector<float> theta(size_t(family->parameter_count()));
  for (int64_t i = 0; i < SgdCase::kFits; ++i) {
    c.x.emplace_back(size_t(points * family->x_dim));
    c.y.emplace_back(size_t(points * family->y_dim));
    family->sample(TaskStreams(seed, "bench-sgd", i), points, theta.data(), c.x.back().data(),
                   c.y.back().data());
  }
  return c;
}

double fit_flops(const SgdCase& c) {
  const double w = double(c.options.width);
  // The gradient of the first layer's input is not needed.
  const double point =
      2 * (2 * double(c.options.inputs) * w +
           3 * (double(c.options.layers - 2) * w * w + w * double(c.options.outputs)));
  return point * double(SgdCase::kTrain * SgdCase::kEpochs);
}

}  // namespace tenfold::prequential_icl
