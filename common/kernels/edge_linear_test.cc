#include "common/kernels/edge_linear.h"

#include <catch2/catch.hpp>
#include <cmath>
#include <random>

#include "common/kernels/edge_linear_isa.h"
#include "common/kernels/isa.h"
#include "common/testing/skip.h"

namespace tenfold::kernels {
namespace {

struct Case {
  int64_t tile, in, out;
};

// Every number of rows in the last block, narrow and partial last panels.
const std::vector<Case> kCases = {{1, 1, 1},    {2, 5, 7},  {3, 45, 9},    {4, 20, 16},
                                  {5, 8, 17},   {6, 3, 24}, {7, 128, 128}, {64, 45, 100},
                                  {13, 60, 33}, {0, 4, 8},  {12, 32, 32},  {191, 128, 130}};
constexpr int64_t kRows = 11;  // of tables and of sums
constexpr double kTolerance = 1e-5;

struct Data {
  explicit Data(const Case& c)
      : x(c.tile * c.in),
        weight(c.in * c.out),
        table(kRows * c.out),
        other(kRows * c.out),
        sum(kRows * c.out) {
    std::mt19937 random(7);
    std::normal_distribution<float> normal;
    for (auto* v : {&x, &weight, &table, &other, &sum}) {
      for (float& value : *v) value = normal(random);
    }
    std::uniform_int_distribution<int32_t> row(0, kRows - 1);
    for (int64_t i = 0; i < c.tile; ++i) {
      first.push_back(row(random));
      second.push_back(row(random));
    }
  }
  std::vector<float> x, weight, table, other, sum;
  std::vector<int32_t> first, second;
};

// x W + table[first] + other[0], in float64.
double expected(const Case& c, const Data& d, int64_t row, int64_t column) {
  double y = d.table[d.first[row] * c.out + column] + d.other[column];
  for (int64_t k = 0; k < c.in; ++k) {
    y += double(d.x[row * c.in + k]) * d.weight[k * c.out + column];
  }
  return y;
}

std::vector<RowTerm> terms_of(const Data& d) {
  return {{d.table.data(), d.first.data()}, {d.other.data(), nullptr}};
}

bool close(double found, double wanted, int64_t in) {
  return std::abs(found - wanted) <= kTolerance * (std::sqrt(double(in)) + std::abs(wanted));
}

}  // namespace

TEST_CASE("linear, its silu and its modulated sum agree with their definitions in float64") {
  for (const Case& c : kCases) {
    CAPTURE(c.tile, c.in, c.out);
    const Data d(c);
    const PackedMatrix w(d.weight.data(), c.in, c.out);
    std::vector<float> y(size_t(c.tile * c.out)), z = y, sum = d.sum;
    linear(d.x.data(), w, terms_of(d), y.data(), c.tile);
    linear_silu(d.x.data(), w, terms_of(d), z.data(), c.tile);
    linear_modulate_sum(d.x.data(), w, {d.table.data(), d.first.data()}, d.other.data(),
                        d.first.data(), d.second.data(), sum.data(), c.tile);
    std::vector<double> wanted_sum(d.sum.begin(), d.sum.end());
    for (int64_t i = 0; i < c.tile * c.out; ++i) {
      const int64_t row = i / c.out, column = i % c.out;
      const double wanted = expected(c, d, row, column);
      REQUIRE(close(y[i], wanted, c.in));
      REQUIRE(close(z[i], wanted / (1 + std::exp(-wanted)), c.in));
      wanted_sum[d.second[row] * c.out + column] +=
          (wanted - d.other[column]) * d.other[d.first[row] * c.out + column];
    }
    for (size_t i = 0; i < sum.size(); ++i) REQUIRE(close(sum[i], wanted_sum[i], c.in * c.tile));
  }
}

TEST_CASE("a tile cut into parts gives the same bytes") {
  const Case c{100, 45, 100};
  const Data d(c);
  const PackedMatrix w(d.weight.data(), c.in, c.out);
  std::vector<float> whole(size_t(c.tile * c.out)), parts = whole;
  linear_silu(d.x.data(), w, {{d.other.data(), nullptr}}, whole.data(), c.tile);
  for (int64_t first = 0; first < c.tile; first += 7) {
    linear_silu(d.x.data() + first * c.in, w, {{d.other.data(), nullptr}},
                parts.data() + first * c.out, std::min<int64_t>(7, c.tile - first));
  }
  REQUIRE(whole == parts);
}

TEST_CASE("AVX2 and AVX-512 products give the same bytes") {
  if (!use_avx512()) TENFOLD_SKIP("no AVX-512 here: only the AVX2 twin is checked");
  const Case c{20, 45, 16};  // one panel: one vector of AVX-512, two of AVX2
  const Data d(c);
  // Both lay a single panel of 16 columns out row by row.
  const PackedMatrix w(d.weight.data(), c.in, c.out);
  const LinearCall call{d.x.data(), w.panels(), c.tile, c.in, c.out, 1, {d.other.data()}, {}};
  std::vector<float> narrow(size_t(c.tile * c.out)), wide = narrow;
  kEdgeLinearAvx2.linear_silu(call, narrow.data());
  kEdgeLinearAvx512.linear_silu(call, wide.data());
  REQUIRE(narrow == wide);
}

}  // namespace tenfold::kernels
