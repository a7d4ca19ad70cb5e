// The baseline that knows no response: band powers of the last 22 seconds and ridge regression
// (specification, section 6).
#pragma once

#include <cstdint>
#include <vector>

#include "tools/samba-align/matrix.h"

namespace tenfold::samba_align {

struct PowerBand {
  double low_hz, high_hz;  // from, up to and without
};

// 1-4, 4-8, 8-13, 13-30 and 30-45 Hz, those that end below rate / 2.
std::vector<PowerBand> power_bands(double rate);

// By frame, of x [parcels, samples]: every parcel's mean, then log(power + 1e-12) in the bands,
// power = sum of |FFT|^2 / n^2 of the block's n samples over the band's positive frequencies:
// [frames, parcels * (1 + bands)].
Matrix block_features(const Matrix& x, double rate, int64_t block);

// Features [frames, n] of a frame and of `lags` frames before it, nearest first; before the first
// frame, the first: [frames, n * (lags + 1)].
Matrix with_lags(const Matrix& features, int64_t lags);

constexpr int64_t kRidgeLags = 10;

}  // namespace tenfold::samba_align
