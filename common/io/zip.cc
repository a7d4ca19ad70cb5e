#include "common/io/zip.h"

#include <fmt/format.h>
#include <zlib.h>

#include <algorithm>
#include <cstring>

#include "common/core/error.h"
#include "common/io/inflate.h"
#include "common/io/text.h"

namespace tenfold::io {
namespace {

constexpr uint32_t kLocal = 0x04034b50, kCentral = 0x02014b50, kEnd = 0x06054b50;
constexpr uint32_t kEnd64 = 0x06064b50, kLocator64 = 0x07064b50;
constexpr uint64_t kLocalSize = 30, kCentralSize = 46, kEndSize = 22, kLocatorSize = 20;
constexpr uint64_t kLongestComment = 65535;
constexpr uint64_t kBestRatio = 1032;  // deflate cannot do better, so a larger size is a lie

// Little-endian numbers with every access checked.
class View {
 public:
  View(const Bytes& file, std::string name) : file_(file), name_(std::move(name)) {}

  template <class T>
  T number(uint64_t at) const {
    need(at, sizeof(T));
    T value = 0;
    std::memcpy(&value, file_.data() + at, sizeof(T));
    return value;
  }
  std::string text(uint64_t at, uint64_t size) const {
    need(at, size);
    return std::string(reinterpret_cast<const char*>(file_.data()) + at, size);
  }
  void need(uint64_t at, uint64_t size) const {
    if (at > file_.size() || size > file_.size() - at) fail("truncated");
  }
  void expect(uint64_t at, uint32_t signature) const {
    if (number<uint32_t>(at) != signature) fail(fmt::format("no zip record at byte {}", at));
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw DataError(fmt::format("{}: damaged zip archive: {}", name_, what));
  }
  uint64_t size() const { return file_.size(); }

 private:
  const Bytes& file_;
  const std::string name_;
};

// The end record is searched from behind: a comment of unknown length may follow it.
uint64_t find_end(const View& view) {
  if (view.size() < kEndSize) view.fail("shorter than its end record");
  const uint64_t last = view.size() - kEndSize;
  const uint64_t first = last - std::min(last, kLongestComment);
  for (uint64_t at = last + 1; at-- > first;) {
    if (view.number<uint32_t>(at) == kEnd &&
        at + kEndSize + view.number<uint16_t>(at + 20) == view.size()) {
      return at;
    }
  }
  view.fail("no end record (truncated?)");
}

// Values that do not fit 32 bits stand in extra field 1, in this order and only where needed.
void read_zip64(const View& view, uint64_t at, uint64_t end, ZipMember& member) {
  while (at + 4 <= end) {
    const uint16_t tag = view.number<uint16_t>(at);
    const uint64_t next = at + 4 + view.number<uint16_t>(at + 2);
    at += 4;
    for (uint64_t* value : {&member.size, &member.packed, &member.header}) {
      if (tag != 1 || *value != UINT32_MAX || at + 8 > std::min(next, end)) continue;
      *value = view.number<uint64_t>(at);
      at += 8;
    }
    at = next;
  }
}

ZipMember read_member(const View& view, uint64_t& at) {
  view.expect(at, kCentral);
  const uint64_t name_size = view.number<uint16_t>(at + 28);
  const uint64_t extra_size = view.number<uint16_t>(at + 30);
  const uint64_t extra = at + kCentralSize + name_size;
  ZipMember member{view.text(at + kCentralSize, name_size), view.number<uint16_t>(at + 8),
                   view.number<uint16_t>(at + 10),          view.number<uint32_t>(at + 16),
                   view.number<uint32_t>(at + 20),          view.number<uint32_t>(at + 24),
                   view.number<uint32_t>(at + 42)};
  read_zip64(view, extra, extra + extra_size, member);
  at = extra + extra_size + view.number<uint16_t>(at + 32);
  return member;
}

}  // namespace

std::vector<ZipMember> list_zip(const Bytes& file, const std::string& name) {
  const View view(file, name);
  const uint64_t end = find_end(view);
  uint64_t count = view.number<uint16_t>(end + 10), at = view.number<uint32_t>(end + 16);
  const bool zip64 = end >= kLocatorSize && view.number<uint32_t>(end - kLocatorSize) == kLocator64;
  if (zip64) {
    const uint64_t end64 = view.number<uint64_t>(end - kLocatorSize + 8);
    view.expect(end64, kEnd64);
    view.need(end64, 56);
    count = view.number<uint64_t>(end64 + 32);
    at = view.number<uint64_t>(end64 + 48);
  }
  if (count > file.size() / kCentralSize) view.fail(fmt::format("{} members", grouped(count)));
  std::vector<ZipMember> members;
  for (uint64_t i = 0; i < count; ++i) members.push_back(read_member(view, at));
  return members;
}

Bytes unpack_zip(const Bytes& file, const ZipMember& member, const std::string& name) {
  const View view(file, fmt::format("{}: '{}'", name, shown(member.name)));
  view.expect(member.header, kLocal);
  const uint64_t start = member.header + kLocalSize + view.number<uint16_t>(member.header + 26) +
                         view.number<uint16_t>(member.header + 28);
  view.need(start, member.packed);
  if ((member.flags & 1) != 0) view.fail("encrypted");
  Bytes out;
  if (member.method == 0) {
    out.assign(file.data() + start, file.data() + start + member.packed);
  } else if (member.method == 8 && member.size / kBestRatio <= member.packed) {
    out.reserve(member.size);
    const Inflated result =
        inflate_stream(file.data() + start, member.packed, kRawWindow, member.size, out);
    if (result.end != InflateEnd::kComplete || result.consumed != member.packed) {
      view.fail(fmt::format("bad deflate data after {} bytes", grouped(out.size())));
    }
  } else {
    view.fail(fmt::format("method {} and {} bytes from {}, expected stored or deflated data",
                          member.method, grouped(member.size), grouped(member.packed)));
  }
  if (out.size() != member.size) {
    view.fail(
        fmt::format("found {} bytes, expected {}", grouped(out.size()), grouped(member.size)));
  }
  if (crc32_z(0, out.data(), out.size()) != member.crc) view.fail("the checksum differs");
  return out;
}

}  // namespace tenfold::io
