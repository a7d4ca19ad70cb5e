#include <catch2/catch.hpp>

#include "common/kernels/cuda_for_test.h"
#include "common/kernels/geglu.h"
#include "common/kernels/geglu_cases.h"
#include "common/testing/skip.h"

namespace tenfold::kernels {

TEST_CASE("values and slopes on the device are those of the definition") {
  TENFOLD_NEED_CUDA();
  for (const int64_t width : kGegluWidths) {
    const GegluProblem p(width);
    const OnDevice<float> hidden(p.hidden), d_out(p.d_out), out(p.d_out), d_hidden(p.hidden);
    geglu_cuda(p.rows, width, hidden.data(), out.data(), nullptr);
    geglu_backward_cuda(p.rows, width, hidden.data(), d_out.data(), d_hidden.data(), nullptr);
    p.check(out.host(), d_hidden.host());
  }
}

}  // namespace tenfold::kernels
