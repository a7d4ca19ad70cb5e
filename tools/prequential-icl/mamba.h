// Mamba-1 and Mamba-2 blocks in the reference's order (specification, section 3.4): block(h, r):
// r = h (+ r); h = LN(r); h = mixer(h); r = h + r; h = LN(r); h = GatedMLP(h); pass (h, r) on.
#pragma once

#include <ATen/core/Tensor.h>

#include <string>

#include "common/train/parameters.h"
#include "tools/prequential-icl/encoder_layer.h"
#include "tools/prequential-icl/model_spec.h"

namespace tenfold::prequential_icl {

// fc2(y * silu(gate)) where [y, gate] = fc1(x); no biases.
struct GatedMlp {
  train::Linear fc1, fc2;

  GatedMlp(train::Parameters& parameters, const std::string& prefix, int64_t width);
  at::Tensor operator()(const at::Tensor& x) const;  // [..., h] -> [..., h]

  // floor(8h/3) rounded up to a multiple of 128.
  static int64_t hidden(int64_t width);
};

// The state-space mixers: [batch, time, h] -> [batch, time, h], causal.
class MambaMixer {
 public:
  MambaMixer(train::Parameters& parameters, const std::string& prefix, const ModelSpec& spec);
  at::Tensor operator()(const at::Tensor& u) const { return second_ ? mamba2(u) : mamba1(u); }

 private:
  at::Tensor mamba1(const at::Tensor& u) const;
  at::Tensor mamba2(const at::Tensor& u) const;

  bool second_;
  int64_t inner_, rank_ = 0, heads_ = 0;
  train::Linear in_, x_, dt_, out_;     // x_ and dt_: Mamba-1
  at::Tensor conv_weight_, conv_bias_;  // [channel, 1, 4], [channel]
  at::Tensor a_log_, d_, dt_bias_;      // dt_bias_ and norm_: Mamba-2
  at::Tensor norm_;
};

class MambaBlock {
 public:
  struct State {
    at::Tensor hidden, residual;  // [batch, time, h]; no residual before the first block
  };
  MambaBlock(train::Parameters& parameters, const std::string& prefix, const ModelSpec& spec);
  State operator()(const State& in) const;
  const MambaMixer& mixer() const { return mixer_; }

 private:
  NormParameters norm_;
  MambaMixer mixer_;
  NormParameters norm2_;
  GatedMlp mlp_;
};

}  // namespace tenfold::prequential_icl
