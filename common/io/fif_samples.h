// Internal to common/io: stored samples of a FIF file become numbers.
#pragma once

#include <cstdint>

#include "common/io/big_endian.h"
#include "common/io/fif_tags.h"

namespace tenfold::io {

// Bytes of a sample of this type; 0 where samples of the type are not read.
inline uint64_t fif_sample_bytes(uint32_t type) {
  switch (type) {
    case fif_type::kInt16:
    case fif_type::kPacked16:
      return 2;
    case fif_type::kInt32:
    case fif_type::kFloat32:
      return 4;
    case fif_type::kFloat64:
      return 8;
    default:
      return 0;
  }
}

// `count` samples, `step` samples apart, times `scale`.
template <class T>
void scale_samples(const uint8_t* at, int64_t count, uint64_t step, double scale, double* out) {
  for (int64_t i = 0; i < count; ++i, at += step * sizeof(T)) out[i] = big_endian<T>(at) * scale;
}

inline void read_fif_samples(const uint8_t* at, uint32_t type, int64_t count, uint64_t step,
                             double scale, double* out) {
  switch (type) {
    case fif_type::kInt16:
    case fif_type::kPacked16:
      return scale_samples<int16_t>(at, count, step, scale, out);
    case fif_type::kInt32:
      return scale_samples<int32_t>(at, count, step, scale, out);
    case fif_type::kFloat32:
      return scale_samples<float>(at, count, step, scale, out);
    default:
      return scale_samples<double>(at, count, step, scale, out);
  }
}

}  // namespace tenfold::io
