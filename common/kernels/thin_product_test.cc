#include "common/kernels/thin_product.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <vector>

#include "common/core/philox.h"
#include "common/kernels/isa.h"
#include "common/kernels/thin_product_isa.h"
#include "common/testing/skip.h"

namespace tenfold::kernels {
namespace {

std::vector<float> numbers(const char* name, int64_t count) {
  std::vector<float> out(static_cast<size_t>(count));
  Stream(1, name).fill_normal(out.data(), count, 0, 1);
  return out;
}

// `at(i, j, k)` is a term of entry (i, j), of which there are `depth`.
template <class Term>
void check_product(const std::vector<float>& found, int64_t rows, int64_t columns, int64_t depth,
                   const Term& at) {
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < columns; ++j) {
      double sum = 0, size = 0;
      for (int64_t k = 0; k < depth; ++k) {
        sum += at(i, j, k);
        size += std::abs(at(i, j, k));
      }
      CAPTURE(rows, columns, depth, i, j);
      REQUIRE(double(found[size_t(i * columns + j)]) == Approx(sum).margin(4e-7 * size));
    }
  }
}

// A guard behind every result, which no kernel may touch.
std::vector<float> result(int64_t size) {
  std::vector<float> out(size_t(size), 7.0f);
  out.push_back(42.0f);
  return out;
}

void check_all(const ThinProductTable& table) {
  for (const int64_t rows : {1, 5, 12, 33}) {
    for (const int64_t few : {1, 3, 10, 28}) {
      for (const int64_t wide : {1, 7, 16, 45, 100}) {
        const std::vector<float> thin = numbers("thin", rows * few);
        const std::vector<float> weight = numbers("weight", few * wide);
        const std::vector<float> large = numbers("large", rows * wide);
        std::vector<float> c = result(rows * wide);
        table.thin(rows, few, wide, thin.data(), weight.data(), c.data());
        check_product(c, rows, wide, few, [&](int64_t i, int64_t j, int64_t k) {
          return double(thin[size_t(i * few + k)]) * double(weight[size_t(k * wide + j)]);
        });
        CHECK(c.back() == 42.0f);
        c = result(rows * few);
        table.narrow(rows, wide, few, large.data(), weight.data(), c.data());
        check_product(c, rows, few, wide, [&](int64_t i, int64_t j, int64_t k) {
          return double(large[size_t(i * wide + k)]) * double(weight[size_t(j * wide + k)]);
        });
        CHECK(c.back() == 42.0f);
        c = result(few * wide);
        table.tall(rows, few, wide, thin.data(), large.data(), c.data());
        check_product(c, few, wide, rows, [&](int64_t i, int64_t j, int64_t k) {
          return double(thin[size_t(k * few + i)]) * double(large[size_t(k * wide + j)]);
        });
        CHECK(c.back() == 42.0f);
      }
    }
  }
}

}  // namespace

TEST_CASE("thin, narrow and tall products are those of their definition") {
  check_all(kThinProductAvx2);
}

TEST_CASE("thin, narrow and tall products with AVX-512 are those of their definition") {
  if (!use_avx512()) TENFOLD_SKIP("this processor has no AVX-512");
  check_all(kThinProductAvx512);
}

}  // namespace tenfold::kernels
