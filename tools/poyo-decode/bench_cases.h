// What the bench times: models of the specification (section 9) on batches of given sizes.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/poyo-decode/model.h"

namespace tenfold::poyo_decode {

const std::vector<std::string> kBenchModels = {"1.3m", "302k"};

struct BenchCase {
  std::string model;
  ModelSpec spec;
  int64_t windows = 32, units = 40, sessions = 7, queries = 104;
  int64_t spikes = 528;  // a window; with two delimiters a unit they make 608 tokens
  // The reference's forward pass and forward with backward pass, seconds; 0: not published.
  double reference_forward_s = 0, reference_step_s = 0;

  int64_t tokens() const { return spikes + 2 * units; }
  std::string name() const;  // MODEL/SPIKES/SESSIONS
};

BenchCase bench_case(const std::string& model);

// Spikes uniform in time and unit; every window shows all units of its session.
TokenBatch bench_batch(const BenchCase& c, uint64_t seed);

// Multiplications and additions of the matrix products that the model needs; the way back needs
// twice as many. What our way back computes again is not counted.
double forward_flops(const BenchCase& c);

}  // namespace tenfold::poyo_decode
