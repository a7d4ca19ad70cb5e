#include "common/io/npz_writer.h"

#include <zlib.h>

#include <algorithm>
#include <string_view>

#include "common/io/file.h"
#include "common/io/npy_writer.h"
#include "common/io/shape.h"

namespace tenfold::io {
namespace {

constexpr uint64_t kLimit32 = 0xffffffff;
constexpr uint16_t kZip64 = 45;       // the version of the format that has 64-bit sizes
constexpr uint16_t kFirstDay = 0x21;  // 1980-01-01: the same arrays give the same bytes

template <class T>
void put(std::string& out, T value) {
  for (size_t i = 0; i < sizeof(T); ++i)
    out += static_cast<char>(uint64_t(value) >> (8 * i) & 0xff);
}

struct Member {
  std::string name, head;
  std::string_view data;
  uint32_t crc;
  uint64_t size, offset;
};

uint32_t crc_of(std::string_view head, std::string_view data) {
  const auto add = [](uLong crc, std::string_view bytes) -> uLong {
    // zlib takes an empty array's null pointer for the wish to begin anew.
    if (bytes.empty()) return crc;
    return crc32_z(crc, reinterpret_cast<const Bytef*>(bytes.data()), bytes.size());
  };
  return static_cast<uint32_t>(add(add(0, head), data));
}

// What the local header and the directory share, from version to the lengths of name and extra.
std::string common_fields(const Member& m, uint16_t extra) {
  std::string out;
  put(out, kZip64);
  put(out, uint16_t{0});  // flags
  put(out, uint16_t{0});  // stored
  put(out, uint16_t{0});  // time
  put(out, kFirstDay);
  put(out, m.crc);
  put(out, uint32_t(kLimit32));  // both sizes stand in the extra field
  put(out, uint32_t(kLimit32));
  put(out, uint16_t(m.name.size()));
  put(out, extra);
  return out;
}

std::string local_header(const Member& m) {
  std::string out = "PK\x03\x04" + common_fields(m, 20) + m.name;
  put(out, uint16_t{1});
  put(out, uint16_t{16});
  put(out, m.size);
  put(out, m.size);
  return out;
}

std::string directory_entry(const Member& m) {
  std::string out = "PK\x01\x02";
  put(out, kZip64);  // made by
  out += common_fields(m, 28);
  put(out, uint16_t{0});  // comment
  put(out, uint16_t{0});  // disk
  put(out, uint16_t{0});
  put(out, uint32_t{0});  // attributes
  put(out, uint32_t(kLimit32));
  out += m.name;
  put(out, uint16_t{1});
  put(out, uint16_t{24});
  put(out, m.size);
  put(out, m.size);
  put(out, m.offset);
  return out;
}

std::string end_records(uint64_t entries, uint64_t start, uint64_t size) {
  std::string out = "PK\x06\x06";
  put(out, uint64_t{44});  // of what follows in this record
  put(out, kZip64);
  put(out, kZip64);
  put(out, uint64_t{0});  // disks
  put(out, entries);
  put(out, entries);
  put(out, size);
  put(out, start);
  out += "PK\x06\x07";
  put(out, uint32_t{0});
  put(out, start + size);
  put(out, uint32_t{1});
  out += "PK\x05\x06";
  put(out, uint32_t{0});
  put(out, uint16_t(std::min<uint64_t>(entries, 0xffff)));
  put(out, uint16_t(std::min<uint64_t>(entries, 0xffff)));
  put(out, uint32_t(std::min(size, kLimit32)));
  put(out, uint32_t(std::min(start, kLimit32)));
  put(out, uint16_t{0});
  return out;
}

}  // namespace

void write_npz(const std::string& path, const std::vector<NpzArray>& arrays) {
  std::vector<Member> members;
  std::vector<std::string> headers;
  std::string directory;
  uint64_t at = 0;
  for (const NpzArray& array : arrays) {
    Member m;
    m.name = array.name + ".npy";
    m.head = npy_head(array.dtype, array.shape);
    m.data = {static_cast<const char*>(array.data), shape_bytes(array.dtype, array.shape, path)};
    m.crc = crc_of(m.head, m.data);
    m.size = m.head.size() + m.data.size();
    m.offset = at;
    headers.push_back(local_header(m));
    at += headers.back().size() + m.size;
    directory += directory_entry(m);
    members.push_back(std::move(m));
  }
  const std::string end = directory + end_records(members.size(), at, directory.size());
  std::vector<std::string_view> parts;
  for (size_t i = 0; i < members.size(); ++i)
    parts.insert(parts.end(), {headers[i], members[i].head, members[i].data});
  parts.emplace_back(end);
  write_file_atomic(path, parts);
}

}  // namespace tenfold::io
