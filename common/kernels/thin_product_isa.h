// One table of functions for each instruction set; internal to thin_product.
#pragma once

#include "common/kernels/thin_product.h"

namespace tenfold::kernels {

struct ThinProductTable {
  decltype(&thin_product) thin;
  decltype(&narrow_product) narrow;
  decltype(&tall_product) tall;
};

extern const ThinProductTable kThinProductAvx2, kThinProductAvx512;

}  // namespace tenfold::kernels
