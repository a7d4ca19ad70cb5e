// The kernels of a step alone, and the oracle of the HMM task, ready to be called.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "tools/prequential-icl/bench_cases.h"

namespace tenfold::prequential_icl {

struct KernelCall {
  std::string kernel, shape, direction;  // "forward", or "both" with the way back
  double elements;                       // what the time is divided by
  std::function<void()> call;            // owns its operands
};

// attention: elements are the pairs of a query and a key that it sees, over all heads.
// selective-scan, ssd-scan: elements are the channels times the state, over all tokens.
std::vector<KernelCall> kernel_calls(const std::string& kernel, const std::string& shape,
                                     uint64_t seed);

// Exact Bayes on one sequence of 200 observations, small sizes; elements are the observations.
KernelCall oracle_call(uint64_t seed);

}  // namespace tenfold::prequential_icl
