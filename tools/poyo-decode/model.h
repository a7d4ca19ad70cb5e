// POYO: units and spike times to behaviour through a PerceiverIO with rotary time attention
// (arXiv 2310.16046, section 2; specification, section 3).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "common/train/parameters.h"
#include "tools/poyo-decode/attention.h"
#include "tools/poyo-decode/model_spec.h"
#include "tools/poyo-decode/token_batch.h"

namespace tenfold::poyo_decode {

// Whose draws the dropouts of one training step are.
struct DropoutSource {
  uint64_t seed = 0, step = 0;
};

// Whether a parameter is the unit or the session table; the others are the core.
bool is_table(const std::string& name);

class Model {
 public:
  // Tables for `units` and `sessions` ids; row 0 of each is padding, id k has row k + 1.
  Model(const ModelSpec& spec, int64_t units, int64_t sessions, uint64_t seed,
        at::Device device = at::kCPU);

  // [queries, 2] normalised velocity. Without a source nothing is dropped. `seen` (for tests) is
  // called with the name and output of every block before it joins the residual.
  using Seen = std::function<void(const std::string& name, const at::Tensor& output)>;
  at::Tensor forward(const TokenBatch& batch, const std::optional<DropoutSource>& dropout,
                     const Seen& seen = nullptr) const;

  const ModelSpec& spec() const { return spec_; }
  const train::Parameters& parameters() const { return parameters_; }
  // [dim_head / 2] rad/s; part of a checkpoint, read and not made anew.
  const at::Tensor& frequencies() const { return frequencies_; }

  at::Device device() const { return frequencies_.device(); }

  int64_t core_parameters() const;  // without the unit and the session table

  // Whether gradients of the core are wanted (they are at first).
  void set_core_learns(bool learns);

 private:
  struct Norm {
    at::Tensor weight, bias;
    Norm() = default;
    Norm(train::Parameters& p, const std::string& name, int64_t width);
    at::Tensor operator()(const at::Tensor& x) const;
  };
  struct FeedForward {
    Norm norm;
    train::Linear in, out;
    FeedForward() = default;
    FeedForward(train::Parameters& p, const std::string& name, int64_t width);
  };
  struct CrossBlock {
    Norm norm, norm_context;
    train::Linear to_q, to_kv, to_out;
    CrossBlock() = default;
    CrossBlock(train::Parameters& p, const std::string& name, const ModelSpec& spec);
  };
  struct SelfBlock {
    Norm norm;
    train::Linear to_qkv, to_out;
    SelfBlock() = default;
    SelfBlock(train::Parameters& p, const std::string& name, const ModelSpec& spec);
  };
  struct Layer {
    SelfBlock attention;
    FeedForward feed_forward;
  };
  class Pass;

  ModelSpec spec_;
  train::Parameters parameters_;
  at::Tensor unit_table_, session_table_, type_table_, latent_table_, frequencies_;
  CrossBlock encoder_, decoder_;
  FeedForward encoder_feed_forward_, decoder_feed_forward_;
  std::vector<Layer> layers_;
  train::Linear readout_;
};

}  // namespace tenfold::poyo_decode
