// What the tests of the scans share: tensors from values, distances, threads.
#pragma once

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/cat.h>
#include <ATen/ops/equal.h>
#include <ATen/ops/tensor.h>
#include <torch/csrc/autograd/autograd.h>

#include <vector>

#include "common/kernels/scan_cases.h"

namespace tenfold::kernels {

using Tensors = std::vector<at::Tensor>;

inline at::Tensor tensor_of(const Doubles& values, const std::vector<int64_t>& shape,
                            at::ScalarType type) {
  return at::tensor(values, at::kDouble).view(shape).to(type);
}

inline double distance(const at::Tensor& found, const Doubles& expected) {
  const at::Tensor plain = found.detach().to(at::kCPU, at::kDouble).contiguous();
  const double* data = plain.data_ptr<double>();
  return distance(Doubles(data, data + plain.numel()), expected);
}

// The output, then its gradients in the inputs.
template <class Op>
Tensors with_gradients(const Op& op, Tensors inputs, const at::Tensor& grad) {
  for (at::Tensor& t : inputs) t = t.detach().set_requires_grad(true);
  const at::Tensor out = op(inputs);
  Tensors results = {out.detach()};
  for (const at::Tensor& g : torch::autograd::grad({out}, inputs, {grad})) results.push_back(g);
  return results;
}

inline bool same_bytes(const Tensors& a, const Tensors& b) {
  for (size_t i = 0; i < a.size(); ++i) {
    if (!at::equal(a[i], b[i])) return false;
  }
  return a.size() == b.size();
}

// The same values as the middle of wider rows, as a projection leaves them.
inline at::Tensor as_slice(const at::Tensor& t) {
  const int64_t last = t.dim() - 1;
  const at::Tensor wide = at::cat({t + 1, t, t - 1}, last);
  return wide.narrow(last, t.size(last), t.size(last));
}

// The same values, the last dimension not contiguous.
inline at::Tensor as_transposed(const at::Tensor& t) {
  return t.transpose(-1, -2).contiguous().transpose(-1, -2);
}

class Threads {
 public:
  explicit Threads(int n) : before_(at::get_num_threads()) { at::set_num_threads(n); }
  Threads(const Threads&) = delete;
  Threads& operator=(const Threads&) = delete;
  ~Threads() { at::set_num_threads(before_); }

 private:
  int before_;
};

}  // namespace tenfold::kernels
