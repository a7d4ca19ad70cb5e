#include "common/core/philox.h"

#include <algorithm>
#include <cmath>
#include <numeric>

namespace tenfold {
namespace {

constexpr uint32_t kMultiplier0 = 0xD2511F53, kMultiplier1 = 0xCD9E8D57;
constexpr uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;
constexpr double kTwoPi = 6.283185307179586476925286766559;

// The finaliser of splitmix64: a bijection that spreads every input bit.
uint64_t mix(uint64_t z) {
  z = (z ^ (z >> 30)) * 0xBF58476D1CE4E5B9ull;
  z = (z ^ (z >> 27)) * 0x94D049BB133111EBull;
  return z ^ (z >> 31);
}

// FNV-1a over the name, mixed with the seed.
uint64_t key_of(uint64_t seed, std::string_view name) {
  uint64_t h = 0xCBF29CE484222325ull;
  for (unsigned char c : name) h = (h ^ c) * 0x100000001B3ull;
  return mix(h + mix(seed + 0x9E3779B97F4A7C15ull));
}

// Box-Muller of the words of one block.
double normal_of(uint32_t b0, uint32_t b1, uint32_t b2, uint32_t b3) {
  const uint64_t r = static_cast<uint64_t>(b1) << 32 | b0;
  const uint64_t t = static_cast<uint64_t>(b3) << 32 | b2;
  const double radius_uniform = (static_cast<double>(r >> 11) + 1.0) * 0x1.0p-53;  // (0, 1]
  const double angle = kTwoPi * static_cast<double>(t >> 11) * 0x1.0p-53;
  return std::sqrt(-2.0 * std::log(radius_uniform)) * std::cos(angle);
}

}  // namespace

std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> c, std::array<uint32_t, 2> k) {
  uint32_t c0 = c[0], c1 = c[1], c2 = c[2], c3 = c[3];
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = static_cast<uint64_t>(kMultiplier0) * c0;
    const uint64_t p1 = static_cast<uint64_t>(kMultiplier1) * c2;
    c0 = static_cast<uint32_t>(p1 >> 32) ^ c1 ^ k[0];
    c1 = static_cast<uint32_t>(p1);
    c2 = static_cast<uint32_t>(p0 >> 32) ^ c3 ^ k[1];
    c3 = static_cast<uint32_t>(p0);
    k[0] += kWeyl0;
    k[1] += kWeyl1;
  }
  return {c0, c1, c2, c3};
}

Stream::Stream(uint64_t seed, std::string_view name, uint64_t substream) : high_(substream) {
  const uint64_t key = key_of(seed, name);
  key_ = {static_cast<uint32_t>(key), static_cast<uint32_t>(key >> 32)};
}

std::array<uint32_t, 4> Stream::block(uint64_t index) const {
  return philox4x32({static_cast<uint32_t>(index), static_cast<uint32_t>(index >> 32),
                     static_cast<uint32_t>(high_), static_cast<uint32_t>(high_ >> 32)},
                    key_);
}

void Stream::blocks(uint64_t index, Blocks& word) const {
  for (int i = 0; i < kTogether; ++i) {
    word[0][i] = static_cast<uint32_t>(index + i);
    word[1][i] = static_cast<uint32_t>((index + i) >> 32);
    word[2][i] = static_cast<uint32_t>(high_);
    word[3][i] = static_cast<uint32_t>(high_ >> 32);
  }
  std::array<uint32_t, 2> k = key_;
  for (int round = 0; round < 10; ++round) {
    for (int i = 0; i < kTogether; ++i) {
      const uint64_t p0 = static_cast<uint64_t>(kMultiplier0) * word[0][i];
      const uint64_t p1 = static_cast<uint64_t>(kMultiplier1) * word[2][i];
      word[0][i] = static_cast<uint32_t>(p1 >> 32) ^ word[1][i] ^ k[0];
      word[1][i] = static_cast<uint32_t>(p1);
      word[2][i] = static_cast<uint32_t>(p0 >> 32) ^ word[3][i] ^ k[1];
      word[3][i] = static_cast<uint32_t>(p0);
    }
    k[0] += kWeyl0;
    k[1] += kWeyl1;
  }
}

void Stream::normals(uint64_t first, int64_t count, double* out) const {
  Blocks word;
  for (int64_t i = 0; i < count; i += kTogether) {
    blocks(first + static_cast<uint64_t>(i), word);
    const int64_t here = std::min<int64_t>(kTogether, count - i);
    for (int64_t j = 0; j < here; ++j)
      out[i + j] = normal_of(word[0][j], word[1][j], word[2][j], word[3][j]);
  }
}

uint32_t Stream::bits32(uint64_t index) const { return block(index)[0]; }

uint64_t Stream::bits64(uint64_t index) const {
  const auto b = block(index);
  return static_cast<uint64_t>(b[1]) << 32 | b[0];
}

double Stream::uniform(uint64_t index) const {
  return static_cast<double>(bits64(index) >> 11) * 0x1.0p-53;
}

double Stream::normal(uint64_t index) const {
  const auto b = block(index);
  return normal_of(b[0], b[1], b[2], b[3]);
}

uint64_t Stream::below(uint64_t index, uint64_t n) const {
  // Lemire's multiplication; a 128-bit draw leaves a bias below 2^-64 for any n.
  const auto b = block(index);
  const uint64_t high = static_cast<uint64_t>(b[1]) << 32 | b[0];
  const uint64_t low = static_cast<uint64_t>(b[3]) << 32 | b[2];
  const auto product_low = static_cast<unsigned __int128>(low) * n;
  const auto product = static_cast<unsigned __int128>(high) * n + (product_low >> 64);
  return static_cast<uint64_t>(product >> 64);
}

std::vector<int64_t> Stream::permutation(int64_t n) const {
  std::vector<int64_t> order(n);
  std::iota(order.begin(), order.end(), int64_t{0});
  for (int64_t i = n - 1; i > 0; --i) {
    std::swap(order[i], order[below(static_cast<uint64_t>(i), static_cast<uint64_t>(i) + 1)]);
  }
  return order;
}

std::vector<int64_t> Stream::sample_sorted(int64_t n, int64_t count) const {
  std::vector<int64_t> order(n);
  std::iota(order.begin(), order.end(), int64_t{0});
  for (int64_t i = 0; i < count; ++i) {
    const uint64_t left = static_cast<uint64_t>(n - i);
    std::swap(order[i], order[i + below(static_cast<uint64_t>(i), left)]);
  }
  order.resize(count);
  std::sort(order.begin(), order.end());
  return order;
}

void Stream::fill_uniform(float* out, int64_t count, double low, double high) const {
  for (int64_t i = 0; i < count; ++i) {
    out[i] = static_cast<float>(low + (high - low) * uniform(static_cast<uint64_t>(i)));
  }
}

void Stream::fill_normal(float* out, int64_t count, double mean, double stddev) const {
  constexpr int64_t kPiece = 8 * kTogether;
  double normal[kPiece];
  for (int64_t first = 0; first < count; first += kPiece) {
    const int64_t here = std::min(kPiece, count - first);
    normals(static_cast<uint64_t>(first), here, normal);
    for (int64_t i = 0; i < here; ++i)
      out[first + i] = static_cast<float>(mean + stddev * normal[i]);
  }
}

}  // namespace tenfold
