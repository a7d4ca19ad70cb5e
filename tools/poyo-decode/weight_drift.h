// How far the weights of two models lie apart (specification, section 5, experiment 6: the frozen
// core of an identification must not have moved).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/poyo-decode/model.h"
#include "tools/poyo-decode/stored_run.h"

namespace tenfold::poyo_decode {

struct TensorDrift {
  std::string tensor;
  bool core = true;              // neither the unit nor the session table
  int64_t compared = 0;          // entries
  std::optional<double> cosine;  // none where one of them is zero
  // |a - b| / |b|; none where b is zero and a is not.
  std::optional<double> relative_change;
  double largest_change = 0;  // of an entry
};

// Every tensor of `a` against `b`; the tables by the ids that both know, and with no entry where
// there are none. Throws Mismatch naming a tensor of the core that b lacks or has in another shape.
std::vector<TensorDrift> weight_drift(const Model& a, const StoredRun& run_a, const Model& b,
                                      const StoredRun& run_b);

}  // namespace tenfold::poyo_decode
