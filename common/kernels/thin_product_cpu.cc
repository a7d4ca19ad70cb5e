#include "common/kernels/isa.h"
#include "common/kernels/thin_product.h"
#include "common/kernels/thin_product_isa.h"

namespace tenfold::kernels {
namespace {

const ThinProductTable& table() { return use_avx512() ? kThinProductAvx512 : kThinProductAvx2; }

}  // namespace

void thin_product(int64_t rows, int64_t few, int64_t columns, const float* a, const float* b,
                  float* c) {
  table().thin(rows, few, columns, a, b, c);
}

void narrow_product(int64_t rows, int64_t depth, int64_t few, const float* a, const float* b,
                    float* c) {
  table().narrow(rows, depth, few, a, b, c);
}

void tall_product(int64_t rows, int64_t few, int64_t columns, const float* a, const float* b,
                  float* c) {
  table().tall(rows, few, columns, a, b, c);
}

}  // namespace tenfold::kernels
