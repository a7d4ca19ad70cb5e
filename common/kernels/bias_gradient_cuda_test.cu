#include <catch2/catch.hpp>

#include "common/kernels/bias_gradient_cases.h"
#include "common/kernels/bias_gradient_cuda.h"
#include "common/kernels/cuda_for_test.h"
#include "common/testing/skip.h"

namespace tenfold::kernels {

TEST_CASE("bias gradients on the device are those of the definition and repeat their bytes") {
  TENFOLD_NEED_CUDA();
  for (const BiasProblem& p : bias_problems()) {
    CAPTURE(p.models, p.images, p.units, p.classes);
    const BiasProblem::Arrays<float> arrays(p);
    const OnDevice<float> z(arrays.z), bias(arrays.bias), readout(arrays.readout);
    const OnDevice<int64_t> rows(p.rows), labels(p.labels);
    BiasModels<float> in = arrays.in(p);
    in.z = z.data();
    in.rows = rows.data();
    in.bias = bias.data();
    in.readout = readout.data();
    in.labels = labels.data();
    std::vector<float> first;
    for (int repeat = 0; repeat < 2; ++repeat) {
      BiasResult<float> r(p);
      const OnDevice<float> d(r.d), image_losses(r.image_losses), gradient(r.gradient),
          losses(r.losses);
      relu_readout_bias_gradients_cuda(in, d.data(), image_losses.data(), gradient.data(),
                                       losses.data(), nullptr);
      r.gradient = gradient.host();
      r.losses = losses.host();
      check_bias_gradients(p, r, 1e-4);
      if (repeat == 0) first = r.gradient;
      REQUIRE(r.gradient == first);
    }
  }
}

}  // namespace tenfold::kernels
