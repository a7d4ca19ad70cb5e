// The best predictor of the next-token task: exact Bayes over the latents of a family, with a
// forward filter each (arXiv 2410.14086, App. C.5).
#pragma once

#include <cstdint>
#include <vector>

#include "tools/prequential-icl/hmm.h"
#include "tools/prequential-icl/line_vector.h"

namespace tenfold::prequential_icl {

class HmmOracle {
 public:
  // A uniform prior over `latents`, or over all latents of the family where it is empty. A subset
  // costs as much as the product of the transition and emission matrices that occur in it. The
  // family is not kept. Throws DataError for a latent outside the family.
  explicit HmmOracle(const HmmFamily& family, const std::vector<int64_t>& latents = {});

  // Row t of probabilities [length, observations] is p(x_{t+1} | x_1..x_t), t = 0..length-1; the
  // last token is not used. Safe to call from several threads. Throws DataError for a token that is
  // no observation.
  void predict(const int64_t* tokens, int64_t length, double* probabilities) const;

  int64_t observations() const { return observations_; }

 private:
  void run_block(const int64_t* tokens, int64_t steps, const LineVector<double>& scale,
                 double* predicted, double* sums) const;
  void advance(int64_t panel, int64_t transition, const int64_t* tokens, int64_t steps,
               const double* scale, double* predicted, double* sums) const;

  int64_t states_, observations_;
  int64_t n_transitions_, panels_;  // a panel is kPanel emission matrices, the last one padded
  int64_t steps_per_block_;         // steps without renormalisation that cannot underflow
  LineVector<double> log_prior_;    // [panels, transitions, kPanel]
  LineVector<double> emissions_;    // [panels, observations, states, kPanel]
  // Transition matrices by columns, without their zeros: entries begin_[a, to]..begin_[a, to + 1].
  struct Entry {
    double probability;
    int64_t from;  // offset of the state's row in a filter
  };
  std::vector<Entry> entries_;
  std::vector<int64_t> begin_;
};

// The same with the latent known: the noise floor.
void predict_known(const HmmFamily& family, int64_t latent, const int64_t* tokens, int64_t length,
                   double* probabilities);

}  // namespace tenfold::prequential_icl
