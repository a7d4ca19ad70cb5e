// One table of functions for each instruction set; internal to ssd_scan.
#pragma once

#include "common/kernels/ssd_scan_launch.h"

namespace tenfold::kernels {

// Both work on one task; `workspace` has SsdScanPlan::workspace() entries (workspace.h).
template <class T>
struct SsdScanTable {
  void (*forward)(const SsdScanView<T>&, const SsdScanScratch<T>&, int64_t task, T* out,
                  T* workspace);
  void (*backward)(const SsdScanView<T>&, const SsdScanScratch<T>&, int64_t task,
                   const StridedRows<T>& grad, const SsdScanGradient<T>&, T* workspace);
};

extern const SsdScanTable<float> kSsdScanAvx2, kSsdScanAvx512;
extern const SsdScanTable<double> kSsdScanAvx2Double, kSsdScanAvx512Double;

}  // namespace tenfold::kernels
