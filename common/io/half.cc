#include <cstring>

#include "common/io/safetensors.h"

namespace tenfold::io {

float half_to_float(uint16_t half) {
  const uint32_t sign = uint32_t{half & 0x8000u} << 16, exponent = (half >> 10) & 31,
                 mantissa = half & 0x3ffu;
  float value = 0;
  uint32_t bits = sign | 0x7f800000u | mantissa << 13;  // inf and NaN
  if (exponent == 0) {
    value = static_cast<float>(mantissa) * 0x1.0p-24f;
    std::memcpy(&bits, &value, sizeof bits);
    bits |= sign;
  } else if (exponent < 31) {
    bits = sign | (exponent + 112) << 23 | mantissa << 13;
  }
  std::memcpy(&value, &bits, sizeof value);
  return value;
}

uint16_t float_to_half(float value) {
  uint32_t bits = 0;
  std::memcpy(&bits, &value, sizeof bits);
  const auto sign = static_cast<uint16_t>(bits >> 16 & 0x8000u);
  const uint32_t magnitude = bits & 0x7fffffffu;
  if (magnitude > 0x7f800000u)
    return static_cast<uint16_t>(sign | 0x7e00u | (magnitude >> 13 & 0x3ffu));
  if (magnitude >= 0x477ff000u)
    return static_cast<uint16_t>(sign | 0x7c00u);  // rounds beyond 65504
  if (magnitude < 0x38800000u) {                   // subnormal: adding 0.5 rounds at 2^-24, to even
    float shifted = 0;
    std::memcpy(&shifted, &magnitude, sizeof shifted);
    shifted += 0.5f;
    uint32_t rounded = 0;
    std::memcpy(&rounded, &shifted, sizeof rounded);
    return static_cast<uint16_t>(sign | (rounded - 0x3f000000u));
  }
  const uint32_t odd = magnitude >> 13 & 1;
  return static_cast<uint16_t>(sign | ((magnitude - 0x38000000u + 0xfffu + odd) >> 13));
}

float bfloat16_to_float(uint16_t value) {
  const uint32_t bits = uint32_t{value} << 16;
  float out = 0;
  std::memcpy(&out, &bits, sizeof out);
  return out;
}

}  // namespace tenfold::io
