#include "tools/rich-lazy/recipes.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <set>
#include <utility>

#include "common/core/error.h"
#include "common/io/csv.h"

namespace tenfold::rich_lazy {
namespace {

Matrix normals(const Stream& stream, int64_t units) {
  Matrix m(units, units);
  for (int64_t i = 0; i < units; ++i) {
    for (int64_t j = 0; j < units; ++j) m(i, j) = stream.normal(uint64_t(i * units + j));
  }
  return m;
}

int64_t column(const io::CsvTable& table, const std::string& name, const std::string& path) {
  const int64_t found = table.find(name);
  if (found < 0) {
    throw DataError(fmt::format("{}: found columns {}, expected one called {}", path,
                                fmt::join(table.columns(), ","), name));
  }
  return found;
}

double in_range(const io::CsvTable& table, int64_t row, const std::string& name, double low,
                double high, const std::string& path) {
  const double value = table.number(row, column(table, name, path));
  if (value < low || value > high) {
    throw DataError(fmt::format("{}:{}: {}: found {}, expected {}..{}", path, table.line(row), name,
                                value, low, high));
  }
  return value;
}

}  // namespace

Matrix gaussian(const Stream& stream, int64_t units, double gain) {
  return normals(stream, units) * (gain / std::sqrt(double(units)));
}

Matrix dale(const Stream& stream, int64_t units, bool balanced) {
  constexpr double kExcitatory = 0.8;
  const int64_t excitatory = std::lround(kExcitatory * double(units));
  Matrix m = normals(stream, units).cwiseAbs();
  m.rightCols(units - excitatory) *= balanced ? -kExcitatory / (1 - kExcitatory) : -1;
  return m;
}

Matrix motif(const Stream& stream, int64_t units, double reciprocal, double chain) {
  const Matrix z = normals(stream, units);
  // rho = 2 q / (1 + q^2), the root below 1.
  const double q = reciprocal == 0 ? 0 : (1 - std::sqrt(1 - reciprocal * reciprocal)) / reciprocal;
  Matrix m = (z + q * z.transpose()) * std::sqrt((1 - 2 * chain) / (1 + q * q));
  Vector u(units);
  for (int64_t i = 0; i < units; ++i) u(i) = stream.normal(uint64_t(units * units + i));
  m.colwise() += std::sqrt(chain) * u;
  m.rowwise() += std::sqrt(chain) * u.transpose();
  return m;
}

BlockTypes read_block_types(const std::string& types_path, const std::string& pairs_path) {
  constexpr double kLargest = 1e30;
  BlockTypes types;
  std::map<std::string, int64_t> place;
  const io::CsvTable list = io::CsvTable::read(types_path);
  double total = 0;
  for (int64_t r = 0; r < list.rows(); ++r) {
    const std::string& name = list.text(r, column(list, "type", types_path));
    if (!place.emplace(name, r).second) {
      throw DataError(fmt::format("{}:{}: type {} stands twice", types_path, list.line(r), name));
    }
    types.names.push_back(name);
    types.fraction.push_back(in_range(list, r, "fraction", 0, 1, types_path));
    types.sign.push_back(in_range(list, r, "sign", -1, 1, types_path));
    total += types.fraction.back();
  }
  if (std::abs(total - 1) > 1e-6) {
    throw DataError(fmt::format("{}: fractions: found a sum of {}, expected 1", types_path, total));
  }
  const int64_t count = int64_t(types.names.size());
  types.probability = types.weight = Matrix::Zero(count, count);
  const io::CsvTable pairs = io::CsvTable::read(pairs_path);
  const auto type = [&](int64_t row, const std::string& name) {
    const std::string& text = pairs.text(row, column(pairs, name, pairs_path));
    const auto found = place.find(text);
    if (found == place.end()) {
      throw DataError(fmt::format("{}:{}: {}: found {}, expected one of {}", pairs_path,
                                  pairs.line(row), name, text, fmt::join(types.names, ", ")));
    }
    return found->second;
  };
  std::set<std::pair<int64_t, int64_t>> seen;
  for (int64_t r = 0; r < pairs.rows(); ++r) {
    const int64_t pre = type(r, "type_pre"), post = type(r, "type_post");
    if (!seen.emplace(post, pre).second) {
      throw DataError(fmt::format("{}:{}: the pair {}, {} stands twice", pairs_path, pairs.line(r),
                                  types.names[size_t(pre)], types.names[size_t(post)]));
    }
    types.probability(post, pre) = in_range(pairs, r, "p", 0, 1, pairs_path);
    types.weight(post, pre) = in_range(pairs, r, "mean_weight", -kLargest, kLargest, pairs_path);
  }
  return types;
}

Matrix block(const Stream& stream, int64_t units, const BlockTypes& types) {
  std::vector<int64_t> type_of;
  for (size_t t = 0; t < types.names.size(); ++t) {
    const int64_t wanted = std::lround(types.fraction[t] * double(units));
    const int64_t left = units - int64_t(type_of.size());
    type_of.insert(type_of.end(),
                   size_t(t + 1 == types.names.size() ? left : std::min(wanted, left)), int64_t(t));
  }
  Matrix m(units, units);
  for (int64_t i = 0; i < units; ++i) {
    for (int64_t j = 0; j < units; ++j) {
      const int64_t post = type_of[size_t(i)], pre = type_of[size_t(j)];
      const bool connected = stream.uniform(uint64_t(i * units + j)) < types.probability(post, pre);
      m(i, j) = connected ? types.sign[size_t(pre)] * types.weight(post, pre) : 0;
    }
  }
  return m;
}

Matrix aligned(const Vector& mean_1, const Vector& mean_2) {
  const Vector v = mean_1 - mean_2;
  const double squares = v.squaredNorm();
  if (squares == 0) {
    throw NumericError(
        "--init aligned: found the same hidden states under labels 1 and 2, expected a difference");
  }
  return v * v.transpose() / squares;
}

Matrix shuffle_entries(const Stream& stream, const Matrix& m) {
  const std::vector<int64_t> from = stream.permutation(m.size());
  Matrix out(m.rows(), m.cols());
  for (int64_t i = 0; i < m.size(); ++i) out.data()[i] = m.data()[from[size_t(i)]];
  return out;
}

Matrix shuffle_targets(const Stream& stream, const Matrix& m) {
  constexpr uint64_t kExchanges = 10;
  Matrix out = m;
  std::vector<std::pair<int64_t, int64_t>> edges;  // post, pre
  for (int64_t j = 0; j < m.cols(); ++j) {
    for (int64_t i = 0; i < m.rows(); ++i) {
      if (m(i, j) != 0) edges.emplace_back(i, j);
    }
  }
  const uint64_t count = edges.size();
  for (uint64_t k = 0; k < kExchanges * count; ++k) {
    auto& [post_a, pre_a] = edges[stream.below(2 * k, count)];
    auto& [post_b, pre_b] = edges[stream.below(2 * k + 1, count)];
    if (out(post_b, pre_a) != 0 || out(post_a, pre_b) != 0) continue;  // it is there already
    std::swap(out(post_b, pre_a), out(post_a, pre_a));
    std::swap(out(post_a, pre_b), out(post_b, pre_b));
    std::swap(post_a, post_b);
  }
  return out;
}

}  // namespace tenfold::rich_lazy
