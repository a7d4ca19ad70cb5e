// How well translated series follow the true ones (specification, section 5).
#pragma once

#include <cstdint>
#include <optional>
#include <utility>
#include <vector>

namespace tenfold::samba_align {

// Windows of true and translated series, [windows, targets, frames]: fMRI, or the samples of the
// electrophysiology.
struct Translation {
  int64_t windows = 0, targets = 0, frames = 0;
  std::vector<float> truth, translated;
  std::vector<float> deviation;  // of the passes under dropout; else empty
  // [windows]: the frame at which one begins, and its two subjects (electrophysiology, fMRI).
  std::vector<int64_t> start_frames;
  std::vector<std::pair<size_t, size_t>> subjects;
  std::vector<float> band_share;  // [bands]: mean attention of the first version; else empty

  const float* of(const std::vector<float>& all, int64_t window, int64_t target) const {
    return all.data() + (window * targets + target) * frames;
  }
};

// The windows so numbered.
Translation windows_of(const Translation& t, const std::vector<int64_t>& windows);

struct ParcelMetrics {
  // None where a series does not vary.
  std::optional<double> pearson, spearman, r2;
  std::optional<double> rmse, median_error;  // both series z-scored
  double mse = 0, scaled_mse = 0;            // as they are, and after the best scale
};

// Of every target, over the frames of all windows one after the other, from frame `first` of a
// window on (1: the first frame may have been given).
std::vector<ParcelMetrics> parcel_metrics(const Translation& t, int64_t first);

// Pearson correlation in one window, averaged over windows and targets; `skipped` counts those
// where a series does not vary.
struct WithinWindow {
  std::optional<double> r;
  int64_t used = 0, skipped = 0;
};
WithinWindow within_window(const Translation& t, int64_t first);

// 1 - cosine over time, averaged over windows and targets: the training loss.
double mean_cosine_loss(const Translation& t);

}  // namespace tenfold::samba_align
