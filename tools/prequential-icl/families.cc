#include "tools/prequential-icl/families.h"

#include <cmath>
#include <functional>
#include <numeric>

namespace tenfold::prequential_icl {
namespace {

// Torch's generator of seed 1, U(0, 5): one row an input dimension.
constexpr double kFrequencies[10][3] = {
    {3.78815794, 1.39655447, 2.01534629}, {3.67342234, 0.14640778, 3.99929309},
    {1.98568678, 3.77185965, 2.84754252}, {2.19388962, 3.19340229, 2.62332940},
    {3.41307044, 1.52574754, 2.31772804}, {2.27493167, 2.86236000, 2.49001288},
    {4.68541670, 3.27797532, 1.56898439}, {0.99009663, 2.08096075, 1.42164826},
    {1.69887877, 2.61970401, 3.99031925}, {3.85884166, 0.05612284, 4.04980135}};
constexpr int64_t kWaves = 3;

class LinearFamily : public Family {
 public:
  LinearFamily(const LinearOptions& o, const Stream& rows)
      : options_(o), kept_(size_t(o.x_dim), 1) {
    x_dim = o.x_dim;
    y_dim = o.y_dim;
    noise_ = o.noise;
    parameter_name = "w";
    parameter_shape = {x_dim + 1, y_dim};
    const std::vector<int64_t> zero = rows.sample_sorted(x_dim, x_dim - o.intrinsic_dim);
    for (int64_t row : zero) kept_[size_t(row)] = 0;
  }

  void evaluate(const float* w, const float* x, int64_t points, float* y) const override {
    for (int64_t p = 0; p < points; ++p) {
      for (int64_t k = 0; k < y_dim; ++k) {
        double sum = w[x_dim * y_dim + k];
        for (int64_t d = 0; d < x_dim; ++d) sum += double(x[p * x_dim + d]) * w[d * y_dim + k];
        y[p * y_dim + k] = float(sum);
      }
    }
  }

 protected:
  void sample_parameters(const Stream& stream, float* w) const override {
    stream.fill_normal(w, parameter_count(), 0, 1 / std::sqrt(double(options_.intrinsic_dim + 1)));
    for (int64_t d = 0; d < x_dim; ++d) {
      for (int64_t k = 0; k < y_dim; ++k) w[d * y_dim + k] *= float(kept_[size_t(d)]);
    }
  }
  void sample_inputs(const Stream& stream, int64_t points, float* x) const override {
    if (options_.uniform_inputs) {
      stream.fill_uniform(x, points * x_dim, -1, 1);
    } else {
      Family::sample_inputs(stream, points, x);
    }
  }

 private:
  LinearOptions options_;
  std::vector<char> kept_;
};

class SinusoidFamily : public Family {
 public:
  SinusoidFamily(int64_t x, double noise, bool fixed) : fixed_(fixed) {
    x_dim = x;
    noise_ = noise;
    if (fixed) frequencies_ = sinusoid_frequencies(x);
    parameter_name = fixed ? "amplitudes" : "amplitudes_frequencies";
    parameter_shape = {x_dim, kWaves};
    if (!fixed) parameter_shape.insert(parameter_shape.begin(), 2);
  }

  void evaluate(const float* theta, const float* x, int64_t points, float* y) const override {
    const int64_t waves = x_dim * kWaves;
    for (int64_t p = 0; p < points; ++p) {
      double sum = 0;
      for (int64_t i = 0; i < waves; ++i) {
        const double frequency = fixed_ ? frequencies_[size_t(i)] : theta[waves + i];
        sum += theta[i] * std::sin(frequency * x[p * x_dim + i / kWaves]);
      }
      y[p] = float(sum);
    }
  }

 protected:
  void sample_parameters(const Stream& stream, float* theta) const override {
    const int64_t waves = x_dim * kWaves;
    for (int64_t i = 0; i < parameter_count(); ++i)
      theta[i] = float(stream.uniform(uint64_t(i)) * (i < waves ? 1 : 5));
  }

 private:
  bool fixed_;
  std::vector<double> frequencies_;
};

class ChebyshevFamily : public Family {
 public:
  ChebyshevFamily(int64_t degree, double noise) {
    noise_ = noise;
    parameter_name = "coeffs";
    parameter_shape = {degree + 1};
  }

  void evaluate(const float* alpha, const float* x, int64_t points, float* y) const override {
    for (int64_t p = 0; p < points; ++p) {
      double before = 1, now = x[p], sum = alpha[0];
      for (int64_t i = 1; i < parameter_shape[0]; ++i) {
        sum += alpha[i] * now;
        const double next = 2 * x[p] * now - before;
        before = now;
        now = next;
      }
      y[p] = float(sum);
    }
  }

 protected:
  void sample_parameters(const Stream& stream, float* alpha) const override {
    stream.fill_normal(alpha, parameter_shape[0], 0, 1 / std::sqrt(double(parameter_shape[0])));
  }
  void sample_inputs(const Stream& stream, int64_t points, float* x) const override {
    stream.fill_uniform(x, points, -1, 1);
  }
};

}  // namespace

TaskStreams::TaskStreams(uint64_t seed, const std::string& split, int64_t task)
    : parameters(seed, "task/" + split + "/parameters", uint64_t(task)),
      inputs(seed, "task/" + split + "/inputs", uint64_t(task)),
      noise(seed, "task/" + split + "/noise", uint64_t(task)) {}

int64_t Family::parameter_count() const {
  return std::accumulate(parameter_shape.begin(), parameter_shape.end(), int64_t(1),
                         std::multiplies<>());
}

void Family::sample_inputs(const Stream& stream, int64_t points, float* x) const {
  stream.fill_normal(x, points * x_dim, 0, 1);
}

void Family::sample(const TaskStreams& streams, int64_t points, float* theta, float* x,
                    float* y) const {
  sample_parameters(streams.parameters, theta);
  sample_inputs(streams.inputs, points, x);
  evaluate(theta, x, points, y);
  if (noise_ == 0) return;
  for (int64_t i = 0; i < points * y_dim; ++i)
    y[i] += float(noise_ * streams.noise.normal(uint64_t(i)));
}

std::unique_ptr<Family> linear_family(const LinearOptions& options, const Stream& rows) {
  return std::make_unique<LinearFamily>(options, rows);
}

std::unique_ptr<Family> sinusoid_family(int64_t x_dim, double noise, bool fixed_frequencies) {
  return std::make_unique<SinusoidFamily>(x_dim, noise, fixed_frequencies);
}

std::unique_ptr<Family> chebyshev_family(int64_t degree, double noise) {
  return std::make_unique<ChebyshevFamily>(degree, noise);
}

std::vector<double> sinusoid_frequencies(int64_t x_dim) {
  const double* first = &kFrequencies[0][0];
  return {first, first + x_dim * kWaves};
}

}  // namespace tenfold::prequential_icl
