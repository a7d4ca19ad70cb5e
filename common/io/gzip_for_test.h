// Packing, which only the tests need.
#pragma once

#include <zlib.h>

#include "common/io/file.h"

namespace tenfold::io {

// `window` 15 + 16 makes a gzip file, -15 raw deflate data.
inline Bytes deflate_of(const Bytes& plain, int window) {
  z_stream z{};
  deflateInit2(&z, 6, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY);
  Bytes out(deflateBound(&z, plain.size()) + 32);
  z.next_in = const_cast<Bytef*>(plain.data());
  z.avail_in = static_cast<uInt>(plain.size());
  z.next_out = out.data();
  z.avail_out = static_cast<uInt>(out.size());
  deflate(&z, Z_FINISH);
  out.resize(z.total_out);
  deflateEnd(&z);
  return out;
}

inline Bytes gzip_of(const Bytes& plain) { return deflate_of(plain, 15 + 16); }

}  // namespace tenfold::io
