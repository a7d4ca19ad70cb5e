#include "tools/bias-learning/ntk_solver.h"

#include <ATen/TensorOperators.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/eye.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/full.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/relu.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <Eigen/Cholesky>
#include <Eigen/Core>
#include <algorithm>

#include "common/core/error.h"

namespace tenfold::bias_learning {
namespace {

constexpr double kRidge = 1e-6;
constexpr int64_t kTile = 1024;  // units
constexpr int64_t kSide = 28;

at::Tensor matrix(const float* data, int64_t rows, int64_t columns) {
  return at::from_blob(const_cast<float*>(data), {rows, columns}, at::kFloat);
}

double accuracy(const at::Tensor& scores, const std::vector<int64_t>& labels) {
  const at::Tensor best = scores.argmax(1).contiguous();
  int64_t right = 0;
  for (size_t n = 0; n < labels.size(); ++n) right += best.data_ptr<int64_t>()[n] == labels[n];
  return double(right) / double(labels.size());
}

}  // namespace

at::Tensor shrunk(const Images& images, int64_t side) {
  // How much of pixel j of a row lies in cell i of the smaller one, in parts of the cell.
  at::Tensor part = at::zeros({side, kSide}, at::kFloat);
  const double cell = double(kSide) / double(side);
  for (int64_t i = 0; i < side; ++i)
    for (int64_t j = 0; j < kSide; ++j)
      part.data_ptr<float>()[i * kSide + j] =
          float(std::max(0.0, std::min((double(i) + 1) * cell, double(j) + 1) -
                                  std::max(double(i) * cell, double(j))) /
                cell);
  at::Tensor out = at::empty({images.count, side * side}, at::kFloat);
  for (int64_t n = 0; n < images.count; ++n) {
    const at::Tensor image = matrix(images.pixels.data() + n * kPixels, kSide, kSide);
    out.select(0, n).copy_(at::mm(at::mm(part, image), part.t()).flatten());
  }
  return out;
}

Images first_of_each(const Images& images, const TaskName& task, int64_t per_class) {
  std::vector<int64_t> left(size_t(task.classes()), per_class);
  Images out;
  for (int64_t n = 0; n < images.count; ++n) {
    int64_t& wanted = left[size_t(task.label(images.labels[size_t(n)]))];
    if (wanted == 0) continue;
    --wanted;
    ++out.count;
    const float* pixels = images.pixels.data() + n * kPixels;
    out.pixels.insert(out.pixels.end(), pixels, pixels + kPixels);
    out.labels.push_back(images.labels[size_t(n)]);
  }
  for (size_t k = 0; k < left.size(); ++k)
    if (left[k] > 0)
      throw DataError(fmt::format("{}: found {} images of class {}, expected {}", task.name,
                                  per_class - left[k], k, per_class));
  return out;
}

at::Tensor bias_kernel(const at::Tensor& z, const at::Tensor& readout) {
  const at::NoGradGuard no_gradient;
  const int64_t n = z.size(0), units = z.size(1), classes = readout.size(0), rows = n * classes;
  at::Tensor kernel = at::zeros({rows, rows}, at::kDouble);
  for (int64_t first = 0; first < units; first += kTile) {
    const int64_t count = std::min(kTile, units - first);
    const at::Tensor mask = z.narrow(1, first, count).gt(0).to(at::kDouble),
                     weights = readout.narrow(1, first, count).to(at::kDouble);
    const at::Tensor part =
        (mask.unsqueeze(1) * weights.unsqueeze(0)).reshape({rows, count});  // the Jacobian's tile
    kernel.addmm_(part, part.t());
  }
  const at::Tensor same =
      at::eye(classes, kernel.options()).unsqueeze(0).unsqueeze(2).expand({n, classes, n, classes});
  kernel += same.reshape({rows, rows});
  return kernel;
}

NtkSolution solve_ntk(const RandomWeights& weights, int64_t classes, const at::Tensor& train,
                      const std::vector<int64_t>& train_labels, const at::Tensor& test,
                      const std::vector<int64_t>& test_labels) {
  const at::NoGradGuard no_gradient;
  const int64_t n = train.size(0), units = weights.spec.hidden;
  const at::Tensor input = matrix(weights.input(), units, weights.spec.inputs),
                   readout = matrix(weights.readout(), classes, units);
  const at::Tensor z = at::mm(train, input.t()), z_test = at::mm(test, input.t());
  const at::Tensor f = at::mm(at::relu(z), readout.t()).to(at::kDouble),
                   f_test = at::mm(at::relu(z_test), readout.t()).to(at::kDouble);
  at::Tensor residual = at::full({n, classes}, -1.0, at::kDouble);
  for (int64_t p = 0; p < n; ++p)
    residual.data_ptr<double>()[p * classes + train_labels[size_t(p)]] = 1;
  residual -= f;

  at::Tensor kernel = bias_kernel(z, readout);
  using Matrix = Eigen::Matrix<double, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;
  Eigen::Map<Matrix> k(kernel.data_ptr<double>(), n * classes, n * classes);
  k.diagonal().array() += kRidge;
  Eigen::LLT<Eigen::Ref<Matrix>> factors(k);  // in place
  if (factors.info() != Eigen::Success)
    throw NumericError("--solver ntk: the kernel is not positive definite");
  at::Tensor a = residual.clone();
  Eigen::Map<Eigen::VectorXd> solution(a.data_ptr<double>(), n * classes);
  factors.solveInPlace(solution);

  // delta b = sum_pk a_pk m_p W2_k
  const at::Tensor delta_b = at::zeros({units}, at::kDouble), delta_c = a.sum(0).contiguous();
  at::Tensor linear = f + delta_c, linear_test = f_test + delta_c;
  for (int64_t first = 0; first < units; first += kTile) {
    const int64_t count = std::min(kTile, units - first);
    const at::Tensor mask = z.narrow(1, first, count).gt(0).to(at::kDouble),
                     mask_test = z_test.narrow(1, first, count).gt(0).to(at::kDouble),
                     w = readout.narrow(1, first, count).to(at::kDouble);
    const at::Tensor b = (at::mm(a, w) * mask).sum(0);
    delta_b.narrow(0, first, count).copy_(b);
    linear.addmm_(mask * b, w.t());
    linear_test.addmm_(mask_test * b, w.t());
  }
  const at::Tensor in_network =
      at::mm(at::relu(z_test.to(at::kDouble) + delta_b), readout.t().to(at::kDouble)) + delta_c;
  NtkSolution out;
  out.bias.assign(delta_b.data_ptr<double>(), delta_b.data_ptr<double>() + units);
  out.output_bias.assign(delta_c.data_ptr<double>(), delta_c.data_ptr<double>() + classes);
  out.train_accuracy = accuracy(linear, train_labels);
  out.test_accuracy = accuracy(linear_test, test_labels);
  out.network_accuracy = accuracy(in_network, test_labels);
  out.largest_bias = delta_b.abs().max().item<double>();
  return out;
}

}  // namespace tenfold::bias_learning
