// How well translated electrophysiology follows the true one where its phase cannot: slow parts,
// band power, spectra (specification, section 5, hemo2ele).
#pragma once

#include <cstdint>
#include <optional>
#include <vector>

#include "tools/samba-align/translation_metrics.h"

namespace tenfold::samba_align {

struct BandPowerMetric {
  double low_hz, high_hz;
  std::optional<double> r;  // of log power over all blocks, mean over series
};

struct SpectralMetrics {
  std::optional<double> slow_r;        // below 1 Hz, mean over series
  std::vector<BandPowerMetric> bands;  // 1-4, 4-8, 8-13, 13-30, 30-45 Hz, those below rate / 2
  // Welch spectra of z-scored series, median over series; 1 / Hz.
  std::vector<double> frequency_hz, true_density, translated_density;
  double log_ratio = 0;  // mean |log10 of translated over true|, 1 .. min(45, 0.45 rate) Hz
};

// Windows [windows, series, samples] at `rate`, of blocks of `block` samples. Sample 0 of a window
// is left out of correlations over samples.
SpectralMetrics spectral_metrics(const Translation& t, double rate, int64_t block);

}  // namespace tenfold::samba_align
