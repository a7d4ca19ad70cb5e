#include "common/kernels/geglu.h"

#include "common/kernels/blocks_for_test.h"
#include "common/kernels/geglu_body.h"
#include "common/kernels/geglu_cases.h"

namespace tenfold::kernels {

TEST_CASE("values and slopes are those of the definition, for all gates and widths") {
  for (const int64_t width : kGegluWidths) {
    const GegluProblem p(width);
    std::vector<float> out(p.d_out.size()), d_hidden(p.hidden.size());
    geglu(p.rows, width, p.hidden.data(), out.data());
    geglu_backward(p.rows, width, p.hidden.data(), p.d_out.data(), d_hidden.data());
    p.check(out, d_hidden);
  }
}

TEST_CASE("the device's values and slopes, run on the host, are those of the definition") {
  for (const int64_t width : kGegluWidths) {
    const GegluProblem p(width);
    std::vector<float> out(p.d_out.size(), NAN), d_hidden(p.hidden.size(), NAN);
    run_blocks(GegluBlocks{p.rows, width, p.hidden.data(), nullptr, out.data()}, Order::kForward);
    run_blocks(GegluBlocks{p.rows, width, p.hidden.data(), p.d_out.data(), d_hidden.data()},
               Order::kBackward);
    p.check(out, d_hidden);
  }
}

}  // namespace tenfold::kernels
