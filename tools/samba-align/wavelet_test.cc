#include "tools/samba-align/wavelet.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "common/core/error.h"
#include "common/core/philox.h"

namespace tenfold::samba_align {
namespace {

std::vector<float> draws(int64_t count) {
  std::vector<float> x(static_cast<size_t>(count));
  const Stream s(3, "wavelet");
  for (size_t i = 0; i < x.size(); ++i) x[i] = float(s.normal(i));
  return x;
}

double squares(const std::vector<float>& v) {
  double sum = 0;
  for (float x : v) sum += double(x) * x;
  return sum;
}

}  // namespace

TEST_CASE("bands have the sizes of the specification") {
  CHECK(Wavelet(400, 3).sizes() == std::vector<int64_t>{204, 106, 57, 57});
  CHECK(Wavelet(400, 3).coefficients() == 424);
  CHECK(Wavelet(100, 3).sizes() == std::vector<int64_t>{54, 31, 20, 20});
  CHECK_THROWS_AS(Wavelet(9, 1), UsageError);
}

TEST_CASE("the transform keeps the sum of squares, and its transpose inverts it, for any length") {
  for (int64_t n : {13, 37, 55, 100, 400, 401}) {
    CAPTURE(n);
    const Wavelet w(n, 3);
    const std::vector<float> x = draws(2 * n);
    std::vector<float> c(size_t(2 * w.coefficients())), back(x.size());
    w.analyse(x.data(), 2, c.data());
    w.synthesise(c.data(), 2, back.data());
    CHECK(squares(c) == Approx(squares(x)).epsilon(1e-5));
    for (size_t i = 0; i < x.size(); ++i) CHECK(back[i] == Approx(x[i]).margin(2e-6));
  }
}

TEST_CASE("a constant is in the approximation alone, away from the ends") {
  const Wavelet w(200, 1);
  const std::vector<float> x(200, 1.0f);
  std::vector<float> c(size_t(w.coefficients()));
  w.analyse(x.data(), 1, c.data());
  for (size_t m = 5; m < 98; ++m) {
    CHECK(c[m] == Approx(0).margin(1e-6));
    CHECK(c[size_t(w.sizes()[0]) + m] == Approx(std::sqrt(2.0)).epsilon(1e-5));
  }
}

}  // namespace tenfold::samba_align
