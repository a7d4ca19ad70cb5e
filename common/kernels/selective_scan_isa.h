// One table of functions for each instruction set; internal to selective_scan.
#pragma once

#include "common/kernels/selective_scan_launch.h"

namespace tenfold::kernels {

// Both work on one task; `workspace` has SelectiveScanPlan::workspace() entries (workspace.h).
template <class T>
struct SelectiveScanTable {
  void (*forward)(const SelectiveScanView<T>&, const SelectiveScanScratch<T>&, int64_t task, T* out,
                  T* workspace);
  void (*backward)(const SelectiveScanView<T>&, const SelectiveScanScratch<T>&, int64_t task,
                   const StridedRows<T>& grad, const SelectiveScanGradient<T>&, T* workspace);
};

extern const SelectiveScanTable<float> kSelectiveScanAvx2, kSelectiveScanAvx512;
extern const SelectiveScanTable<double> kSelectiveScanAvx2Double, kSelectiveScanAvx512Double;

}  // namespace tenfold::kernels
