// Families of families.h that are networks or systems: mlp, lowrank, dynamics (section 2.6).

#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>

#include <Eigen/Dense>
#include <Eigen/Eigenvalues>
#include <algorithm>
#include <cmath>

#include "tools/prequential-icl/families.h"
#include "tools/prequential-icl/fastfood.h"

namespace tenfold::prequential_icl {
namespace {

constexpr int64_t kHidden = 64;

double activation(double v, bool tanh) { return tanh ? std::tanh(v) : std::max(v, 0.0); }

// out [points, y] = W x + b for W [y, x].
void affine(const float* weight, const float* bias, const std::vector<double>& x, int64_t in,
            int64_t out, std::vector<double>& y) {
  y.assign(size_t(out), 0);
  for (int64_t o = 0; o < out; ++o) {
    double sum = bias[o];
    for (int64_t i = 0; i < in; ++i) sum += double(weight[o * in + i]) * x[size_t(i)];
    y[size_t(o)] = sum;
  }
}

// theta: W0 [64, x], b0, W1 [64, 64], b1, W2 [y, 64], b2.
class MlpFamily : public Family {
 public:
  MlpFamily(int64_t x, int64_t y, double noise, bool tanh)
      : tanh_(tanh), widths_{x, kHidden, kHidden, y} {
    x_dim = x;
    y_dim = y;
    noise_ = noise;
    parameter_name = "weights";
    parameter_shape = {0};
    for (size_t i = 0; i + 1 < widths_.size(); ++i)
      parameter_shape[0] += (widths_[i] + 1) * widths_[i + 1];
  }

  void evaluate(const float* theta, const float* x, int64_t points, float* y) const override {
    std::vector<double> a, b;
    for (int64_t p = 0; p < points; ++p) {
      a.assign(x + p * x_dim, x + (p + 1) * x_dim);
      const float* w = theta;
      for (size_t i = 0; i + 1 < widths_.size(); ++i) {
        const int64_t in = widths_[i], out = widths_[i + 1];
        affine(w, w + in * out, a, in, out, b);
        if (i + 2 < widths_.size())
          for (double& v : b) v = activation(v, tanh_);
        a.swap(b);
        w += (in + 1) * out;
      }
      std::copy(a.begin(), a.end(), y + p * y_dim);
    }
  }

 protected:
  void sample_parameters(const Stream& stream, float* theta) const override {
    uint64_t index = 0;
    for (size_t i = 0; i + 1 < widths_.size(); ++i) {
      const int64_t in = widths_[i], out = widths_[i + 1];
      const double bound = std::sqrt(6.0 / double(in + out));
      for (int64_t k = 0; k < in * out; ++k)
        *theta++ = float(bound * (2 * stream.uniform(index++) - 1));
      for (int64_t k = 0; k < out; ++k) *theta++ = float(stream.normal(index++));
    }
  }

 private:
  bool tanh_;
  std::vector<int64_t> widths_;
};

class LowRankFamily : public Family {
 public:
  LowRankFamily(int64_t x, int64_t y, double noise, uint64_t seed)
      : shapes_{{kHidden, x}, {kHidden}, {y, kHidden}, {y}} {
    x_dim = x;
    y_dim = y;
    noise_ = noise;
    parameter_name = "z";
    parameter_shape = {kLatent};
    for (size_t i = 0; i < shapes_.size(); ++i) {
      int64_t count = 1;
      for (int64_t n : shapes_[i]) count *= n;
      const double bound = 1 / std::sqrt(double(i < 2 ? x : kHidden));
      std::vector<float>& base = base_.emplace_back(size_t(count));
      Stream(seed, "lowrank/base", i).fill_uniform(base.data(), count, -bound, bound);
      project_.emplace_back(shapes_[i], Stream(seed, "lowrank/fastfood", i));
    }
  }

  void evaluate(const float* theta, const float* x, int64_t points, float* y) const override {
    const at::NoGradGuard guard;
    std::vector<float> z(theta, theta + kLatent);
    const at::Tensor latent = at::from_blob(z.data(), {1, kLatent});
    std::vector<std::vector<float>> weights = base_;
    for (size_t i = 0; i < weights.size(); ++i) {
      const at::Tensor delta = project_[i](latent).contiguous();
      for (size_t k = 0; k < weights[i].size(); ++k) weights[i][k] += delta.data_ptr<float>()[k];
    }
    std::vector<double> in, hidden, out;
    for (int64_t p = 0; p < points; ++p) {
      in.assign(x + p * x_dim, x + (p + 1) * x_dim);
      affine(weights[0].data(), weights[1].data(), in, x_dim, kHidden, hidden);
      for (double& v : hidden) v = activation(v, false);
      affine(weights[2].data(), weights[3].data(), hidden, kHidden, y_dim, out);
      std::copy(out.begin(), out.end(), y + p * y_dim);
    }
  }

 protected:
  void sample_parameters(const Stream& stream, float* z) const override {
    stream.fill_normal(z, kLatent, 0, 1);
  }

 private:
  static constexpr int64_t kLatent = 10;
  std::vector<std::vector<int64_t>> shapes_;
  std::vector<std::vector<float>> base_;
  std::vector<FastFood> project_;
};

// s_{t+1} = s_t + dt (s_t W) + dt noise N(0, 1); x is the first 20 states, y the next 20.
class DynamicsFamily : public Family {
 public:
  explicit DynamicsFamily(double noise) {
    x_dim = y_dim = kStates * kDim;
    noise_ = noise;
    parameter_name = "w";
    parameter_shape = {kDim, kDim};
  }

  void sample(const TaskStreams& streams, int64_t points, float* theta, float* x,
              float* y) const override {
    sample_parameters(streams.parameters, theta);
    for (int64_t p = 0; p < points; ++p) {
      double s[kDim];
      const uint64_t start = uint64_t(p) * kDim, steps = uint64_t(p) * 2 * kStates * kDim;
      for (int64_t i = 0; i < kDim; ++i) s[i] = streams.inputs.normal(start + uint64_t(i));
      for (int64_t t = 0; t < 2 * kStates; ++t) {
        float* to = (t < kStates ? x : y) + p * x_dim + t % kStates * kDim;
        std::copy(s, s + kDim, to);
        advance(theta, s);
        for (int64_t i = 0; noise_ > 0 && i < kDim; ++i)
          s[i] += kStep * noise_ * streams.noise.normal(steps + uint64_t(t * kDim + i));
      }
    }
  }

  // The noise-free continuation of the last state.
  void evaluate(const float* theta, const float* x, int64_t points, float* y) const override {
    for (int64_t p = 0; p < points; ++p) {
      double s[kDim];
      std::copy(x + (p + 1) * x_dim - kDim, x + (p + 1) * x_dim, s);
      for (int64_t t = 0; t < kStates; ++t) {
        advance(theta, s);
        std::copy(s, s + kDim, y + p * y_dim + t * kDim);
      }
    }
  }

  bool has_ood() const override { return false; }

 protected:
  void sample_parameters(const Stream& stream, float* theta) const override {
    Eigen::Matrix3d w;
    for (int64_t i = 0; i < kDim * kDim; ++i) w(i / kDim, i % kDim) = stream.normal(uint64_t(i));
    const double radius = w.eigenvalues().cwiseAbs().maxCoeff();
    for (int64_t i = 0; i < kDim * kDim; ++i) theta[i] = float(w(i / kDim, i % kDim) / radius);
  }

 private:
  static constexpr int64_t kDim = 3, kStates = 20;
  static constexpr double kStep = 0.01;

  static void advance(const float* w, double* s) {
    double moved[kDim] = {};
    for (int64_t i = 0; i < kDim; ++i)
      for (int64_t j = 0; j < kDim; ++j) moved[j] += s[i] * w[i * kDim + j];
    for (int64_t j = 0; j < kDim; ++j) s[j] += kStep * moved[j];
  }
};

}  // namespace

std::unique_ptr<Family> mlp_family(int64_t x_dim, int64_t y_dim, double noise, bool tanh) {
  return std::make_unique<MlpFamily>(x_dim, y_dim, noise, tanh);
}

std::unique_ptr<Family> lowrank_family(int64_t x_dim, int64_t y_dim, double noise, uint64_t seed) {
  return std::make_unique<LowRankFamily>(x_dim, y_dim, noise, seed);
}

std::unique_ptr<Family> dynamics_family(double noise) {
  return std::make_unique<DynamicsFamily>(noise);
}

}  // namespace tenfold::prequential_icl
