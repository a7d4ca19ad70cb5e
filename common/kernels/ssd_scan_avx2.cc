#define TENFOLD_ISA avx2
#include "common/kernels/ssd_scan_rows.h"

namespace tenfold::kernels {

const SsdScanTable<float> kSsdScanAvx2 = {avx2::ssd_scan_task<float>,
                                          avx2::ssd_scan_backward_task<float>};
const SsdScanTable<double> kSsdScanAvx2Double = {avx2::ssd_scan_task<double>,
                                                 avx2::ssd_scan_backward_task<double>};

}  // namespace tenfold::kernels
