#include "tools/nino-nowcast/target_net.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/_log_softmax.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/convolution.h>
#include <ATen/ops/convolution_backward.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/exp.h>
#include <ATen/ops/mean.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/native_batch_norm.h>
#include <ATen/ops/native_batch_norm_backward.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/sum.h>
#include <ATen/ops/threshold_backward.h>

#include <algorithm>
#include <cmath>

#include "common/core/error.h"
#include "common/core/philox.h"

namespace tenfold::nino_nowcast {
namespace {

constexpr double kNormEps = 1e-5, kNormMomentum = 0.1;
constexpr int64_t kEvaluationBatch = 500;  // activations of a ConvNet stay in the cache
constexpr int64_t kKernel = 3;

int64_t product(const std::vector<int64_t>& shape) {
  int64_t n = 1;
  for (int64_t d : shape) n *= d;
  return n;
}

at::Tensor view(const at::Tensor& flat, int64_t offset, at::IntArrayRef shape) {
  int64_t n = 1;
  for (int64_t d : shape) n *= d;
  return flat.narrow(0, offset, n).view(shape);
}

}  // namespace

struct TargetNet::Trace {
  std::vector<at::Tensor> inputs;  // of every layer
  std::vector<at::Tensor> saved_mean, saved_invstd;
  at::Tensor output;
};

TargetNet::TargetNet(const NetSpec& spec) {
  if (spec.hidden.empty()) throw UsageError("--hidden: expected at least one width");
  if (spec.batch_norm && !spec.conv) throw UsageError("--batch-norm: only with --net conv");
  int64_t width = spec.conv ? spec.channels : spec.channels * spec.image_size * spec.image_size;
  int position = 0;  // in the sequence, as in the official parameter names
  const auto name = [&] { return "fc." + std::to_string(position); };
  if (!spec.conv) layers_.push_back({Kind::kFlatten});
  for (size_t i = 0; i < spec.hidden.size(); ++i) {
    const int64_t out = spec.hidden[i];
    Layer layer{spec.conv ? Kind::kConv : Kind::kLinear};
    layer.weight_shape = spec.conv ? std::vector<int64_t>{out, width, kKernel, kKernel}
                                   : std::vector<int64_t>{out, width};
    layer.stride = spec.conv && i == 0 ? 2 : 1;
    layer.padding = i == 0 ? 0 : 1;
    add_weight(name(), layer, !spec.conv || spec.bias);
    ++position;
    if (spec.batch_norm) {
      add_norm(name(), out);
      ++position;
    }
    layers_.push_back({Kind::kRelu});
    ++position;
    width = out;
  }
  if (spec.conv) {
    layers_.push_back({Kind::kPool});
    position += 2;  // pool and flatten
  }
  Layer head{Kind::kLinear};
  head.weight_shape = {spec.classes, width};
  add_weight(name(), head, true);
}

void TargetNet::add_weight(const std::string& name, Layer layer, bool bias) {
  layer.weight = num_params_;
  arch_.params.push_back({name + ".weight", layer.weight_shape});
  num_params_ += product(layer.weight_shape);
  if (bias) {
    layer.bias = num_params_;
    arch_.params.push_back({name + ".bias", {layer.weight_shape[0]}});
    num_params_ += layer.weight_shape[0];
  }
  layers_.push_back(layer);
}

void TargetNet::add_norm(const std::string& name, int64_t channels) {
  Layer layer{Kind::kNorm};
  layer.weight_shape = {channels};
  add_weight(name, layer, true);
  layers_.back().running = num_buffers_;
  buffer_layout_.push_back({name + ".running_mean", num_buffers_, channels});
  buffer_layout_.push_back({name + ".running_var", num_buffers_ + channels, channels});
  num_buffers_ += 2 * channels;
}

void TargetNet::initialise(const at::Tensor& params, const at::Tensor& buffers,
                           uint64_t seed) const {
  at::Tensor host = at::empty({num_params_}, at::TensorOptions().dtype(at::kFloat));
  uint64_t tensor = 0;
  for (const Layer& layer : layers_) {
    if (layer.weight < 0) continue;
    const int64_t weights = product(layer.weight_shape);
    if (layer.kind == Kind::kNorm) {
      host.narrow(0, layer.weight, weights).fill_(1);
      host.narrow(0, layer.bias, weights).zero_();
      continue;
    }
    const double bound = 1 / std::sqrt(double(weights / layer.weight_shape[0]));
    float* out = host.data_ptr<float>();
    Stream(seed, "init", tensor++).fill_uniform(out + layer.weight, weights, -bound, bound);
    if (layer.bias >= 0) {
      Stream(seed, "init", tensor++)
          .fill_uniform(out + layer.bias, layer.weight_shape[0], -bound, bound);
    }
  }
  params.copy_(host);
  for (const Buffer& b : buffer_layout_) {
    const bool variance = b.name.find("running_var") != std::string::npos;
    buffers.narrow(0, b.offset, b.size).fill_(variance ? 1 : 0);
  }
}

at::Tensor TargetNet::forward(const at::Tensor& params, const at::Tensor& buffers, at::Tensor x,
                              bool training, bool update_running, Trace* trace) const {
  for (const Layer& layer : layers_) {
    if (trace != nullptr) trace->inputs.push_back(x);
    const auto weight = [&] { return view(params, layer.weight, layer.weight_shape); };
    const auto bias = [&] {
      return layer.bias < 0 ? at::Tensor() : params.narrow(0, layer.bias, layer.weight_shape[0]);
    };
    switch (layer.kind) {
      case Kind::kFlatten:
        x = x.reshape({x.size(0), -1});
        break;
      case Kind::kConv:
        x = at::convolution(x, weight(), bias(), {layer.stride, layer.stride},
                            {layer.padding, layer.padding}, {1, 1}, false, {0, 0}, 1);
        break;
      case Kind::kLinear:
        x = at::addmm(bias(), x, weight().t());
        break;
      case Kind::kRelu:
        x = at::relu_(x);
        break;
      case Kind::kPool:
        x = at::mean(x, {2, 3});
        break;
      case Kind::kNorm: {
        const int64_t c = layer.weight_shape[0];
        const bool running = !training || update_running;
        auto [y, mean, invstd] = at::native_batch_norm(
            x, weight(), bias(), running ? buffers.narrow(0, layer.running, c) : at::Tensor(),
            running ? buffers.narrow(0, layer.running + c, c) : at::Tensor(), training,
            kNormMomentum, kNormEps);
        x = y;
        if (trace != nullptr) {
          trace->saved_mean.push_back(mean);
          trace->saved_invstd.push_back(invstd);
        }
        break;
      }
    }
  }
  return x;
}

at::Tensor TargetNet::logits(const at::Tensor& params, const at::Tensor& buffers,
                             const at::Tensor& x, bool training) const {
  return forward(params, buffers, x, training, false, nullptr);
}

at::Tensor TargetNet::backward_layer(size_t index, const at::Tensor& params, const Trace& trace,
                                     const at::Tensor& grad, const at::Tensor& gradient) const {
  const Layer& layer = layers_[index];
  const at::Tensor& x = trace.inputs[index];
  const bool first = layer.weight == 0;  // nothing below the first weights wants a gradient
  switch (layer.kind) {
    case Kind::kFlatten:
      return {};
    case Kind::kRelu:
      // ReLU ran in place: the input of this layer holds its output, which is positive where the
      // gradient passes.
      return at::threshold_backward(grad, x, 0);
    case Kind::kPool: {
      const double pixels = double(x.size(2) * x.size(3));
      return (grad / pixels).unsqueeze(2).unsqueeze(3).expand_as(x);
    }
    case Kind::kLinear: {
      at::Tensor weight_gradient = view(gradient, layer.weight, layer.weight_shape);
      at::mm_out(weight_gradient, grad.t(), x);
      at::Tensor bias_gradient = gradient.narrow(0, layer.bias, layer.weight_shape[0]);
      at::sum_out(bias_gradient, grad, at::IntArrayRef{0});
      return first ? at::Tensor() : at::mm(grad, view(params, layer.weight, layer.weight_shape));
    }
    case Kind::kConv: {
      const at::Tensor weight = view(params, layer.weight, layer.weight_shape);
      const bool bias = layer.bias >= 0;
      auto [dx, dw, db] = at::convolution_backward(
          grad, x, weight, at::OptionalIntArrayRef({layer.weight_shape[0]}),
          {layer.stride, layer.stride}, {layer.padding, layer.padding}, {1, 1}, false, {0, 0}, 1,
          {!first, true, bias});
      view(gradient, layer.weight, layer.weight_shape).copy_(dw);
      if (bias) gradient.narrow(0, layer.bias, layer.weight_shape[0]).copy_(db);
      return dx;
    }
    case Kind::kNorm: {
      const int64_t c = layer.weight_shape[0];
      size_t norm = 0;
      for (size_t i = 0; i < index; ++i) norm += layers_[i].kind == Kind::kNorm;
      auto [dx, dw, db] = at::native_batch_norm_backward(
          grad, x, params.narrow(0, layer.weight, c), {}, {}, trace.saved_mean[norm],
          trace.saved_invstd[norm], true, kNormEps, {true, true, true});
      gradient.narrow(0, layer.weight, c).copy_(dw);
      gradient.narrow(0, layer.bias, c).copy_(db);
      return dx;
    }
  }
  return {};
}

at::Tensor TargetNet::loss_and_gradient(const at::Tensor& params, const at::Tensor& buffers,
                                        const at::Tensor& x, const at::Tensor& y,
                                        const at::Tensor& gradient) const {
  Trace trace;
  const at::Tensor log_p =
      at::_log_softmax(forward(params, buffers, x, true, true, &trace), 1, false);
  const at::Tensor label = y.unsqueeze(1);
  const double scale = 1.0 / double(x.size(0));
  const at::Tensor loss = log_p.gather(1, label).sum().mul_(-scale);
  at::Tensor grad = at::exp(log_p);
  grad.scatter_add_(1, label, at::empty({1, 1}, grad.options()).fill_(-1).expand_as(label));
  grad.mul_(scale);
  for (size_t i = layers_.size(); i-- > 0 && grad.defined();) {
    grad = backward_layer(i, params, trace, grad, gradient);
  }
  return loss;
}

TargetNet::Score TargetNet::evaluate(const at::Tensor& params, const at::Tensor& buffers,
                                     const at::Tensor& x, const at::Tensor& y) const {
  const int64_t n = x.size(0);
  at::Tensor loss = at::empty({}, x.options().dtype(at::kDouble)).zero_();
  at::Tensor right = at::empty({}, x.options().dtype(at::kLong)).zero_();
  for (int64_t first = 0; first < n; first += kEvaluationBatch) {
    const int64_t size = std::min(kEvaluationBatch, n - first);
    const at::Tensor labels = y.narrow(0, first, size);
    const at::Tensor log_p =
        at::_log_softmax(logits(params, buffers, x.narrow(0, first, size)), 1, false);
    loss.sub_(log_p.gather(1, labels.unsqueeze(1)).sum(at::kDouble));
    right.add_(log_p.argmax(1).eq(labels).sum());
  }
  return {loss.item<double>() / double(n), double(right.item<int64_t>()) / double(n)};
}

}  // namespace tenfold::nino_nowcast
