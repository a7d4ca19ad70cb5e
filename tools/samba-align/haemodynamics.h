// From neural drive to the BOLD signal of source parcels (specification, section 2.4.6).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/samba-align/balloon_model.h"
#include "tools/samba-align/haemodynamic_response.h"
#include "tools/samba-align/matrix.h"

namespace tenfold::samba_align {

// One response a parcel, uniform in `box`: "model" is what the network's parameters can reach,
// "small" lets only response delay and dispersion vary.
std::vector<DoubleGamma> draw_responses(const std::string& box, int64_t parcels, uint64_t seed,
                                        const std::string& name);

// kappa, gamma and tau times exp(0.15 N(0, 1)) each.
std::vector<Balloon> draw_balloons(int64_t parcels, uint64_t seed, const std::string& name);

// The kernels of the responses [parcels, 30 s * rate].
Matrix response_kernels(const std::vector<DoubleGamma>& responses, double rate);

// (1 / rate) sum_k h[k] z[t - k] of every row [parcels, samples].
Matrix convolved(const Matrix& drive, const Matrix& kernels, double rate);

// The balloons' responses to the rows [parcels, samples].
Matrix balloon_responses(const Matrix& drive, const std::vector<Balloon>& balloons, double rate);

// Rows minus their mean, divided by their standard deviation (n - 1). Throws NumericError, naming
// `what` and the row, where that is 0 or none.
void standardise_rows(Matrix& m, const std::string& what);

// The samples (j + 1) * block - 1, each row standardised over all its samples as above; `m` stays
// [parcels, samples] -> [parcels, samples / block].
Matrix standardised_frames(const Matrix& m, int64_t block, const std::string& what);

}  // namespace tenfold::samba_align
