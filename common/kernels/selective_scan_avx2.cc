#define TENFOLD_ISA avx2
#include "common/kernels/selective_scan_rows.h"

namespace tenfold::kernels {

const SelectiveScanTable<float> kSelectiveScanAvx2 = {avx2::selective_scan_task<float>,
                                                      avx2::selective_scan_backward_task<float>};
const SelectiveScanTable<double> kSelectiveScanAvx2Double = {
    avx2::selective_scan_task<double>, avx2::selective_scan_backward_task<double>};

}  // namespace tenfold::kernels
