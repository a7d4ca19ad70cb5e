#include "tools/poyo-decode/weight_drift.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "common/core/error.h"

namespace tenfold::poyo_decode {
namespace {

class Comparison {
 public:
  void add(const float* a, const float* b, int64_t count) {
    for (int64_t i = 0; i < count; ++i) {
      const double x = a[i], y = b[i];
      product_ += x * y;
      a_squares_ += x * x;
      b_squares_ += y * y;
      change_squares_ += (x - y) * (x - y);
      largest_ = std::max(largest_, std::abs(x - y));
    }
    compared_ += count;
  }

  TensorDrift result(const std::string& name, bool core) const {
    TensorDrift d;
    d.tensor = name;
    d.core = core;
    d.compared = compared_;
    d.largest_change = largest_;
    if (compared_ == 0) return d;
    if (a_squares_ > 0 && b_squares_ > 0) {
      // Equal tensors have exactly 1, which the two square roots may miss.
      d.cosine = largest_ == 0 ? 1 : product_ / std::sqrt(a_squares_) / std::sqrt(b_squares_);
    }
    if (b_squares_ > 0) d.relative_change = std::sqrt(change_squares_ / b_squares_);
    if (b_squares_ == 0 && change_squares_ == 0) d.relative_change = 0;
    return d;
  }

 private:
  double product_ = 0, a_squares_ = 0, b_squares_ = 0, change_squares_ = 0, largest_ = 0;
  int64_t compared_ = 0;
};

const at::Tensor& tensor_of(const Model& model, const std::string& name) {
  for (const train::Parameter& p : model.parameters().all())
    if (p.name == name) return p.value;
  throw Mismatch(fmt::format("--against: found no tensor {}", name));
}

void add_known_rows(const at::Tensor& a, const Vocabulary& ids_a, const at::Tensor& b,
                    const Vocabulary& ids_b, Comparison& out) {
  if (a.size(1) != b.size(1)) return;
  for (const std::string& id : ids_a.ids()) {
    if (!ids_b.has(id)) continue;
    out.add(a.data_ptr<float>() + ids_a.row(id) * a.size(1),
            b.data_ptr<float>() + ids_b.row(id) * b.size(1), a.size(1));
  }
}

}  // namespace

std::vector<TensorDrift> weight_drift(const Model& a, const StoredRun& run_a, const Model& b,
                                      const StoredRun& run_b) {
  std::vector<TensorDrift> all;
  for (const train::Parameter& p : a.parameters().all()) {
    const at::Tensor& other = tensor_of(b, p.name);
    const bool units = p.name == "unit_emb.weight", sessions = p.name == "session_emb.weight";
    Comparison comparison;
    if (units) {
      add_known_rows(p.value, run_a.units, other, run_b.units, comparison);
    } else if (sessions) {
      add_known_rows(p.value, run_a.sessions, other, run_b.sessions, comparison);
    } else if (p.value.sizes() != other.sizes()) {
      throw Mismatch(fmt::format("--against: {}: found shape [{}], expected [{}]", p.name,
                                 fmt::join(other.sizes().vec(), ", "),
                                 fmt::join(p.value.sizes().vec(), ", ")));
    } else {
      comparison.add(p.value.data_ptr<float>(), other.data_ptr<float>(), p.value.numel());
    }
    all.push_back(comparison.result(p.name, !units && !sessions));
  }
  return all;
}

}  // namespace tenfold::poyo_decode
