// One table of functions for each instruction set; internal to rotary_attention.
#pragma once

#include "common/kernels/rotary_attention.h"

namespace tenfold::kernels {

struct RotaryTable {
  decltype(&rotary_attention) forward;
  decltype(&rotary_attention_backward) backward;
};

extern const RotaryTable kRotaryAvx2, kRotaryAvx512;

}  // namespace tenfold::kernels
