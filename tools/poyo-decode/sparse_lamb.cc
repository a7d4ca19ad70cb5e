#include "tools/poyo-decode/sparse_lamb.h"

#include <ATen/ops/zeros.h>

#include <algorithm>
#include <cmath>

namespace tenfold::poyo_decode {
namespace {

double norm_of(const float* x, int64_t n) {
  double sum = 0;
  for (int64_t i = 0; i < n; ++i) sum += double(x[i]) * x[i];
  return std::sqrt(sum);
}

bool begins_with(const std::string& text, const char* prefix) { return text.rfind(prefix, 0) == 0; }

}  // namespace

SparseLamb::SparseLamb(const train::Parameters& parameters, const LambOptions& options)
    : options_(options) {
  int64_t first = 0, largest = 0;
  for (const train::Parameter& p : parameters.all()) {
    const bool table = begins_with(p.name, "unit_emb.") || begins_with(p.name, "session_emb.");
    entries_.push_back({p, table, first});
    first += p.value.numel();
    largest = std::max(largest, p.value.numel());
  }
  first_ = at::zeros({first}, at::TensorOptions().dtype(at::kFloat));
  second_ = at::zeros({first}, at::TensorOptions().dtype(at::kFloat));
  direction_.resize(size_t(largest));
}

void SparseLamb::step(const LambStep& step) {
  ++steps_;
  for (const Entry& e : entries_) update(e, step);
}

void SparseLamb::update(const Entry& e, const LambStep& step) {
  const bool sparse = e.table && options_.rule == Rule::kSparseLamb;
  const bool adamw = options_.rule == Rule::kAdamW;
  const int64_t n = e.parameter.value.numel(), width = e.table ? e.parameter.value.size(1) : n;
  float* p = e.parameter.value.data_ptr<float>();
  const float* g = e.parameter.value.grad().data_ptr<float>();
  float *m = first_.data_ptr<float>() + e.first, *v = second_.data_ptr<float>() + e.first;
  const float b1 = float(step.beta1), b2 = float(options_.beta2), eps = float(options_.eps),
              decay = float(options_.weight_decay);
  const double correct1 = adamw ? 1 - std::pow(step.beta1, double(steps_)) : 1,
               correct2 = adamw ? 1 - std::pow(options_.beta2, double(steps_)) : 1;
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
  const float rate = float((e.table ? step.embedding_lr : step.lr) * trust);
  for (int64_t row = 0; row < n / width; ++row) {
    if (!present[size_t(row)]) continue;
    for (int64_t i = row * width; i < (row + 1) * width; ++i) p[i] -= rate * direction_[size_t(i)];
  }
}

void SparseLamb::visit_state(train::Archive& archive, const std::string& prefix) {
  archive.tensor(prefix + "first_moments", first_);
  archive.tensor(prefix + "second_moments", second_);
  archive.number(prefix + "steps", steps_);
}

}  // namespace tenfold::poyo_decode
