#include "tools/samba-align/spectral_metrics.h"

#include <algorithm>
#include <cmath>
#include <complex>
#include <unsupported/Eigen/FFT>

#include "common/stats/butterworth.h"
#include "common/stats/correlation.h"

namespace tenfold::samba_align {
namespace {

constexpr double kPi = 3.14159265358979323846;
constexpr double kSlowHz = 1, kSegmentS = 2, kLeastPower = 1e-12;
constexpr double kBands[][2] = {{1, 4}, {4, 8}, {8, 13}, {13, 30}, {30, 45}};

using Series = std::vector<double>;

Series window_of(const Translation& t, const std::vector<float>& from, int64_t w, int64_t s) {
  const float* row = t.of(from, w, s);
  return {row, row + t.frames};
}

// |X[k]|^2, k = 0 .. n / 2; keeps its tables from call to call.
class PowerSpectrum {
 public:
  PowerSpectrum() { fft_.SetFlag(Eigen::FFT<double>::HalfSpectrum); }
  Series operator()(const Series& x) {
    fft_.fwd(spectrum_, x);
    Series power;
    for (const auto& v : spectrum_) power.push_back(std::norm(v));
    return power;
  }

 private:
  Eigen::FFT<double> fft_;
  std::vector<std::complex<double>> spectrum_;
};

// Pearson correlation of every series, averaged; `of` gives one of [windows * ..] values.
template <class Values>
std::optional<double> mean_correlation(const Translation& t, const Values& of) {
  double sum = 0, count = 0;
  for (int64_t s = 0; s < t.targets; ++s) {
    const std::optional<double> r = stats::correlation(of(t.truth, s), of(t.translated, s));
    if (!r) continue;
    sum += *r;
    ++count;
  }
  return count > 0 ? std::optional<double>(sum / count) : std::nullopt;
}

Series slow_part(const Translation& t, const std::vector<float>& from, int64_t s, double rate) {
  const std::vector<stats::Biquad> filter = stats::butterworth_low_pass(4, kSlowHz, rate);
  Series all;
  for (int64_t w = 0; w < t.windows; ++w) {
    const Series slow = stats::filtered_both_ways(filter, window_of(t, from, w, s));
    all.insert(all.end(), slow.begin() + 1, slow.end());
  }
  return all;
}

// log(sum of |FFT|^2 / n^2 in a band) of every block, one list a band.
std::vector<Series> block_powers(const Translation& t, const std::vector<float>& from, int64_t s,
                                 double rate, int64_t block, size_t bands) {
  std::vector<Series> all(bands);
  PowerSpectrum spectrum;
  const double n = double(block);
  for (int64_t w = 0; w < t.windows; ++w) {
    const float* row = t.of(from, w, s);
    for (int64_t b = 0; b + block <= t.frames; b += block) {
      const Series power = spectrum(Series(row + b, row + b + block));
      for (size_t k = 0; k < bands; ++k) {
        double sum = 0;
        for (size_t i = 0; i < power.size(); ++i) {
          const double f = double(i) * rate / n;
          if (f >= kBands[k][0] && f < kBands[k][1]) sum += power[i] / (n * n);
        }
        all[k].push_back(std::log(sum + kLeastPower));
      }
    }
  }
  return all;
}

// Welch's estimate: Hann, segments of 2 s that overlap by half, one-sided, of the z-scored series.
Series density(const Translation& t, const std::vector<float>& from, int64_t s, double rate) {
  double mean = 0, squares = 0;
  const double count = double(t.windows * t.frames);
  for (int64_t w = 0; w < t.windows; ++w)
    for (const double v : window_of(t, from, w, s)) {
      mean += v / count;
      squares += v * v / count;
    }
  const double variance = squares - mean * mean, scale = variance > 0 ? 1 / std::sqrt(variance) : 0;
  const int64_t n = std::min(t.frames, int64_t(std::llround(kSegmentS * rate)));
  Series hann;
  double energy = 0;
  for (int64_t i = 0; i < n; ++i) {
    hann.push_back(0.5 - 0.5 * std::cos(2 * kPi * double(i) / double(n)));
    energy += hann.back() * hann.back();
  }
  Series sum(size_t(n / 2 + 1), 0.0);
  double segments = 0;
  PowerSpectrum spectrum;
  for (int64_t w = 0; w < t.windows; ++w) {
    const Series x = window_of(t, from, w, s);
    for (int64_t at = 0; at + n <= t.frames; at += std::max<int64_t>(1, n / 2)) {
      Series part(static_cast<size_t>(n));
      for (int64_t i = 0; i < n; ++i)
        part[size_t(i)] = (x[size_t(at + i)] - mean) * scale * hann[size_t(i)];
      const Series power = spectrum(part);
      for (size_t k = 0; k < sum.size(); ++k) {
        const bool single = k == 0 || (n % 2 == 0 && k + 1 == sum.size());
        sum[k] += (single ? 1 : 2) * power[k] / (rate * energy);
      }
      ++segments;
    }
  }
  for (double& v : sum) v /= segments;
  return sum;
}

double median_of(Series v) {
  std::sort(v.begin(), v.end());
  return (v[(v.size() - 1) / 2] + v[v.size() / 2]) / 2;
}

void add_spectra(const Translation& t, double rate, SpectralMetrics& m) {
  std::vector<Series> truth, translated;
  for (int64_t s = 0; s < t.targets; ++s) {
    truth.push_back(density(t, t.truth, s, rate));
    translated.push_back(density(t, t.translated, s, rate));
  }
  const size_t bins = truth[0].size();
  const double n = double(std::min(t.frames, int64_t(std::llround(kSegmentS * rate))));
  double sum = 0, count = 0;
  for (size_t k = 0; k < bins; ++k) {
    const double f = double(k) * rate / n;
    Series a, b;
    for (size_t s = 0; s < truth.size(); ++s) {
      a.push_back(truth[s][k]);
      b.push_back(translated[s][k]);
      if (f < 1 || f > std::min(45.0, 0.45 * rate)) continue;
      sum += std::abs(std::log10((b.back() + kLeastPower) / (a.back() + kLeastPower)));
      ++count;
    }
    m.frequency_hz.push_back(f);
    m.true_density.push_back(median_of(a));
    m.translated_density.push_back(median_of(b));
  }
  m.log_ratio = count > 0 ? sum / count : 0;
}

}  // namespace

SpectralMetrics spectral_metrics(const Translation& t, double rate, int64_t block) {
  SpectralMetrics m;
  if (rate > 2 * kSlowHz) {
    m.slow_r = mean_correlation(
        t, [&](const std::vector<float>& from, int64_t s) { return slow_part(t, from, s, rate); });
  }
  size_t bands = 0;
  for (const auto& band : kBands) bands += band[1] <= rate / 2;
  std::vector<std::vector<Series>> truth, translated;
  for (int64_t s = 0; s < t.targets; ++s) {
    truth.push_back(block_powers(t, t.truth, s, rate, block, bands));
    translated.push_back(block_powers(t, t.translated, s, rate, block, bands));
  }
  for (size_t k = 0; k < bands; ++k) {
    double sum = 0, count = 0;
    for (size_t s = 0; s < truth.size(); ++s) {
      const std::optional<double> r = stats::correlation(truth[s][k], translated[s][k]);
      if (!r) continue;
      sum += *r;
      ++count;
    }
    m.bands.push_back({kBands[k][0], kBands[k][1],
                       count > 0 ? std::optional<double>(sum / count) : std::nullopt});
  }
  add_spectra(t, rate, m);
  return m;
}

}  // namespace tenfold::samba_align
