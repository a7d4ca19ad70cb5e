// The parts of a training step one by one, for the bench.
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "tools/samba-align/bench_cases.h"

namespace tenfold::samba_align {

// The model's haemodynamic responses, [parcels, taps].
at::Tensor responses_of(const EleToHemo& model);

struct Part {
  std::string name, direction;  // forward, or backward: gradients of inputs and weights
  std::function<void()> body;
};

class Parts {
 public:
  Parts(const BenchCase& c, uint64_t seed);
  const std::vector<Part>& all() const { return all_; }

 private:
  // `forward` reads leaves and gives one output.
  void add(const std::string& name, const std::function<at::Tensor()>& forward);

  EleToHemo model_;
  std::vector<Part> all_;
};

}  // namespace tenfold::samba_align
