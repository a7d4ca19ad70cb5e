// What the bench times: the model at the sizes of the paper, and at others.
#pragma once

#include <cstdint>

#include "tools/samba-align/ele_to_hemo.h"

namespace tenfold::samba_align {

struct BenchCase {
  ModelSpec spec;
  int64_t batch = 10;
};

// The paper's sizes (specification, section 9), or those of the preset small. `context_frames`
// of electrophysiology come before a window.
BenchCase bench_case(bool small, int64_t context_frames);
// The same as the released code has it: its correlation, attention of sum 1.
BenchCase reference_case(bool small, int64_t batch);

// Normally distributed recordings, complete graphs, and the draws of a teacher of 0.5.
Batch bench_batch(const BenchCase& c, uint64_t seed);

}  // namespace tenfold::samba_align
