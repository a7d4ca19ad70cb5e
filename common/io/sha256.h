// SHA-256 (FIPS 180-4), for digests that other programs can check.
#pragma once

#include <array>
#include <cstdint>
#include <string>

namespace tenfold::io {

class Sha256 {
 public:
  Sha256& add(const void* data, uint64_t size);
  std::string hex() const;  // of all that was added, 64 lower-case digits

 private:
  std::array<uint32_t, 8> state_{0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                 0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  std::array<uint8_t, 64> pending_{};  // the first size_ % 64 bytes are in use
  uint64_t size_ = 0;
};

}  // namespace tenfold::io
