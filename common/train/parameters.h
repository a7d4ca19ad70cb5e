// The trainable tensors of one model: named as in the reference's state dict, initialised from the
// stream of their own name, and laid out in one flat vector, so that an optimiser step is one pass.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/core/philox.h"
#include "common/train/archive.h"

namespace tenfold::train {

struct Parameter {
  std::string name;
  at::Tensor value;  // a leaf that requires a gradient
  bool used = true;  // false: no output depends on it
};

class Parameters {
 public:
  explicit Parameters(uint64_t seed) : seed_(seed) {}

  // Fills [count] float32 from the parameter's own stream.
  using Init = std::function<void(const Stream&, float* out, int64_t count)>;
  static Init constant(float value);
  static Init uniform(double bound);  // U(-bound, bound)
  // U(+-sqrt(6 / (fan_in + fan_out))) and torch's default U(+-1 / sqrt(fan_in)).
  static Init xavier(int64_t fan_in, int64_t fan_out);
  static Init torch_default(int64_t fan_in);

  // A new float32 leaf on the CPU.
  at::Tensor add(const std::string& name, const std::vector<int64_t>& shape, const Init& init);

  // Tensors whose name begins with `prefix` reach no output (they are kept, counted and stored).
  void mark_unused(const std::string& prefix);

  // Moves all values into one vector on `device`, with gradients in another; the leaves stay valid.
  void flatten(at::Device device);

  const std::vector<Parameter>& all() const { return all_; }
  const at::Tensor& values() const { return values_; }      // [n]
  const at::Tensor& gradient() const { return gradient_; }  // [n]

  int64_t count(const std::string& prefix = "") const;  // entries of the tensors so called
  int64_t count_unused() const;
  void visit(Archive& archive, const std::string& prefix) const;

 private:
  uint64_t seed_;
  std::vector<Parameter> all_;
  at::Tensor values_, gradient_;
};

// Linear(in -> out) as torch initialises it: NAME.weight [out, in] and NAME.bias [out].
struct Linear {
  at::Tensor weight, bias;

  Linear() = default;
  Linear(Parameters& parameters, const std::string& name, int64_t in, int64_t out,
         bool with_bias = true);
  at::Tensor operator()(const at::Tensor& x) const;  // [..., in] -> [..., out]
};

}  // namespace tenfold::train
