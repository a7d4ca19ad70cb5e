#define TENFOLD_ISA avx512
#include "common/kernels/thin_product_isa.h"
#include "common/kernels/thin_product_rows.h"

namespace tenfold::kernels {

const ThinProductTable kThinProductAvx512 = {avx512::thin_product, avx512::narrow_product,
                                             avx512::tall_product};

}  // namespace tenfold::kernels
