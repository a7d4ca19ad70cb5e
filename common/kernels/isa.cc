#include "common/kernels/isa.h"

#include <cstdlib>
#include <cstring>

namespace tenfold::kernels {
namespace {

bool find_out() {
  const char* wanted = std::getenv("TENFOLD_SIMD");
  if (wanted != nullptr && std::strcmp(wanted, "avx2") == 0) return false;
  __builtin_cpu_init();
  return __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
}

}  // namespace

bool use_avx512() {
  static const bool answer = find_out();
  return answer;
}

}  // namespace tenfold::kernels
