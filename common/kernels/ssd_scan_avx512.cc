#define TENFOLD_ISA avx512
#include "common/kernels/ssd_scan_rows.h"

namespace tenfold::kernels {

const SsdScanTable<float> kSsdScanAvx512 = {avx512::ssd_scan_task<float>,
                                            avx512::ssd_scan_backward_task<float>};
const SsdScanTable<double> kSsdScanAvx512Double = {avx512::ssd_scan_task<double>,
                                                   avx512::ssd_scan_backward_task<double>};

}  // namespace tenfold::kernels
