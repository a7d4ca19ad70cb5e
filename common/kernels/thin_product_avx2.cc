#define TENFOLD_ISA avx2
#include "common/kernels/thin_product_isa.h"
#include "common/kernels/thin_product_rows.h"

namespace tenfold::kernels {

const ThinProductTable kThinProductAvx2 = {avx2::thin_product, avx2::narrow_product,
                                           avx2::tall_product};

}  // namespace tenfold::kernels
