#include "common/io/inflate.h"

#include <zlib.h>

#include <algorithm>
#include <new>

namespace tenfold::io {
namespace {

constexpr uint64_t kFirstBlock = uint64_t{1} << 16;
constexpr uint64_t kLargestPiece = uint64_t{1} << 30;  // zlib counts in 32 bits

struct Inflater {
  explicit Inflater(int window) {
    if (inflateInit2(&stream, window) != Z_OK) throw std::bad_alloc();
  }
  ~Inflater() { inflateEnd(&stream); }
  Inflater(const Inflater&) = delete;
  Inflater& operator=(const Inflater&) = delete;
  z_stream stream{};
};

// Unpacks into free room of `out`, or into one spare byte at the limit; returns zlib's status.
int step(z_stream& z, uint64_t limit, Bytes& out, bool& overflow) {
  const uint64_t done = out.size();
  const uint64_t room = std::min({std::max(kFirstBlock, done / 2), limit - done, kLargestPiece});
  Bytef spare = 0;
  if (room > 0) out.resize(done + room);
  z.next_out = room > 0 ? out.data() + done : &spare;
  z.avail_out = static_cast<uInt>(std::max<uint64_t>(room, 1));
  const int status = inflate(&z, Z_NO_FLUSH);
  overflow = room == 0 && z.avail_out == 0;
  if (room > 0) out.resize(done + room - z.avail_out);
  return status;
}

}  // namespace

Inflated inflate_stream(const uint8_t* in, uint64_t size, int window, uint64_t limit, Bytes& out) {
  Inflater inflater(window);
  z_stream& z = inflater.stream;
  uint64_t fed = 0;
  for (;;) {
    if (z.avail_in == 0) {
      z.next_in = const_cast<Bytef*>(in + fed);
      z.avail_in = static_cast<uInt>(std::min(size - fed, kLargestPiece));
      fed += z.avail_in;
    }
    bool overflow = false;
    const int status = step(z, limit, out, overflow);
    const uint64_t consumed = fed - z.avail_in;
    if (overflow) return {InflateEnd::kTooLarge, consumed, ""};
    if (status == Z_STREAM_END) return {InflateEnd::kComplete, consumed, ""};
    if (status == Z_MEM_ERROR) throw std::bad_alloc();
    // Room is always given, so no progress means that the input ended.
    if (status == Z_BUF_ERROR) return {InflateEnd::kTruncated, consumed, ""};
    if (status != Z_OK) {
      return {InflateEnd::kDamaged, consumed, z.msg != nullptr ? z.msg : "unknown fault"};
    }
  }
}

}  // namespace tenfold::io
