// LAMB (You et al. 2020) without bias correction, with the reference's sparse mode for embedding
// tables (specification, section 4).
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "common/train/archive.h"
#include "common/train/parameters.h"

namespace tenfold::poyo_decode {

enum class Rule { kSparseLamb, kLamb, kAdamW };

struct LambOptions {
  Rule rule = Rule::kSparseLamb;
  double beta2 = 0.999, eps = 1e-6, weight_decay = 1e-4;
  double norm_limit = 10;  // of a tensor's norm in its trust ratio
  // By ATen operators (lamb_operators.h), as tensors of a device always are.
  bool by_operators = false;
};

// What a step depends on beside the gradient.
struct LambStep {
  double lr = 0, embedding_lr = 0;  // of the core, of the unit and session tables
  double beta1 = 0.9;
  bool core_frozen = false;  // only the tables learn; the core decays not and keeps no moments
};

// How a tensor fares.
struct TensorState {
  std::string name;
  double norm = 0;   // Euclidean, now
  double trust = 0;  // ratio of the last update
};

class SparseLamb {
 public:
  // For tensors that stay where they are.
  SparseLamb(const train::Parameters& parameters, const LambOptions& options);

  // One update of every tensor from its gradient. In sparse mode rows of a
  // table without a gradient stay as they are, and their moments become 0, while the trust ratio is
  // that of the whole table: the reference does so.
  void step(const LambStep& step);

  // Of the tensors that were updated since the beginning or a resume.
  std::vector<TensorState> tensors() const;

  // Matrices of the core whose norm is less than a hundredth of what it was at first (seen with the
  // reference's toolchain: R2 is then about 0).
  std::vector<std::string> collapsed() const;

  void visit_state(train::Archive& archive, const std::string& prefix);

 private:
  struct Entry {
    train::Parameter parameter;
    bool table = false;
    int64_t first = 0;  // of its moments
    double norm_at_first = 0;
    at::Tensor trust;  // ratio of the last update, where there was one
  };

  void update(Entry& e, const LambStep& step);
  void update_by_operators(Entry& e, const LambStep& step);

  LambOptions options_;
  std::vector<Entry> entries_;
  at::Tensor first_, second_;     // [n] moments
  std::vector<float> direction_;  // of one tensor
  int64_t core_steps_ = 0, table_steps_ = 0;
};

}  // namespace tenfold::poyo_decode
