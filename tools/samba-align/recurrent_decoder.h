// The decoder of both directions: an LSTM over time and two dense layers (specification, sections
// 3.6 and 3.8).
#pragma once

#include <ATen/core/Tensor.h>

#include <functional>
#include <vector>

#include "common/train/parameters.h"

namespace tenfold::samba_align {

class RecurrentDecoder {
 public:
  // Thins a layer's output: identity where no dropout is at work.
  using Thin = std::function<at::Tensor(const at::Tensor&)>;
  struct Dropping {
    Thin between_layers, dense, output;
  };

  RecurrentDecoder() = default;
  RecurrentDecoder(train::Parameters& parameters, int64_t width, int64_t layers, int64_t dense);

  // inputs [time, batch, width] -> the last LSTM layer, [time, batch, width]
  at::Tensor hidden(const at::Tensor& inputs, const Dropping& dropping) const;
  // -> [batch, width, time]
  at::Tensor output(const at::Tensor& hidden, const Dropping& dropping) const;

 private:
  struct Layer {
    at::Tensor input, recurrent, input_bias, recurrent_bias;
  };
  at::Tensor h0_, c0_;  // [layers, 1, width]
  std::vector<Layer> layers_;
  train::Linear dense_, output_;
};

// What the decoder is given: `first` [batch, width] (zeros where undefined), then of every earlier
// time the truth where `teacher` [batch, time - 1] says so (undefined: never), else `inputs`.
// inputs, truth [batch, width, time] -> [time, batch, width].
at::Tensor decoder_inputs(const at::Tensor& first, const at::Tensor& inputs,
                          const at::Tensor& truth, const at::Tensor& teacher);

}  // namespace tenfold::samba_align
