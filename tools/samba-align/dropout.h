// Dropout whose draws are a function of a seed and a place.
#pragma once

#include <ATen/core/Tensor.h>

#include <array>
#include <cstdint>

#include "common/core/philox.h"

namespace tenfold::samba_align {

// The draws of one pass through a model: every layer that drops takes the next key.
class DropoutKeys {
 public:
  DropoutKeys(uint64_t seed, uint64_t pass) : stream_(seed, "dropout"), next_(pass * kLayers) {}

  std::array<uint32_t, 2> next() {
    const uint64_t place = next_++;
    return {stream_.bits32(2 * place), stream_.bits32(2 * place + 1)};
  }

 private:
  static constexpr uint64_t kLayers = 8;  // three, and between at most six of the decoder

  Stream stream_;
  uint64_t next_;
};

// x with each entry zero or over 1 - rate; the same tensor where the rate is 0.
at::Tensor dropped(const at::Tensor& x, double rate, const std::array<uint32_t, 2>& key);

}  // namespace tenfold::samba_align
