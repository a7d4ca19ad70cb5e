// For tests: MATLAB files of version 5, byte by byte.
#pragma once

#include <cstring>
#include <string>
#include <vector>

#include "common/io/gzip_for_test.h"
#include "common/io/nifti_for_test.h"

namespace tenfold::io {

struct MatlabForTest {
  bool big_endian = false;

  Bytes element(uint32_t type, const Bytes& data, bool padded = true) const {
    Bytes out;
    put_number<uint32_t>(out, 0, type, big_endian);
    put_number<uint32_t>(out, 4, uint32_t(data.size()), big_endian);
    out.insert(out.end(), data.begin(), data.end());
    if (padded) out.resize((out.size() + 7) / 8 * 8);
    return out;
  }

  template <class T>
  Bytes numbers(const std::vector<T>& values) const {
    Bytes out;
    for (const T v : values) put_number<T>(out, out.size(), v, big_endian);
    return out;
  }

  // A name of at most four bytes goes into a small element.
  Bytes text(const std::string& name) const {
    const Bytes bytes(name.begin(), name.end());
    if (bytes.size() > 4) return element(1, bytes);
    Bytes out;
    put_number<uint32_t>(out, 0, uint32_t(bytes.size()) << 16 | 1, big_endian);
    out.insert(out.end(), bytes.begin(), bytes.end());
    out.resize(8);
    return out;
  }

  template <class T>
  Bytes matrix(const std::string& name, uint32_t kind, const std::vector<int32_t>& dims,
               uint32_t stored, const std::vector<T>& values, uint32_t flags = 0) const {
    Bytes all = element(6, numbers<uint32_t>({kind | flags, 0}));
    for (const Bytes& part :
         {element(5, numbers(dims)), text(name), element(stored, numbers(values))})
      all.insert(all.end(), part.begin(), part.end());
    return element(14, all);
  }

  Bytes file(const std::vector<Bytes>& elements, bool compressed = false) const {
    Bytes out(128, ' ');
    std::memcpy(out.data(), "MATLAB 5.0 MAT-file, for a test", 31);
    put_number<uint16_t>(out, 124, 0x0100, big_endian);
    std::memcpy(out.data() + 126, big_endian ? "MI" : "IM", 2);
    for (const Bytes& e : elements) {
      const Bytes part = compressed ? element(15, deflate_of(e, 15), false) : e;
      out.insert(out.end(), part.begin(), part.end());
    }
    return out;
  }
};

}  // namespace tenfold::io
