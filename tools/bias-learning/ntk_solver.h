// Learning biases by solving for them: the network linearised at zero biases, which a kernel of
// the masks describes (specification, section 5.2). Hidden biases b and output biases c both move:
//   f = W2 relu(W1 x + b) + c, the Jacobian's row of image p and class k is [m_p W2_k, e_k],
//   m_p = 1[W1 x_p > 0].
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "tools/bias-learning/image_tasks.h"
#include "tools/bias-learning/random_weights.h"

namespace tenfold::bias_learning {

// [count, side * side]: every pixel the mean of the area of the 28 x 28 image that it covers.
at::Tensor shrunk(const Images& images, int64_t side);

// The first `per_class` images of each of so many classes, in the order of the file.
Images first_of_each(const Images& images, const TaskName& task, int64_t per_class);

// K [n classes, n classes], float64: J J^T of the images whose pre-activations z [n, N] are given;
// row p classes + k is image p, class k. Summed over tiles of units.
at::Tensor bias_kernel(const at::Tensor& z, const at::Tensor& readout);

struct NtkSolution {
  std::vector<double> bias, output_bias;  // delta b [N], delta c [classes]
  double train_accuracy = 0;              // of the linearised network
  double test_accuracy = 0;
  double network_accuracy = 0;  // of the same biases in the network itself, on the test images
  double largest_bias = 0;
};

// (K + 1e-6 I) a = Y - f(0) with targets +1 for the class and -1 for the others. `train`, `test`
// [*, inputs] with labels below `classes`.
NtkSolution solve_ntk(const RandomWeights& weights, int64_t classes, const at::Tensor& train,
                      const std::vector<int64_t>& train_labels, const at::Tensor& test,
                      const std::vector<int64_t>& test_labels);

}  // namespace tenfold::bias_learning
