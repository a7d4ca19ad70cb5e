// What may be made of the electrophysiology before anything else: a linear filter with a
// haemodynamic response passes nothing of a fast rhythm, but it does of its strength
// (specification, section 3.2, `--ele-feature`).
#pragma once

#include <cstdint>
#include <vector>

#include "tools/samba-align/training_options.h"

namespace tenfold::samba_align {

// x [parcels, samples] in place. raw: as it is. envelope: magnitude about the parcel's mean,
// low-passed. bandpower: of the band, squared, low-passed, decimal logarithm (silence is taken as
// 1e-12 of the parcel's mean). Filters are Butterworth's of order 4 in both directions. Throws
// UsageError for frequencies that the rate cannot hold.
void make_ele_feature(std::vector<float>& x, int64_t parcels, int64_t samples, double rate,
                      const DatasetOptions& options);

}  // namespace tenfold::samba_align
