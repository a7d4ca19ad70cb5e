#include "common/io/safetensors.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "common/core/error.h"
#include "common/io/safetensors_header.h"
#include "common/io/shape.h"
#include "common/io/text.h"

namespace tenfold::io {
namespace {

constexpr uint64_t kLargestHeader = 100'000'000;
constexpr uint64_t kPrefix = 8;

uint64_t header_size(const Bytes& file, const std::string& name) {
  if (file.size() < kPrefix) {
    throw DataError(fmt::format("{}: found {} bytes, expected a safetensors file of 8 or more",
                                name, file.size()));
  }
  uint64_t size = 0;
  std::memcpy(&size, file.data(), kPrefix);
  const uint64_t room = file.size() - kPrefix;
  if (size > kLargestHeader || size > room) {
    throw DataError(
        fmt::format("{}: found a header of {} bytes, expected at most {} (truncated, or not "
                    "safetensors)",
                    name, grouped(size), grouped(std::min(kLargestHeader, room))));
  }
  return size;
}

void check_entry(const HeaderEntry& entry, uint64_t data_size, const std::string& name) {
  const std::string where = fmt::format("{}: tensor '{}'", name, shown(entry.name));
  const uint64_t wanted = shape_bytes(entry.dtype, entry.shape, where);
  if (entry.begin > entry.end || entry.end > data_size) {
    throw DataError(
        fmt::format("{}: found offsets [{}, {}], expected them within {} bytes of data "
                    "(truncated?)",
                    where, entry.begin, entry.end, grouped(data_size)));
  }
  if (entry.end - entry.begin != wanted) {
    throw DataError(fmt::format("{}: found {} bytes, expected {} from shape and dtype", where,
                                grouped(entry.end - entry.begin), grouped(wanted)));
  }
}

// In the order of the data: no overlap, no hole, nothing left over.
void check_cover(const std::vector<HeaderEntry>& entries, uint64_t data_size,
                 const std::string& name) {
  std::vector<const HeaderEntry*> order;
  order.reserve(entries.size());
  for (const HeaderEntry& e : entries) order.push_back(&e);
  std::stable_sort(order.begin(), order.end(), [](const HeaderEntry* a, const HeaderEntry* b) {
    return std::pair(a->begin, a->end) < std::pair(b->begin, b->end);
  });
  uint64_t at = 0;
  for (const HeaderEntry* e : order) {
    if (e->begin != at) {
      throw DataError(fmt::format("{}: tensor '{}' begins at {}, expected {} ({})", name,
                                  shown(e->name), e->begin, at,
                                  e->begin < at ? "it overlaps another" : "a hole"));
    }
    at = e->end;
  }
  if (at != data_size) {
    throw DataError(fmt::format("{}: found {} bytes of data, expected {} from the header", name,
                                grouped(data_size), grouped(at)));
  }
}

bool begins_with(const Bytes& file, const char* magic, size_t size) {
  return file.size() >= size && std::memcmp(file.data(), magic, size) == 0;
}

void refuse_pickle(const std::string& path, const Bytes& file) {
  const bool zip = begins_with(file, "PK\3\4", 4);
  const bool pickle = file.size() > 1 && file[0] == 0x80 && file[1] >= 2 && file[1] <= 5;
  // Both magics could also be the length of a header, which then begins with '{'.
  const bool header = file.size() > kPrefix && file[kPrefix] == '{';
  const std::string ending = path.substr(std::min(path.size(), path.rfind('.')));
  const bool named = ending == ".pt" || ending == ".pth" || ending == ".bin";
  if (!named && (header || !(zip || pickle))) return;
  throw DataError(path +
                  ": found a pickle, which could run code, expected safetensors; convert it "
                  "with safetensors.torch.save_file");
}

}  // namespace

const Tensor& SafeTensors::at(const std::string& name, const std::string& file) const {
  const auto found = tensors.find(name);
  if (found != tensors.end()) return found->second;
  throw DataError(fmt::format("{}: found {} tensors, expected '{}' among them", file,
                              tensors.size(), shown(name)));
}

SafeTensors parse_safetensors(const Bytes& file, const std::string& name) {
  const uint64_t size = header_size(file, name);
  const char* text = reinterpret_cast<const char*>(file.data()) + kPrefix;
  Header header = parse_safetensors_header(text, size, name);
  const uint64_t data_size = file.size() - kPrefix - size;
  for (const HeaderEntry& entry : header.entries) check_entry(entry, data_size, name);
  check_cover(header.entries, data_size, name);
  SafeTensors out;
  out.metadata = std::move(header.metadata);
  const uint8_t* data = file.data() + kPrefix + size;
  for (HeaderEntry& entry : header.entries) {
    Tensor& t = out.tensors[entry.name];
    t.dtype = entry.dtype;
    t.shape = std::move(entry.shape);
    t.data.assign(data + entry.begin, data + entry.end);
  }
  return out;
}

SafeTensors read_safetensors(const std::string& path) {
  const Bytes bytes = read_file(path);
  refuse_pickle(path, bytes);
  return parse_safetensors(bytes, path);
}

Bytes serialize_safetensors(const SafeTensors& contents) {
  const std::string text = safetensors_header_text(contents);
  const uint64_t size = text.size();
  if (size > kLargestHeader) {
    throw NumericError(fmt::format("a safetensors header of {} bytes, expected at most {}",
                                   grouped(size), grouped(kLargestHeader)));
  }
  uint64_t total = kPrefix + size;
  for (const auto& [name, t] : contents.tensors) total += t.data.size();
  Bytes out(kPrefix);
  std::memcpy(out.data(), &size, kPrefix);
  out.reserve(total);
  out.insert(out.end(), text.begin(), text.end());
  for (const auto& [name, t] : contents.tensors) {
    out.insert(out.end(), t.data.begin(), t.data.end());
  }
  return out;
}

void write_safetensors(const std::string& path, const SafeTensors& contents) {
  const Bytes bytes = serialize_safetensors(contents);
  write_file_atomic(path, bytes.data(), bytes.size());
}

}  // namespace tenfold::io
