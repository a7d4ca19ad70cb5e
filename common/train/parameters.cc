#include "common/train/parameters.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/linear.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

namespace tenfold::train {
namespace {

bool begins_with(const std::string& text, const std::string& prefix) {
  return text.compare(0, prefix.size(), prefix) == 0;
}

}  // namespace

Parameters::Init Parameters::constant(float value) {
  return [value](const Stream&, float* out, int64_t count) { std::fill(out, out + count, value); };
}

Parameters::Init Parameters::uniform(double bound) {
  return [bound](const Stream& stream, float* out, int64_t count) {
    stream.fill_uniform(out, count, -bound, bound);
  };
}

Parameters::Init Parameters::xavier(int64_t fan_in, int64_t fan_out) {
  return uniform(std::sqrt(6.0 / double(fan_in + fan_out)));
}

Parameters::Init Parameters::torch_default(int64_t fan_in) {
  return uniform(1.0 / std::sqrt(double(std::max<int64_t>(fan_in, 1))));
}

at::Tensor Parameters::add(const std::string& name, const std::vector<int64_t>& shape,
                           const Init& init) {
  at::Tensor value = at::empty(shape, at::TensorOptions().dtype(at::kFloat));
  init(Stream(seed_, "init/" + name), value.data_ptr<float>(), value.numel());
  value.set_requires_grad(true);
  all_.push_back({name, value});
  return value;
}

void Parameters::mark_unused(const std::string& prefix) {
  for (Parameter& p : all_) p.used = p.used && !begins_with(p.name, prefix);
}

void Parameters::flatten(at::Device device) {
  const at::NoGradGuard guard;
  const auto like = at::TensorOptions().dtype(at::kFloat).device(device);
  values_ = at::empty({count()}, like);
  gradient_ = at::zeros({count()}, like);
  int64_t first = 0;
  for (Parameter& p : all_) {
    const int64_t n = p.value.numel();
    const at::Tensor view = values_.narrow(0, first, n).view(p.value.sizes());
    view.copy_(p.value);
    p.value.set_data(view);
    p.value.mutable_grad() = gradient_.narrow(0, first, n).view(p.value.sizes());
    first += n;
  }
}

int64_t Parameters::count(const std::string& prefix) const {
  int64_t n = 0;
  for (const Parameter& p : all_) n += begins_with(p.name, prefix) ? p.value.numel() : 0;
  return n;
}

int64_t Parameters::count_unused() const {
  int64_t n = 0;
  for (const Parameter& p : all_) n += p.used ? 0 : p.value.numel();
  return n;
}

void Parameters::visit(Archive& archive, const std::string& prefix) const {
  for (const Parameter& p : all_) archive.weight(prefix + p.name, p.value.detach());
}

Linear::Linear(Parameters& parameters, const std::string& name, int64_t in, int64_t out,
               bool with_bias)
    : weight(parameters.add(name + ".weight", {out, in}, Parameters::torch_default(in))) {
  if (with_bias) bias = parameters.add(name + ".bias", {out}, Parameters::torch_default(in));
}

at::Tensor Linear::operator()(const at::Tensor& x) const {
  return bias.defined() ? at::linear(x, weight, bias) : at::linear(x, weight);
}

}  // namespace tenfold::train
