#include "tools/samba-align/recurrent_decoder.h"

#include <ATen/ops/cat.h>
#include <ATen/ops/lstm.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/where.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

namespace tenfold::samba_align {

RecurrentDecoder::RecurrentDecoder(train::Parameters& parameters, int64_t width, int64_t layers,
                                   int64_t dense) {
  using train::Parameters;
  h0_ = parameters.add("h0", {layers, 1, width}, Parameters::constant(0));
  c0_ = parameters.add("c0", {layers, 1, width}, Parameters::constant(0));
  const auto init = Parameters::torch_default(width);
  for (int64_t l = 0; l < layers; ++l) {
    const auto add = [&](const char* name, const std::vector<int64_t>& shape) {
      return parameters.add(fmt::format("rnn.{}_l{}", name, l), shape, init);
    };
    Layer layer;
    layer.input = add("weight_ih", {4 * width, width});
    layer.recurrent = add("weight_hh", {4 * width, width});
    layer.input_bias = add("bias_ih", {4 * width});
    layer.recurrent_bias = add("bias_hh", {4 * width});
    layers_.push_back(layer);
  }
  dense_ = train::Linear(parameters, "output_layer1", width, dense);
  output_ = train::Linear(parameters, "output_layer2", dense, width);
}

at::Tensor RecurrentDecoder::hidden(const at::Tensor& inputs, const Dropping& dropping) const {
  at::Tensor state = inputs;
  const int64_t batch = inputs.size(1), width = inputs.size(2);
  for (size_t l = 0; l < layers_.size(); ++l) {
    const Layer& w = layers_[l];
    const auto from = [&](const at::Tensor& learned) {
      return learned.narrow(0, int64_t(l), 1).expand({1, batch, width}).contiguous();
    };
    if (l > 0) state = dropping.between_layers(state);
    state = std::get<0>(at::lstm(state, {from(h0_), from(c0_)},
                                 {w.input, w.recurrent, w.input_bias, w.recurrent_bias}, true, 1,
                                 0.0, false, false, false));
  }
  return state;
}

at::Tensor RecurrentDecoder::output(const at::Tensor& hidden, const Dropping& dropping) const {
  const at::Tensor inner = dropping.dense(at::relu(dense_(hidden)));
  return dropping.output(output_(inner)).permute({1, 2, 0});
}

at::Tensor decoder_inputs(const at::Tensor& first, const at::Tensor& inputs,
                          const at::Tensor& truth, const at::Tensor& teacher) {
  const int64_t before = inputs.size(2) - 1;
  at::Tensor next = inputs.narrow(2, 0, before);
  if (teacher.defined()) next = at::where(teacher.unsqueeze(1), truth.narrow(2, 0, before), next);
  const at::Tensor begin = first.defined()
                               ? first.unsqueeze(2)
                               : at::zeros({next.size(0), next.size(1), 1}, next.options());
  return at::cat({begin, next}, 2).permute({2, 0, 1}).contiguous();
}

}  // namespace tenfold::samba_align
