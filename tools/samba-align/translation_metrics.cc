#include "tools/samba-align/translation_metrics.h"

#include <algorithm>
#include <cmath>

#include "common/stats/correlation.h"

namespace tenfold::samba_align {
namespace {

using stats::correlation;
using stats::mean_product;
using stats::standardise;
using Doubles = std::vector<double>;

Doubles series_of(const Translation& t, const std::vector<float>& all, int64_t target,
                  int64_t first) {
  Doubles v;
  for (int64_t w = 0; w < t.windows; ++w) {
    const float* row = t.of(all, w, target);
    v.insert(v.end(), row + first, row + t.frames);
  }
  return v;
}

}  // namespace

Translation windows_of(const Translation& t, const std::vector<int64_t>& windows) {
  Translation part;
  part.windows = int64_t(windows.size());
  part.targets = t.targets;
  part.frames = t.frames;
  const int64_t size = t.targets * t.frames;
  for (const int64_t w : windows) {
    const auto copy = [&](const std::vector<float>& from, std::vector<float>& to) {
      if (!from.empty())
        to.insert(to.end(), from.begin() + w * size, from.begin() + (w + 1) * size);
    };
    copy(t.truth, part.truth);
    copy(t.translated, part.translated);
    copy(t.deviation, part.deviation);
    part.start_frames.push_back(t.start_frames[size_t(w)]);
    part.subjects.push_back(t.subjects[size_t(w)]);
  }
  return part;
}

std::vector<ParcelMetrics> parcel_metrics(const Translation& t, int64_t first) {
  std::vector<ParcelMetrics> out(size_t(t.targets));
  for (int64_t q = 0; q < t.targets; ++q) {
    Doubles a = series_of(t, t.truth, q, first), b = series_of(t, t.translated, q, first);
    ParcelMetrics& m = out[size_t(q)];
    const double aa = mean_product(a, a), ab = mean_product(a, b), bb = mean_product(b, b);
    m.mse = aa - 2 * ab + bb;
    m.scaled_mse = bb > 0 ? aa - ab * ab / bb : aa;
    m.spearman = stats::rank_correlation(a, b);
    if (!standardise(a) || !standardise(b)) continue;
    m.pearson = mean_product(a, b);
    m.r2 = *m.pearson * *m.pearson;
    Doubles errors(a.size());
    double squares = 0;
    for (size_t i = 0; i < a.size(); ++i) {
      errors[i] = std::abs(a[i] - b[i]);
      squares += errors[i] * errors[i];
    }
    m.rmse = std::sqrt(squares / double(a.size()));
    std::sort(errors.begin(), errors.end());
    m.median_error = (errors[(errors.size() - 1) / 2] + errors[errors.size() / 2]) / 2;
  }
  return out;
}

WithinWindow within_window(const Translation& t, int64_t first) {
  WithinWindow out;
  double sum = 0;
  for (int64_t w = 0; w < t.windows; ++w) {
    for (int64_t q = 0; q < t.targets; ++q) {
      const float *a = t.of(t.truth, w, q), *b = t.of(t.translated, w, q);
      const auto r =
          correlation(Doubles(a + first, a + t.frames), Doubles(b + first, b + t.frames));
      sum += r.value_or(0);
      ++(r ? out.used : out.skipped);
    }
  }
  if (out.used > 0) out.r = sum / double(out.used);
  return out;
}

double mean_cosine_loss(const Translation& t) {
  double sum = 0;
  for (int64_t w = 0; w < t.windows; ++w) {
    for (int64_t q = 0; q < t.targets; ++q) {
      const float *a = t.of(t.truth, w, q), *b = t.of(t.translated, w, q);
      double ab = 0, aa = 0, bb = 0;
      for (int64_t f = 0; f < t.frames; ++f) {
        ab += double(a[f]) * b[f];
        aa += double(a[f]) * a[f];
        bb += double(b[f]) * b[f];
      }
      constexpr double kEps = 1e-8;
      sum += 1 - ab / (std::max(std::sqrt(aa), kEps) * std::max(std::sqrt(bb), kEps));
    }
  }
  return sum / double(t.windows * t.targets);
}

}  // namespace tenfold::samba_align
