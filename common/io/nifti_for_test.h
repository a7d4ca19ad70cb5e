// For tests: NIfTI files, byte by byte.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "common/io/file.h"

namespace tenfold::io {

template <class T>
void put_number(Bytes& out, size_t at, T value, bool big_endian) {
  uint8_t bytes[sizeof(T)];
  std::memcpy(bytes, &value, sizeof(T));
  if (out.size() < at + sizeof(T)) out.resize(at + sizeof(T));
  for (size_t i = 0; i < sizeof(T); ++i) out[at + i] = bytes[big_endian ? sizeof(T) - 1 - i : i];
}

struct NiftiForTest {
  int version = 1;
  bool big_endian = false;
  std::vector<int64_t> dim = {4, 2, 1, 1, 3};  // rank first
  int16_t datatype = 4;
  double slope = 0, inter = 0, step = 2;
  int32_t units = 8 | 2;  // s and mm
  int32_t qform = 0, sform = 0;
  std::vector<double> quaternion = std::vector<double>(6, 0.0), srow = std::vector<double>(12, 0.0);
  std::vector<double> voxel = {1, 3, 3, 4};  // pixdim[0..3]
  std::string extension;                     // an extension of code 32, where not empty
  uint64_t offset = 0;                       // 0: where the numbers are

  template <class T>
  Bytes with(const std::vector<T>& values) const {
    const bool two = version == 2;
    Bytes out(two ? 540 : 348, 0);
    put_number<int32_t>(out, 0, two ? 540 : 348, big_endian);
    std::memcpy(out.data() + (two ? 4 : 344), two ? "n+2\0\r\n\x1a\n" : "n+1\0", two ? 8 : 4);
    put_number<int16_t>(out, two ? 12 : 70, datatype, big_endian);
    for (size_t i = 0; i < dim.size(); ++i) {
      if (two) put_number<int64_t>(out, 16 + 8 * i, dim[i], big_endian);
      if (!two) put_number<int16_t>(out, 40 + 2 * i, int16_t(dim[i]), big_endian);
    }
    const auto real = [&](size_t one_at, size_t two_at, size_t i, double value) {
      if (two) put_number<double>(out, two_at + 8 * i, value, big_endian);
      if (!two) put_number<float>(out, one_at + 4 * i, float(value), big_endian);
    };
    for (size_t i = 0; i < 4; ++i) real(76, 104, i, voxel[i]);
    real(76, 104, 4, step);
    real(112, 176, 0, slope);
    real(116, 184, 0, inter);
    for (size_t i = 0; i < 6; ++i) real(256, 352, i, quaternion[i]);
    for (size_t i = 0; i < 12; ++i) real(280, 400, i, srow[i]);
    if (two) {
      put_number<int32_t>(out, 344, qform, big_endian);
      put_number<int32_t>(out, 348, sform, big_endian);
      put_number<int32_t>(out, 500, units, big_endian);
    } else {
      put_number<int16_t>(out, 252, int16_t(qform), big_endian);
      put_number<int16_t>(out, 254, int16_t(sform), big_endian);
      out[123] = uint8_t(units);
    }
    out.resize(out.size() + 4);
    if (!extension.empty()) {
      out[out.size() - 4] = 1;
      const size_t at = out.size(), size = (extension.size() + 8 + 15) / 16 * 16;
      out.resize(at + size);
      put_number<int32_t>(out, at, int32_t(size), big_endian);
      put_number<int32_t>(out, at + 4, 32, big_endian);
      std::memcpy(out.data() + at + 8, extension.data(), extension.size());
    }
    const uint64_t begin = offset != 0 ? offset : out.size();
    if (two) put_number<int64_t>(out, 168, int64_t(begin), big_endian);
    if (!two) put_number<float>(out, 108, float(begin), big_endian);
    for (const T value : values) put_number<T>(out, out.size(), value, big_endian);
    return out;
  }
};

}  // namespace tenfold::io
