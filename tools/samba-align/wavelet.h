// Discrete wavelet transform with Daubechies' db5 (specification, section 3.3): zero extension,
// decimated, so that a level of n samples has floor((n + 9) / 2) coefficients of each kind. The
// transform is an isometry for any length: its transpose inverts it.
#pragma once

#include <cstdint>
#include <vector>

namespace tenfold::samba_align {

class Wavelet {
 public:
  // Of rows of `length` samples. Throws UsageError where a level would have fewer samples than the
  // filter's ten taps.
  Wavelet(int64_t length, int64_t levels);

  int64_t length() const { return length_; }
  // Coefficients by band: detail 1 (the highest frequencies) to detail `levels`, approximation.
  const std::vector<int64_t>& sizes() const { return sizes_; }
  int64_t coefficients() const { return coefficients_; }

  // x [rows, length] -> out [rows, coefficients], bands in the order of sizes().
  void analyse(const float* x, int64_t rows, float* out) const;
  // The transpose, [rows, coefficients] -> [rows, length]: the inverse, and the gradient's way
  // back.
  void synthesise(const float* coefficients, int64_t rows, float* x) const;

 private:
  int64_t length_, coefficients_ = 0;
  std::vector<int64_t> sizes_;
};

}  // namespace tenfold::samba_align
