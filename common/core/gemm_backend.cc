#include "common/core/gemm_backend.h"

#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <cpuid.h>
#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <cstring>

#include "common/core/error.h"

// MKL asks this function whether it runs on an Intel processor and takes its AVX-512 path only
// then. It is NOT documented by Intel. An executable that defines it decides for itself: we say yes
// only where cpuid shows AVX-512 and another vendor, TENFOLD_GEMM=stock says no, gemm_self_test()
// checks the numbers at start, and run.json and the resume check record which path was taken.
extern "C" int mkl_serv_intel_cpu_true();

namespace tenfold {
namespace {

bool is_intel() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  if (!__get_cpuid(0, &a, &b, &c, &d)) return false;
  char vendor[13] = {};
  std::memcpy(vendor, &b, 4);
  std::memcpy(vendor + 4, &d, 4);
  std::memcpy(vendor + 8, &c, 4);
  return std::strcmp(vendor, "GenuineIntel") == 0;
}

bool override_wanted() {
  static const bool wanted = [] {
    const char* choice = std::getenv("TENFOLD_GEMM");
    if (choice != nullptr && std::strcmp(choice, "stock") == 0) return false;
    __builtin_cpu_init();
    return !is_intel() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
           __builtin_cpu_supports("avx512vl") && __builtin_cpu_supports("avx512dq");
  }();
  return wanted;
}

}  // namespace

std::string gemm_backend() { return override_wanted() ? "avx512-on-amd" : "stock"; }

void gemm_self_test() {
  const int64_t m = 37, n = 41, k = 53;
  at::Tensor a = at::empty({m, k}), b = at::empty({k, n});
  for (int64_t i = 0; i < m * k; ++i) a.data_ptr<float>()[i] = std::sin(0.1f * float(i));
  for (int64_t i = 0; i < k * n; ++i) b.data_ptr<float>()[i] = std::cos(0.2f * float(i));
  const at::Tensor c = at::mm(a, b);
  for (int64_t i = 0; i < m; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      double sum = 0;
      for (int64_t l = 0; l < k; ++l) {
        sum += double(a.data_ptr<float>()[i * k + l]) * double(b.data_ptr<float>()[l * n + j]);
      }
      if (!(std::abs(sum - double(c.data_ptr<float>()[i * n + j])) < 1e-4)) {
        throw NumericError(
            fmt::format("matrix product self-test: GEMM backend {} is wrong on this processor; set "
                        "TENFOLD_GEMM=stock",
                        gemm_backend()));
      }
    }
  }
}

}  // namespace tenfold

extern "C" int mkl_serv_intel_cpu_true() {
  return tenfold::is_intel() || tenfold::override_wanted() ? 1 : 0;
}
