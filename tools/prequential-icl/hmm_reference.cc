#include "tools/prequential-icl/hmm_reference.h"

#include <ATen/Parallel.h>
#include <ATen/ops/empty.h>

#include <algorithm>
#include <cmath>

#include "tools/prequential-icl/hmm_oracle.h"

namespace tenfold::prequential_icl {
namespace {

// predict(sequence, tokens, probabilities [S][observations]) for the first `count` sequences.
template <class Predict>
at::Tensor for_sequences(const MetaSplit& split, int64_t count, int64_t observations,
                         const Predict& predict) {
  const int64_t sequences = std::min(count, split.tasks()), length = split.points();
  at::Tensor out =
      at::empty({sequences, length, observations}, at::TensorOptions().dtype(at::kFloat));
  at::parallel_for(0, sequences, 1, [&](int64_t first, int64_t end) {
    std::vector<double> p(size_t(length * observations));
    for (int64_t s = first; s < end; ++s) {
      const uint8_t* symbols = split.y.data_ptr<uint8_t>() + s * length;
      const std::vector<int64_t> tokens(symbols, symbols + length);
      predict(s, tokens.data(), p.data());
      std::transform(p.begin(), p.end(), out.data_ptr<float>() + s * length * observations,
                     [](double v) { return float(std::log(v)); });
    }
  });
  return out;
}

}  // namespace

at::Tensor oracle_log_probabilities(const HmmFamily& family, const MetaSplit& split, int64_t count,
                                    const std::vector<int64_t>& latents) {
  const HmmOracle oracle(family, latents);
  return for_sequences(split, count, oracle.observations(),
                       [&](int64_t, const int64_t* tokens, double* p) {
                         oracle.predict(tokens, split.points(), p);
                       });
}

at::Tensor known_log_probabilities(const HmmFamily& family, const MetaSplit& split, int64_t count) {
  const int64_t* latents = split.param.at("latent").data_ptr<int64_t>();
  return for_sequences(split, count, family.sizes.observations,
                       [&](int64_t s, const int64_t* tokens, double* p) {
                         predict_known(family, latents[s], tokens, split.points(), p);
                       });
}

}  // namespace tenfold::prequential_icl
