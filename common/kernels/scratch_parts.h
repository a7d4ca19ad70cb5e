// One thread's memory for what a kernel keeps in the cache. Compiled once for every instruction
// set.
#pragma once

#include <stddef.h>

#include <vector>

#include "common/kernels/small_product.h"

namespace tenfold::kernels::TENFOLD_ISA {

// Parts of one thread's memory, one after the other.
class ScratchParts {
 public:
  explicit ScratchParts(std::vector<float>& memory) : memory_(memory) {}

  // Twice the same calls of `take`: the first time they only count.
  template <class Take>
  void lay_out(const Take& take) {
    take(*this);
    if (memory_.size() < size_t(used_ + kLine)) memory_.resize(size_t(used_ + kLine));
    const auto past = reinterpret_cast<uintptr_t>(memory_.data()) / sizeof(float) % kLine;
    base_ = memory_.data() + (kLine - past);
    used_ = 0;
    take(*this);
  }
  float* take(int64_t count) {
    float* here = base_ == nullptr ? nullptr : base_ + used_;
    used_ += round_up(count, kLine);
    return here;
  }
  uint32_t* take_words(int64_t count) { return reinterpret_cast<uint32_t*>(take(count)); }
  Panels panels(int64_t depth, int64_t columns) {
    return {take(Panels::floats(depth, columns)), depth, columns};
  }

 private:
  static constexpr int64_t kLine = 16;  // floats of a line of the cache

  std::vector<float>& memory_;
  float* base_ = nullptr;
  int64_t used_ = 0;
};

static std::vector<float>& thread_scratch() {
  static thread_local std::vector<float> scratch;
  return scratch;
}

}  // namespace tenfold::kernels::TENFOLD_ISA
