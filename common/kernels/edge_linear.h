// Linear maps of a tile of edges with what follows them in NiNo's inference done while the product
// is still in registers (specification section 9). Plain float32 buffers; AVX-512 or AVX2 chosen at
// run time, with the same bytes: every sum runs over the inputs in order, whatever the tile.
#pragma once

#include <cstdint>
#include <vector>

namespace tenfold::kernels {

// A matrix [in, out] in the order in which this machine reads it.
class PackedMatrix {
 public:
  PackedMatrix() = default;
  PackedMatrix(const float* weight, int64_t in, int64_t out);  // row-major

  int64_t in() const { return in_; }
  int64_t out() const { return out_; }
  const float* panels() const { return panels_.data(); }

 private:
  int64_t in_ = 0, out_ = 0;
  std::vector<float> panels_;
};

// Row index[r] of a table [., out] for row r of a product; row 0 for every r where index is nullptr
// (a bias).
struct RowTerm {
  const float* table;
  const int32_t* index;
};

constexpr int kMostRowTerms = 3;

//   y[r, :] = x[r, :] W + the row of every term;  x [tile, in], y [tile, out]
// At most kMostRowTerms terms.
void linear(const float* x, const PackedMatrix& weight, const std::vector<RowTerm>& terms, float* y,
            int64_t tile);

// silu of the same.
void linear_silu(const float* x, const PackedMatrix& weight, const std::vector<RowTerm>& terms,
                 float* y, int64_t tile);

//   sum[target[r], :] += (x[r, :] W + the row of `term`) * source_term[source[r], :]
//   source_term and sum [N, out], source and target [tile]
void linear_modulate_sum(const float* x, const PackedMatrix& weight, const RowTerm& term,
                         const float* source_term, const int32_t* source, const int32_t* target,
                         float* sum, int64_t tile);

}  // namespace tenfold::kernels
