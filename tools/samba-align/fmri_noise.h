// What is added to the clean frames of fMRI (specification, sections 2.4.7 and 2.3).
#pragma once

#include <cstdint>
#include <string>

#include "tools/samba-align/matrix.h"

namespace tenfold::samba_align {

// All results are [targets, frames], numbers come from the stream `name`.

// Stationary AR(1) noise of unit variance.
Matrix autoregressive_noise(int64_t targets, int64_t frames, double coefficient, uint64_t seed,
                            const std::string& name);

// Surrogates of a real recording [targets, at least `frames`]: the first `frames` frames, minus
// their means, with the same random phases added to the spectra of all targets, so that spectra and
// correlations stay; then divided by each target's standard deviation. Throws DataError for a
// target that does not vary or is not finite.
Matrix surrogate_noise(const Matrix& series, int64_t frames, uint64_t seed,
                       const std::string& name);

// A line from 0 to a total of U(-largest, largest) a target.
Matrix linear_drift(int64_t targets, int64_t frames, double largest, uint64_t seed,
                    const std::string& name);

// R [targets, targets] of N(0, 1) / sqrt(targets).
Matrix crosstalk_mixing(int64_t targets, uint64_t seed, const std::string& name);

}  // namespace tenfold::samba_align
