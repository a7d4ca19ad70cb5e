#include "common/io/sha256.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

namespace tenfold::io {
namespace {

constexpr size_t kBlock = 64;

// The first 32 bits of the fractional parts of the cube roots of the first 64 primes.
constexpr uint32_t kRound[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2};

uint32_t turned(uint32_t x, int by) { return x >> by | x << (32 - by); }

uint32_t big_endian(const uint8_t* bytes) {
  uint32_t word = 0;
  std::memcpy(&word, bytes, sizeof word);
  return __builtin_bswap32(word);
}

void absorb(std::array<uint32_t, 8>& state, const uint8_t* block) {
  uint32_t w[64];
  for (int i = 0; i < 16; ++i) w[i] = big_endian(block + 4 * i);
  for (int i = 16; i < 64; ++i) {
    const uint32_t a = w[i - 15], b = w[i - 2];
    w[i] = w[i - 16] + w[i - 7] + (turned(a, 7) ^ turned(a, 18) ^ a >> 3) +
           (turned(b, 17) ^ turned(b, 19) ^ b >> 10);
  }
  auto [a, b, c, d, e, f, g, h] = state;
  for (int i = 0; i < 64; ++i) {
    const uint32_t one = h + (turned(e, 6) ^ turned(e, 11) ^ turned(e, 25)) + ((e & f) ^ (~e & g)) +
                         kRound[i] + w[i];
    const uint32_t two =
        (turned(a, 2) ^ turned(a, 13) ^ turned(a, 22)) + ((a & b) ^ (a & c) ^ (b & c));
    h = g, g = f, f = e, e = d + one;
    d = c, c = b, b = a, a = one + two;
  }
  const uint32_t sums[8] = {a, b, c, d, e, f, g, h};
  for (int i = 0; i < 8; ++i) state[i] += sums[i];
}

}  // namespace

Sha256& Sha256::add(const void* data, uint64_t size) {
  const auto* bytes = static_cast<const uint8_t*>(data);
  const size_t used = size_ % kBlock;
  size_ += size;
  if (used > 0) {
    const uint64_t taken = std::min<uint64_t>(size, kBlock - used);
    std::copy_n(bytes, taken, pending_.data() + used);
    if (used + taken < kBlock) return *this;
    absorb(state_, pending_.data());
    bytes += taken;
    size -= taken;
  }
  for (; size >= kBlock; size -= kBlock, bytes += kBlock) absorb(state_, bytes);
  std::copy_n(bytes, size, pending_.data());
  return *this;
}

std::string Sha256::hex() const {
  // A one bit, zeros, and the length in bits fill the last block or two.
  Sha256 last = *this;
  const uint8_t one = 0x80;
  last.add(&one, 1);
  const uint8_t zeros[kBlock] = {};
  last.add(zeros, (kBlock + kBlock - 8 - last.size_ % kBlock) % kBlock);
  const uint64_t bits = __builtin_bswap64(8 * size_);
  last.add(&bits, sizeof bits);
  std::string out;
  for (const uint32_t word : last.state_) out += fmt::format("{:08x}", word);
  return out;
}

}  // namespace tenfold::io
