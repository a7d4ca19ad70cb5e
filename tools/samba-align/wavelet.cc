#include "tools/samba-align/wavelet.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/core/error.h"

namespace tenfold::samba_align {
namespace {

constexpr int64_t kTaps = 10, kHalf = kTaps / 2;

// Analysis filters; those of even and odd places meet samples of odd and even places.
constexpr float kLow[kTaps] = {
    0.0033357252854737712f, -0.012580751999081999f, -0.006241490212798274f, 0.07757149384004572f,
    -0.032244869584638375f, -0.24229488706638203f,  0.13842814590132074f,   0.7243085284377729f,
    0.6038292697971896f,    0.16010239797419293f};
constexpr float kHigh[kTaps] = {
    -0.16010239797419293f, 0.6038292697971896f,    -0.7243085284377729f,  0.13842814590132074f,
    0.24229488706638203f,  -0.032244869584638375f, -0.07757149384004572f, -0.006241490212798274f,
    0.012580751999081999f, 0.0033357252854737712f};

int64_t level_size(int64_t samples) { return (samples + kTaps - 1) / 2; }

// Rows of one level, with zeros on both sides for the filter to run into.
class Level {
 public:
  explicit Level(int64_t most)
      : even_(size_t(most / 2 + 4 * kTaps)),
        odd_(even_.size()),
        low_(even_.size()),
        high_(even_.size()) {}

  // low[m] = sum over i of lo[2i] odd[m - i] + lo[2i + 1] even[m - i], high likewise.
  void analyse(const float* x, int64_t samples, float* low, float* high) {
    const int64_t size = level_size(samples);
    std::fill(even_.begin(), even_.begin() + size + 2 * kHalf, 0.0f);
    std::fill(odd_.begin(), odd_.begin() + size + 2 * kHalf, 0.0f);
    float *even = even_.data() + kHalf, *odd = odd_.data() + kHalf;
    for (int64_t k = 0; 2 * k < samples; ++k) even[k] = x[2 * k];
    for (int64_t k = 0; 2 * k + 1 < samples; ++k) odd[k] = x[2 * k + 1];
    for (int64_t m = 0; m < size; ++m) {
      float a = 0, d = 0;
      for (int64_t i = 0; i < kHalf; ++i) {
        a += kLow[2 * i] * odd[m - i] + kLow[2 * i + 1] * even[m - i];
        d += kHigh[2 * i] * odd[m - i] + kHigh[2 * i + 1] * even[m - i];
      }
      low[m] = a;
      high[m] = d;
    }
  }

  // odd[k] = sum over i of lo[2i] low[k + i] + hi[2i] high[k + i], even likewise.
  void synthesise(const float* low, const float* high, int64_t samples, float* x) {
    const int64_t size = level_size(samples), half = (samples + 1) / 2;
    std::copy(low, low + size, low_.begin());
    std::copy(high, high + size, high_.begin());
    std::fill(low_.begin() + size, low_.begin() + size + kHalf, 0.0f);
    std::fill(high_.begin() + size, high_.begin() + size + kHalf, 0.0f);
    const float *a = low_.data(), *d = high_.data();
    float *even = even_.data(), *odd = odd_.data();
    for (int64_t k = 0; k < half; ++k) {
      float e = 0, o = 0;
      for (int64_t i = 0; i < kHalf; ++i) {
        o += kLow[2 * i] * a[k + i] + kHigh[2 * i] * d[k + i];
        e += kLow[2 * i + 1] * a[k + i] + kHigh[2 * i + 1] * d[k + i];
      }
      even[k] = e;
      odd[k] = o;
    }
    for (int64_t k = 0; 2 * k < samples; ++k) x[2 * k] = even[k];
    for (int64_t k = 0; 2 * k + 1 < samples; ++k) x[2 * k + 1] = odd[k];
  }

 private:
  std::vector<float> even_, odd_, low_, high_;
};

}  // namespace

Wavelet::Wavelet(int64_t length, int64_t levels) : length_(length) {
  int64_t samples = length;
  for (int64_t l = 0; l < levels; ++l) {
    if (samples < kTaps) {
      throw UsageError(fmt::format(
          "--levels {}: found {} samples at level {} of a block of {}, expected {} at least",
          levels, samples, l + 1, length, kTaps));
    }
    samples = level_size(samples);
    sizes_.push_back(samples);
  }
  sizes_.push_back(samples);
  for (const int64_t size : sizes_) coefficients_ += size;
}

void Wavelet::analyse(const float* x, int64_t rows, float* out) const {
  Level level(length_);
  const size_t levels = sizes_.size() - 1;
  std::vector<float> here(static_cast<size_t>(length_)), below(here.size() + kTaps);
  for (int64_t r = 0; r < rows; ++r, x += length_, out += coefficients_) {
    std::copy(x, x + length_, here.begin());
    int64_t samples = length_;
    float* detail = out;
    for (size_t l = 0; l < levels; ++l) {
      level.analyse(here.data(), samples, below.data(), detail);
      samples = sizes_[l];
      detail += samples;
      std::copy(below.begin(), below.begin() + samples, here.begin());
    }
    std::copy(here.begin(), here.begin() + samples, detail);
  }
}

void Wavelet::synthesise(const float* coefficients, int64_t rows, float* x) const {
  Level level(length_);
  const size_t levels = sizes_.size() - 1;
  std::vector<float> here(static_cast<size_t>(length_));
  for (int64_t r = 0; r < rows; ++r, coefficients += coefficients_, x += length_) {
    const float* detail = coefficients + coefficients_ - sizes_[levels];
    std::copy(detail, detail + sizes_[levels], here.begin());
    for (size_t l = levels; l-- > 0;) {
      detail -= sizes_[l];
      level.synthesise(here.data(), detail, l == 0 ? length_ : sizes_[l - 1], here.data());
    }
    std::copy(here.begin(), here.begin() + length_, x);
  }
}

}  // namespace tenfold::samba_align
