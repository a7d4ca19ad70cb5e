// The bidirectional GRU of the official example (specification, section 6.5) on sequences of
// different lengths.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <optional>
#include <vector>

#include "common/train/parameters.h"

namespace tenfold::poyo_decode {

// A stretch of counts and the velocities that are asked for in it.
struct Sequence {
  int64_t steps = 0;
  std::vector<float> counts;     // [steps, units] scaled
  std::vector<int64_t> samples;  // of the behaviour
  std::vector<double> place;     // [samples] in steps: k is the centre of step k
};

// Sequences packed as torch packs them: all first steps, all second steps, ..., longest first.
struct SequenceBatch {
  at::Tensor counts;                   // [rows, units]
  std::vector<int64_t> batch_sizes;    // [longest] sequences that reach a step
  std::vector<int64_t> samples;        // [queries]
  std::vector<int64_t> before, after;  // [queries] rows to interpolate between
  std::vector<float> part;             // [queries] of `after`
};

// Places beyond the first and the last centre take the value there, as torch's linear
// interpolation without aligned corners does.
SequenceBatch packed(std::vector<const Sequence*> sequences, int64_t units);

constexpr double kGruDropout = 0.2;  // between the layers

class GruNetwork {
 public:
  // Initialised as torch does, U(+-1 / sqrt(hidden)), from the streams of `parameters`.
  GruNetwork(train::Parameters& parameters, int64_t units, int64_t hidden);

  struct DropoutStep {
    uint64_t seed = 0;
    int64_t step = 0;
  };
  // [queries, 2]; with dropout in training.
  at::Tensor operator()(const SequenceBatch& batch,
                        const std::optional<DropoutStep>& dropout) const;

 private:
  // w_ih, w_hh, b_ih, b_hh of the way there and of the way back.
  using Layer = std::vector<at::Tensor>;
  at::Tensor run(const Layer& layer, const at::Tensor& x, const SequenceBatch& batch) const;

  int64_t hidden_;
  Layer layers_[2];
  train::Linear readout_;
};

}  // namespace tenfold::poyo_decode
