#include "common/bench/gemm_peak.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/full.h>
#include <ATen/ops/mm.h>

#include "common/bench/measure.h"

namespace tenfold::bench {

double gemm_peak(int64_t n) {
  const at::Tensor a = at::full({n, n}, 0.5f), b = at::full({n, n}, 0.25f);
  at::Tensor c = at::empty({n, n});
  const Timing timing = measure({3, 20, 0}, [&] { at::mm_out(c, a, b); });
  return 2.0 * double(n) * double(n) * double(n) / timing.cpu.min;
}

}  // namespace tenfold::bench
