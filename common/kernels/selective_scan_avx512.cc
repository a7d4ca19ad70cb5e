#define TENFOLD_ISA avx512
#include "common/kernels/selective_scan_rows.h"

namespace tenfold::kernels {

const SelectiveScanTable<float> kSelectiveScanAvx512 = {
    avx512::selective_scan_task<float>, avx512::selective_scan_backward_task<float>};
const SelectiveScanTable<double> kSelectiveScanAvx512Double = {
    avx512::selective_scan_task<double>, avx512::selective_scan_backward_task<double>};

}  // namespace tenfold::kernels
