#include "common/io/freesurfer_annot.h"

#include <fmt/format.h>

#include <unordered_map>

#include "common/core/error.h"
#include "common/io/big_endian.h"
#include "common/io/signal_text.h"
#include "common/io/text.h"

namespace tenfold::io {
namespace {

constexpr int32_t kTableVersion = -2;
constexpr int32_t kMostEntries = 1 << 20;
constexpr uint64_t kEntryBytes = 24;  // at least: index, length of the name, four colours

class Cursor {
 public:
  Cursor(const Bytes& file, const std::string& name) : file_(file), name_(name) {}

  int32_t integer(const char* what) {
    last_ = at_;
    if (left() < 4) fail(what, fmt::format("truncated: found {} bytes, expected 4", left()));
    const int32_t value = big_endian<int32_t>(file_.data() + at_);
    at_ += 4;
    return value;
  }

  int32_t integer(const char* what, int32_t least, int64_t most) {
    const int32_t value = integer(what);
    if (value < least || value > most)
      fail(what, fmt::format("found {}, expected {} to {}", value, least, most));
    return value;
  }

  std::string text(const char* what) {
    const int32_t size = integer(what);
    if (size < 0 || uint64_t(size) > left())
      fail(what, fmt::format("found a length of {}, expected 0 to {}", size, left()));
    const char* begin = reinterpret_cast<const char*>(file_.data()) + at_;
    at_ += uint64_t(size);
    const std::string_view bytes(begin, size_t(size));
    return utf8_of(bytes.substr(0, bytes.find('\0')));
  }

  void require_end() {
    last_ = at_;
    if (left() > 0) fail("end", fmt::format("found {} more bytes, expected none", left()));
  }

  uint64_t left() const { return file_.size() - at_; }

  [[noreturn]] void fail(const char* what, const std::string& problem) const {
    throw DataError(fmt::format("{}: {} (byte {}): {}", name_, what, grouped(last_), problem));
  }

 private:
  const Bytes& file_;
  const std::string& name_;
  uint64_t at_ = 0, last_ = 0;  // the next byte, and where the last integer begins
};

// The colour value of each vertex.
std::vector<int32_t> read_vertices(Cursor& in) {
  const uint64_t room = (in.left() < 4 ? 0 : in.left() - 4) / 8;
  const int32_t n = in.integer("number of vertices", 1, int64_t(room));
  std::vector<int32_t> values(size_t(n), 0);
  std::vector<bool> seen(size_t(n), false);
  for (int32_t i = 0; i < n; ++i) {
    const size_t vertex = size_t(in.integer("vertex", 0, n - 1));
    if (seen[vertex]) in.fail("vertex", fmt::format("{} stands twice", vertex));
    seen[vertex] = true;
    values[vertex] = in.integer("value of a vertex");
  }
  return values;
}

// Fills the names; returns the index of each colour value, the first where a colour stands twice.
std::unordered_map<int64_t, int32_t> read_table(Cursor& in, std::vector<std::string>& names) {
  in.integer("colour table (1 = follows)", 1, 1);
  in.integer("version of the colour table", kTableVersion, kTableVersion);
  const int32_t most = in.integer("most entries of the table", 1, kMostEntries);
  in.text("file name of the table");
  const int32_t entries = in.integer("number of entries", 0, int64_t(in.left() / kEntryBytes));
  std::unordered_map<int64_t, int32_t> colours;
  std::vector<bool> seen(size_t(most), false);
  for (int32_t i = 0; i < entries; ++i) {
    const int32_t index = in.integer("index of an entry", 0, most - 1);
    if (seen[size_t(index)]) in.fail("index of an entry", fmt::format("{} stands twice", index));
    seen[size_t(index)] = true;
    if (names.size() <= size_t(index)) names.resize(size_t(index) + 1);
    names[size_t(index)] = in.text("name of an entry");
    int64_t colour = 0;
    for (const int shift : {0, 8, 16}) colour |= int64_t{in.integer("colour", 0, 255)} << shift;
    in.integer("transparency");
    colours.emplace(colour, index);
  }
  return colours;
}

}  // namespace

SurfaceParcels parse_annot(const Bytes& file, const std::string& name) {
  Cursor in(file, name);
  SurfaceParcels out;
  const std::vector<int32_t> values = read_vertices(in);
  const std::unordered_map<int64_t, int32_t> colours = read_table(in, out.names);
  in.require_end();
  for (const int32_t value : values) {
    const auto found = colours.find(value);
    out.labels.push_back(found == colours.end() ? -1 : found->second);
  }
  return out;
}

SurfaceParcels read_annot(const std::string& path) { return parse_annot(read_file(path), path); }

}  // namespace tenfold::io
