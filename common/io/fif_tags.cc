#include "common/io/fif_tags.h"

#include <fmt/format.h>

#include <string_view>

#include "common/core/error.h"
#include "common/io/big_endian.h"
#include "common/io/signal_text.h"
#include "common/io/text.h"

namespace tenfold::io {
namespace {

constexpr int kDeepest = 32;  // blocks inside each other; files of MNE have 5

uint64_t element_bytes(uint32_t type) {
  switch (type) {
    case fif_type::kInt32:
    case fif_type::kFloat32:
      return 4;
    case fif_type::kFloat64:
      return 8;
    default:
      return 0;
  }
}

double element(const uint8_t* at, uint32_t type) {
  if (type == fif_type::kInt32) return big_endian<int32_t>(at);
  return type == fif_type::kFloat32 ? double(big_endian<float>(at)) : big_endian<double>(at);
}

}  // namespace

void FifTree::fail_at(uint64_t offset, const std::string& problem) const {
  throw DataError(fmt::format("{}: offset {}: {}", name_, grouped(offset), problem));
}

void FifTree::fail(const FifTag& tag, const std::string& problem) const {
  fail_at(tag.offset, fmt::format("tag {}: {}", tag.kind, problem));
}

FifTag FifTree::read_header(uint64_t at, int32_t& next) const {
  if (file_->size() - at < kHeader) {
    fail_at(at, fmt::format("truncated: found {} bytes, expected a tag's header of 16",
                            file_->size() - at));
  }
  const uint8_t* bytes = file_->data() + at;
  const int32_t kind = big_endian<int32_t>(bytes), size = big_endian<int32_t>(bytes + 8);
  next = big_endian<int32_t>(bytes + 12);
  const FifTag tag = {kind, big_endian<uint32_t>(bytes + 4), at, uint64_t(uint32_t(size))};
  const bool is_id = kind == fif_kind::kFileId && tag.type == fif_type::kId && size == 20;
  if (at == 0 && !is_id) {
    throw DataError(fmt::format(
        "{}: not a FIF file: found tag {}, type {}, size {} at its begin, expected 100, 31, 20",
        name_, kind, tag.type, size));
  }
  if (size < 0) fail(tag, fmt::format("found size {}, expected one >= 0", size));
  if (tag.size > file_->size() - at - kHeader) {
    fail(tag, fmt::format("truncated: found {} bytes, expected {} of data",
                          grouped(file_->size() - at - kHeader), grouped(tag.size)));
  }
  return tag;
}

void FifTree::open_or_close(const FifTag& tag, int32_t& current, int& depth) {
  const int32_t id = integer(tag);
  if (tag.kind == fif_kind::kBlockStart) {
    if (++depth > kDeepest) fail(tag, fmt::format("found more than {} nested blocks", kDeepest));
    blocks_.push_back({id, current, tag.offset, {}});
    current = int32_t(blocks_.size()) - 1;
    return;
  }
  if (current == 0) fail(tag, fmt::format("block {} ends, but none is open", id));
  if (block(current).id != id) {
    fail(tag, fmt::format("found the end of block {}, expected that of block {}", id,
                          block(current).id));
  }
  current = block(current).parent;
  --depth;
}

void FifTree::walk() {
  blocks_.push_back({0, -1, 0, {}});
  int32_t current = 0;
  int depth = 0;
  for (uint64_t at = 0;;) {
    int32_t next = 0;
    const FifTag tag = read_header(at, next);
    if (tag.kind == fif_kind::kBlockStart || tag.kind == fif_kind::kBlockEnd) {
      open_or_close(tag, current, depth);
    } else {
      blocks_[size_t(current)].tags.push_back(tag);
    }
    if (next == -1) break;
    const uint64_t end = at + kHeader + tag.size;
    if (next < -1 || (next > 0 && uint64_t(next) < end)) {
      fail(tag, fmt::format("found its next tag at {}, expected 0, -1 or an offset from {} on",
                            next, grouped(end)));
    }
    at = next == 0 ? end : uint64_t(next);
    if (at == file_->size()) break;
    if (at > file_->size()) {
      fail(tag, fmt::format("truncated: the next tag is at {}, the file ends at {}", grouped(at),
                            grouped(file_->size())));
    }
  }
  if (current != 0) {
    fail_at(block(current).offset,
            fmt::format("truncated: block {} does not end", block(current).id));
  }
}

FifTree FifTree::parse(const Bytes& file, const std::string& name) {
  FifTree tree(file, name);
  tree.walk();
  return tree;
}

std::vector<int32_t> FifTree::blocks(int32_t id, int32_t under) const {
  std::vector<int32_t> found;
  for (int32_t i = under; i < int32_t(blocks_.size()); ++i) {
    if (block(i).id != id) continue;
    int32_t parent = i;
    while (parent > under) parent = block(parent).parent;
    if (parent == under) found.push_back(i);
  }
  return found;
}

const FifTag* FifTree::find(int32_t in, int32_t kind) const {
  for (const FifTag& tag : block(in).tags) {
    if (tag.kind == kind) return &tag;
  }
  return nullptr;
}

const FifTag& FifTree::require(int32_t in, int32_t kind, const char* what) const {
  const FifTag* tag = find(in, kind);
  if (tag == nullptr) {
    fail_at(block(in).offset,
            fmt::format("block {}: found no tag {} ({})", block(in).id, kind, what));
  }
  return *tag;
}

int32_t FifTree::integer(const FifTag& tag) const {
  if (tag.type != fif_type::kInt32 || tag.size != 4) {
    fail(tag, fmt::format("found type 0x{:x} of {} bytes, expected one int32 (type 3)", tag.type,
                          grouped(tag.size)));
  }
  return big_endian<int32_t>(data(tag));
}

double FifTree::real(const FifTag& tag) const {
  const std::vector<double> values = numbers(tag);
  if (values.size() != 1) fail(tag, fmt::format("found {} numbers, expected one", values.size()));
  return values[0];
}

std::string FifTree::text(const FifTag& tag) const {
  if (tag.type != fif_type::kString) {
    fail(tag, fmt::format("found type 0x{:x}, expected a string (type 10)", tag.type));
  }
  return utf8_of({reinterpret_cast<const char*>(data(tag)), tag.size});
}

std::vector<double> FifTree::numbers(const FifTag& tag) const {
  const uint32_t type = tag.type & ~fif_type::kMatrix;
  const uint64_t bytes = element_bytes(type);
  if (bytes == 0) {
    fail(tag, fmt::format("found type 0x{:x}, expected int32, float32 or float64", tag.type));
  }
  uint64_t count = tag.size / bytes;
  if (type != tag.type) {
    count = 1;
    for (const int64_t n : matrix_shape(tag, bytes)) count *= uint64_t(n);
  } else if (tag.size % bytes != 0) {
    fail(tag, fmt::format("found {} bytes, expected a multiple of {}", grouped(tag.size), bytes));
  }
  std::vector<double> values(count);
  for (uint64_t i = 0; i < count; ++i) values[i] = element(data(tag) + i * bytes, type);
  return values;
}

std::vector<int64_t> FifTree::matrix_shape(const FifTag& tag, uint64_t element_size) const {
  const auto word = [&](uint64_t from_end) {
    return big_endian<int32_t>(data(tag) + tag.size - from_end);
  };
  constexpr int32_t kMost = 8;
  const int32_t rank = tag.size >= 4 ? word(4) : 0;
  if (rank < 1 || rank > kMost || tag.size < 4 + 4 * uint64_t(rank))
    fail(tag, fmt::format("found a matrix of {} dimensions, expected 1 to {}", rank, kMost));
  const uint64_t room = (tag.size - 4 - 4 * uint64_t(rank)) / element_size;
  std::vector<int64_t> shape;
  uint64_t product = 1;
  std::string shown;
  for (int32_t i = 0; i < rank; ++i) {
    const int32_t n = word(8 + 4 * uint64_t(i));
    // Below 2^31 each, and never above the file's size: the product stays below 2^63.
    if (n < 0) fail(tag, fmt::format("found a matrix with a dimension of {}", n));
    if ((product *= uint64_t(n)) > room) product = room + 1;
    shape.push_back(n);
    shown += (i > 0 ? " x " : "") + std::to_string(n);
  }
  if (product * element_size != tag.size - 4 - 4 * uint64_t(rank)) {
    fail(tag,
         fmt::format("found {} bytes, which do not hold a matrix of {}", grouped(tag.size), shown));
  }
  return shape;
}

std::vector<std::string> split_fif_names(const std::string& joined) {
  std::vector<std::string> names(1);
  constexpr std::string_view kColon = "{COLON}";
  for (size_t i = 0; i < joined.size(); ++i) {
    if (joined[i] == ':') {
      names.emplace_back();
    } else if (joined.compare(i, kColon.size(), kColon) == 0) {
      names.back() += ':';
      i += kColon.size() - 1;
    } else {
      names.back() += joined[i];
    }
  }
  return names;
}

}  // namespace tenfold::io
