#include "tools/poyo-decode/sparse_lamb.h"

#include <ATen/ops/linalg_vector_norm.h>
#include <ATen/ops/scalar_tensor.h>
#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

#include "tools/poyo-decode/lamb_operators.h"
#include "tools/poyo-decode/model.h"

namespace tenfold::poyo_decode {
namespace {

double norm_of(const float* x, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += double(x[i]) * x[i];
  return std::sqrt(sum);
}

double norm_of(const at::Tensor& x) {
  return at::linalg_vector_norm(x.detach().flatten(), 2, at::OptionalIntArrayRef(), false,
                                at::kDouble)
      .item<double>();
}

}  // namespace

SparseLamb::SparseLamb(const train::Parameters& parameters, const LambOptions& options)
    : options_(options) {
  int64_t first = 0, largest = 0;
  for (const train::Parameter& p : parameters.all()) {
    const bool table = is_table(p.name);
    entries_.push_back({p, table, first, norm_of(p.value), {}});
    first += p.value.numel();
    largest = std::max(largest, p.value.numel());
  }
  const auto like = entries_[0].parameter.value.options().requires_grad(false);
  first_ = at::zeros({first}, like);
  second_ = at::zeros({first}, like);
  direction_.resize(size_t(largest));
}

void SparseLamb::step(const LambStep& step) {
  ++table_steps_;
  if (!step.core_frozen) ++core_steps_;
  for (Entry& e : entries_)
    if (e.table || !step.core_frozen) update(e, step);
}

void SparseLamb::update_by_operators(Entry& e, const LambStep& step) {
  const at::Tensor& p = e.parameter.value;
  LambUpdate u;
  u.lr = e.table ? step.embedding_lr : step.lr;
  u.beta1 = step.beta1;
  u.beta2 = options_.beta2;
  u.eps = options_.eps;
  u.weight_decay = options_.weight_decay;
  u.norm_limit = options_.norm_limit;
  u.by_trust = options_.rule != Rule::kAdamW;
  u.sparse = e.table && options_.rule == Rule::kSparseLamb;
  if (!u.by_trust) {
    const double steps = double(e.table ? table_steps_ : core_steps_);
    u.scale1 = 1 / (1 - std::pow(step.beta1, steps));
    u.scale2 = 1 / std::sqrt(1 - std::pow(options_.beta2, steps));
  }
  const auto moments = [&](const at::Tensor& all) {
    return all.narrow(0, e.first, p.numel()).view(p.sizes());
  };
  e.trust = lamb_update(p, p.grad(), moments(first_), moments(second_), u);
}

void SparseLamb::update(Entry& e, const LambStep& step) {
  if (options_.by_operators || !e.parameter.value.is_cpu()) return update_by_operators(e, step);
  const bool sparse = e.table && options_.rule == Rule::kSparseLamb;
  const bool adamw = options_.rule == Rule::kAdamW;
  const int64_t n = e.parameter.value.numel(), width = e.table ? e.parameter.value.size(1) : n;
  float* p = e.parameter.value.data_ptr<float>();
  const float* g = e.parameter.value.grad().data_ptr<float>();
  float *m = first_.data_ptr<float>() + e.first, *v = second_.data_ptr<float>() + e.first;
  const float b1 = float(step.beta1), b2 = float(options_.beta2), eps = float(options_.eps),
              decay = float(options_.weight_decay);
  const double steps = double(e.table ? table_steps_ : core_steps_);
  const double correct1 = adamw ? 1 - std::pow(step.beta1, steps) : 1,
               correct2 = adamw ? 1 - std::pow(options_.beta2, steps) : 1;
  const float scale1 = float(1 / correct1), scale2 = float(1 / std::sqrt(correct2));
  std::vector<bool> present(size_t(n / width), true);
  for (int64_t row = 0; row < n / width; ++row) {
    const int64_t first = row * width;
    if (sparse) {
      present[size_t(row)] =
          std::any_of(g + first, g + first + width, [](float x) { return x != 0; });
    }
    const bool here = present[size_t(row)];
    for (int64_t i = first; i < first + width; ++i) {
      m[i] = here ? b1 * m[i] + (1 - b1) * g[i] : 0.0f;
      v[i] = here ? b2 * v[i] + (1 - b2) * g[i] * g[i] : 0.0f;
      direction_[size_t(i)] = scale1 * m[i] / (std::sqrt(v[i]) * scale2 + eps) + decay * p[i];
    }
  }
  const double norm = norm_of(p, n), length = norm_of(direction_.data(), n);
  double trust = 1;
  if (!adamw && norm > 0 && length > 0) trust = std::min(norm, options_.norm_limit) / length;
  e.trust = at::scalar_tensor(trust, at::TensorOptions().dtype(at::kDouble));
  const float rate = float((e.table ? step.embedding_lr : step.lr) * trust);
  for (int64_t row = 0; row < n / width; ++row) {
    if (!present[size_t(row)]) continue;
    for (int64_t i = row * width; i < (row + 1) * width; ++i) p[i] -= rate * direction_[size_t(i)];
  }
}

std::vector<TensorState> SparseLamb::tensors() const {
  std::vector<TensorState> all;
  for (const Entry& e : entries_) {
    const at::Tensor& p = e.parameter.value;
    if (e.trust.defined()) all.push_back({e.parameter.name, norm_of(p), e.trust.item<double>()});
  }
  return all;
}

std::vector<std::string> SparseLamb::collapsed() const {
  constexpr double kFall = 100;
  std::vector<std::string> names;
  for (const Entry& e : entries_) {
    const at::Tensor& p = e.parameter.value;
    if (!e.table && p.dim() == 2 && norm_of(p) * kFall < e.norm_at_first)
      names.push_back(e.parameter.name);
  }
  return names;
}

void SparseLamb::visit_state(train::Archive& archive, const std::string& prefix) {
  archive.tensor(prefix + "first_moments", first_);
  archive.tensor(prefix + "second_moments", second_);
  archive.number(prefix + "core_steps", core_steps_);
  archive.number(prefix + "table_steps", table_steps_);
}

}  // namespace tenfold::poyo_decode
