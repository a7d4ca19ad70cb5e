#include <stddef.h>

#include "common/kernels/edge_linear.h"
#include "common/kernels/edge_linear_isa.h"
#include "common/kernels/isa.h"

namespace tenfold::kernels {
namespace {

const EdgeLinearTable& table() { return use_avx512() ? kEdgeLinearAvx512 : kEdgeLinearAvx2; }

LinearCall call_of(const float* x, const PackedMatrix& w, const RowTerm* terms, size_t num_terms,
                   int64_t tile) {
  LinearCall call{x, w.panels(), tile, w.in(), w.out(), int(num_terms), {}, {}};
  for (size_t t = 0; t < num_terms; ++t) {
    call.table[t] = terms[t].table;
    call.index[t] = terms[t].index;
  }
  return call;
}

}  // namespace

PackedMatrix::PackedMatrix(const float* weight, int64_t in, int64_t out) : in_(in), out_(out) {
  const int64_t lanes = table().lanes;
  panels_.reserve(size_t((out + lanes - 1) / lanes * lanes * in));
  for (int64_t first = 0; first < out; first += 2 * lanes) {
    const int64_t width = out - first <= lanes ? lanes : 2 * lanes;
    for (int64_t k = 0; k < in; ++k) {
      for (int64_t j = first; j < first + width; ++j) {
        panels_.push_back(j < out ? weight[k * out + j] : 0.0f);
      }
    }
  }
}

void linear(const float* x, const PackedMatrix& weight, const std::vector<RowTerm>& terms, float* y,
            int64_t tile) {
  table().linear(call_of(x, weight, terms.data(), terms.size(), tile), y);
}

void linear_silu(const float* x, const PackedMatrix& weight, const std::vector<RowTerm>& terms,
                 float* y, int64_t tile) {
  table().linear_silu(call_of(x, weight, terms.data(), terms.size(), tile), y);
}

void linear_modulate_sum(const float* x, const PackedMatrix& weight, const RowTerm& term,
                         const float* source_term, const int32_t* source, const int32_t* target,
                         float* sum, int64_t tile) {
  table().linear_modulate_sum(call_of(x, weight, &term, 1, tile), source_term, source, target, sum);
}

}  // namespace tenfold::kernels
