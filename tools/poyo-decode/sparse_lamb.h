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
};

// What a step depends on beside the gradient.
struct LambStep {
  double lr = 0, embedding_lr = 0;  // of the core, of the unit and session tables
  double beta1 = 0.9;
};

class SparseLamb {
 public:
  // For tensors that stay where they are. Tables are those whose name begins with unit_emb. or
  // session_emb.
  SparseLamb(const train::Parameters& parameters, const LambOptions& options);

  // One update of every tensor from its gradient. In sparse mode rows of a
  // table without a gradient stay as they are, and their moments become 0, while the trust ratio is
  // that of the whole table: the reference does so.
  void step(const LambStep& step);

  void visit_state(train::Archive& archive, const std::string& prefix);

 private:
  struct Entry {
    train::Parameter parameter;
    bool table = false;
    int64_t first = 0;  // of its moments
  };

  void update(const Entry& e, const LambStep& step);

  LambOptions options_;
  std::vector<Entry> entries_;
  at::Tensor first_, second_;     // [n] moments
  std::vector<float> direction_;  // of one tensor
  int64_t steps_ = 0;
};

}  // namespace tenfold::poyo_decode
