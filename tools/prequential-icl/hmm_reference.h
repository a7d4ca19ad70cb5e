// The exact Bayes oracle of the HMM family on the sequences of a meta-dataset.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "tools/prequential-icl/hmm.h"
#include "tools/prequential-icl/meta_dataset.h"

namespace tenfold::prequential_icl {

// log p(x_{c+1} | x_1..c) for c = 0..S-1 of the first `count` sequences: [count, S, observations]
// float32. `latents`: a subset that Bayes looks at (empty: all).
at::Tensor oracle_log_probabilities(const HmmFamily& family, const MetaSplit& split, int64_t count,
                                    const std::vector<int64_t>& latents = {});

// The same where the latent of every sequence is known (split.param["latent"]).
at::Tensor known_log_probabilities(const HmmFamily& family, const MetaSplit& split, int64_t count);

}  // namespace tenfold::prequential_icl
