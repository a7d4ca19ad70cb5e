// Counter-based random numbers: Philox4x32-10 (Salmon et al., SC 2011), with streams keyed by
// (seed, name). A number is a pure function of (seed, name, index), so the same stream gives the
// same numbers on every device, in any order, and resuming needs no generator state beyond an
// index.
#pragma once

#include <array>
#include <cstdint>
#include <string_view>
#include <vector>

namespace tenfold {

// One Philox4x32-10 block: 128 random bits for a 128-bit counter under a 64-bit key.
std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter, std::array<uint32_t, 2> key);

class Stream {
 public:
  // `substream` separates the epochs, restarts, ... of one name.
  Stream(uint64_t seed, std::string_view name, uint64_t substream = 0);

  // Random access: the value at `index`, independent of the position.
  uint32_t bits32(uint64_t index) const;
  uint64_t bits64(uint64_t index) const;
  double uniform(uint64_t index) const;  // [0, 1), 53 bits
  double normal(uint64_t index) const;   // mean 0, standard deviation 1 (Box-Muller, float64)

  // normal(first), normal(first + 1), ... in less time.
  void normals(uint64_t first, int64_t count, double* out) const;

  // Uniform integer in [0, n), without bias; n > 0.
  uint64_t below(uint64_t index, uint64_t n) const;

  // A uniformly random permutation of 0..n-1 (Fisher-Yates).
  std::vector<int64_t> permutation(int64_t n) const;

  // `count` distinct numbers of 0..n-1, sorted.
  std::vector<int64_t> sample_sorted(int64_t n, int64_t count) const;

  void fill_uniform(float* out, int64_t count, double low, double high) const;
  void fill_normal(float* out, int64_t count, double mean, double stddev) const;

 private:
  static constexpr int kTogether = 8;
  using Blocks = uint32_t[4][kTogether];

  std::array<uint32_t, 4> block(uint64_t index) const;
  // block(index) .. block(index + kTogether - 1), word by word: loops that become vectors.
  void blocks(uint64_t index, Blocks& word) const;

  std::array<uint32_t, 2> key_;
  uint64_t high_;  // upper half of the counter: the substream
};

}  // namespace tenfold
