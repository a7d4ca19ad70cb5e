#include "tools/samba-align/network_baseline.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/cosine_similarity.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/lstm.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/stack.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>

#include "common/core/philox.h"
#include "common/train/flat_optimizer.h"
#include "common/train/parameters.h"
#include "tools/samba-align/ridge_baseline.h"

namespace tenfold::samba_align {
namespace {

struct Place {
  size_t subject;
  Window window;
};

at::Tensor tensor_of(const Matrix& m) {
  return at::from_blob(const_cast<double*>(m.data()), {m.rows(), m.cols()}, at::kDouble)
      .to(at::kFloat);
}

// Every feature to mean 0 and deviation 1 over the training frames of those that are trained.
std::vector<at::Tensor> standardised(const std::vector<FramePair>& subjects, const Part& train,
                                     const std::vector<size_t>& trained) {
  Eigen::RowVectorXd mean, squares;
  double count = 0;
  for (const size_t s : trained) {
    const Matrix known = rows_of(subjects[s].features, train);
    if (mean.size() == 0) mean = squares = Eigen::RowVectorXd::Zero(known.cols());
    mean += known.colwise().sum();
    squares += known.colwise().squaredNorm();
    count += double(known.rows());
  }
  mean /= count;
  const Eigen::RowVectorXd variance = squares / count - mean.cwiseAbs2();
  constexpr double kRounding = 1e-12;
  const Eigen::RowVectorXd scale =
      (variance.array() > kRounding * (squares.array() / count))
          .select(variance.cwiseMax(0).cwiseSqrt().cwiseInverse(), 0.0);
  std::vector<at::Tensor> out;
  for (const FramePair& s : subjects) {
    const Matrix z = (s.features.rowwise() - mean).array().rowwise() * scale.array();
    out.push_back(tensor_of(z));
  }
  return out;
}

class Network {
 public:
  Network(const NetworkBaselineOptions& o, int64_t features, int64_t targets, uint64_t seed)
      : options_(o), targets_(targets), parameters_(seed) {
    using train::Linear;
    if (o.kind == "lstm") {
      const auto init = train::Parameters::torch_default(o.hidden);
      for (int64_t l = 0; l < o.layers; ++l) {
        const int64_t in = l == 0 ? features : o.hidden;
        const auto add = [&](const char* name, const std::vector<int64_t>& shape) {
          lstm_.push_back(parameters_.add(fmt::format("rnn.{}_l{}", name, l), shape, init));
        };
        add("weight_ih", {4 * o.hidden, in});
        add("weight_hh", {4 * o.hidden, o.hidden});
        add("bias_ih", {4 * o.hidden});
        add("bias_hh", {4 * o.hidden});
      }
      dense_.emplace_back(parameters_, "output", o.hidden, targets);
    } else {
      const int64_t widths[] = {features * o.frames, o.width, o.width, targets * o.frames};
      for (int64_t l = 0; l < 3; ++l)
        dense_.emplace_back(parameters_, fmt::format("layer{}", l + 1), widths[l], widths[l + 1]);
    }
    parameters_.flatten(at::kCPU);
  }

  // Frames before a window that the network is given.
  int64_t lead() const { return options_.kind == "lstm" ? options_.lead : 0; }

  // x [batch, lead + frames, features] -> [batch, targets, frames]
  at::Tensor operator()(const at::Tensor& x) const {
    const int64_t batch = x.size(0);
    if (options_.kind == "lstm") {
      const at::Tensor zero = at::zeros({options_.layers, batch, options_.hidden}, x.options());
      const at::Tensor state = std::get<0>(
          at::lstm(x, {zero, zero}, lstm_, true, options_.layers, 0.0, false, false, true));
      return dense_[0](state.narrow(1, lead(), options_.frames)).transpose(1, 2);
    }
    const at::Tensor inner = at::relu(dense_[1](at::relu(dense_[0](x.flatten(1)))));
    return dense_[2](inner).view({batch, targets_, options_.frames});
  }

  const train::Parameters& parameters() const { return parameters_; }

 private:
  NetworkBaselineOptions options_;
  int64_t targets_;
  train::Parameters parameters_;
  std::vector<at::Tensor> lstm_;
  std::vector<train::Linear> dense_;
};

class Windows {
 public:
  Windows(const std::vector<FramePair>& subjects, const Part& train,
          const NetworkBaselineOptions& o)
      : features_(standardised(subjects, train, o.trained)), frames_(o.frames) {
    for (const FramePair& s : subjects) targets_.push_back(tensor_of(s.targets));
  }

  std::vector<Place> on_grid(const Part& part, const std::vector<size_t>& subjects) const {
    std::vector<Place> places;
    for (const size_t s : subjects)
      for (const Window& w : windows_in(part, frames_, 0, frames_)) places.push_back({s, w});
    return places;
  }

  // Before the recording stands its first frame.
  at::Tensor x(const std::vector<Place>& places, int64_t lead) const {
    std::vector<at::Tensor> rows;
    for (const Place& p : places) {
      const auto& [first, stride] = p.window;
      const int64_t before = std::min(lead, first / stride);  // frames that there are
      at::Tensor known =
          features_[p.subject].slice(0, first - before * stride, first + frames_ * stride, stride);
      const int64_t missing = lead - before;
      if (missing > 0)
        known = at::cat({known.narrow(0, 0, 1).expand({missing, known.size(1)}), known}, 0);
      rows.push_back(known);
    }
    return at::stack(rows);
  }
  at::Tensor y(const std::vector<Place>& places) const {
    std::vector<at::Tensor> rows;
    for (const Place& p : places)
      rows.push_back(
          targets_[p.subject]
              .slice(0, p.window.first, p.window.first + frames_ * p.window.stride, p.window.stride)
              .t());
    return at::stack(rows);
  }

 private:
  std::vector<at::Tensor> features_, targets_;  // [frames, n], [frames, m]
  int64_t frames_;
};

at::Tensor loss_of(const at::Tensor& y_hat, const at::Tensor& y) {
  return 1 - at::cosine_similarity(y_hat, y, 2, 1e-8).mean();
}

}  // namespace

NetworkBaseline train_network_baseline(const std::vector<FramePair>& subjects, const Parts& parts,
                                       const Part& asked, const NetworkBaselineOptions& options,
                                       uint64_t seed) {
  const Windows windows(subjects, parts.train, options);
  const Network network(options, subjects[0].features.cols(), subjects[0].targets.cols(), seed);
  const train::Parameters& p = network.parameters();
  train::OptimizerOptions adam;
  adam.lr = options.lr;
  train::FlatOptimizer optimizer(adam, p.values().numel(), at::kCPU);
  const Stream stream(seed, "windows");
  const std::vector<Window> starts = windows_in(parts.train, options.frames, 0, 1);
  const std::vector<Place> valid = windows.on_grid(parts.valid, options.trained);
  NetworkBaseline out;
  out.parameters = p.count();
  at::Tensor best;
  const auto evaluate = [&](int64_t done) {
    const at::NoGradGuard guard;
    const double loss =
        loss_of(network(windows.x(valid, network.lead())), windows.y(valid)).item<double>();
    if (done == 0) out.first_valid_loss = loss;
    if (best.defined() && !(loss < out.best_valid_loss)) return;
    out.best_valid_loss = loss;
    out.best_iteration = done;
    best = p.values().detach().clone();
  };
  evaluate(0);
  for (int64_t i = 0; i < options.iterations; ++i) {
    std::vector<Place> places;
    for (int64_t k = 0; k < options.batch_size; ++k) {
      const auto draw = uint64_t(2 * (i * options.batch_size + k));
      places.push_back({options.trained[size_t(stream.below(draw + 1, options.trained.size()))],
                        starts[size_t(stream.below(draw, starts.size()))]});
    }
    p.gradient().zero_();
    torch::autograd::backward(
        {loss_of(network(windows.x(places, network.lead())), windows.y(places))}, {});
    optimizer.step(p.values(), p.gradient());
    if ((i + 1) % options.evaluate_every == 0 || i + 1 == options.iterations) evaluate(i + 1);
  }
  const at::NoGradGuard guard;
  p.values().copy_(best);
  const std::vector<Place> places = windows.on_grid(asked, options.asked);
  const at::Tensor y = windows.y(places).contiguous();
  const at::Tensor y_hat = network(windows.x(places, network.lead())).contiguous();
  out.translation.windows = y.size(0);
  out.translation.targets = y.size(1);
  out.translation.frames = y.size(2);
  out.translation.truth.assign(y.data_ptr<float>(), y.data_ptr<float>() + y.numel());
  out.translation.translated.assign(y_hat.data_ptr<float>(),
                                    y_hat.data_ptr<float>() + y_hat.numel());
  return out;
}

}  // namespace tenfold::samba_align
