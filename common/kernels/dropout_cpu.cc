#include "common/kernels/dropout.h"
#include "common/kernels/philox_fill.h"

namespace tenfold::kernels {
namespace {

static_assert(kDropoutGroup == 8 * kPhiloxGroup, "two draws a word");

// Calls body(element, what its value is multiplied with), group by group.
template <class Body>
inline void for_elements(double rate, const std::array<uint32_t, 2>& key, int64_t first,
                         int64_t end, const Body& body) {
  const uint32_t limit = uint32_t(rate * 65536);
  const float scale = 65536.0f / float(65536 - limit);
  for (int64_t i = first; i < end; i += kDropoutGroup) {
    uint32_t words[4 * kPhiloxGroup];
    philox_fill(uint64_t(i / kDropoutGroup) * kPhiloxGroup, key, words);
    uint16_t draws[kDropoutGroup];
    __builtin_memcpy(draws, words, sizeof draws);
    const int64_t count = end - i < kDropoutGroup ? end - i : kDropoutGroup;
    for (int64_t n = 0; n < count; ++n) body(i + n, draws[n] < limit ? 0.0f : scale);
  }
}

}  // namespace

void dropout(const float* x, double rate, std::array<uint32_t, 2> key, int64_t first, int64_t end,
             float* out) {
  for_elements(rate, key, first, end, [&](int64_t i, float factor) { out[i] = x[i] * factor; });
}

void add_dropped(const float* x, const float* branch, double rate, std::array<uint32_t, 2> key,
                 int64_t first, int64_t end, float* out) {
  for_elements(rate, key, first, end,
               [&](int64_t i, float factor) { out[i] = x[i] + branch[i] * factor; });
}

}  // namespace tenfold::kernels
