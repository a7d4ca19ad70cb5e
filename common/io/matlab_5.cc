// MATLAB's version 5 files: a header of 128 bytes, then elements, each a tag (type, size) and data
// padded to 8 bytes; a matrix is an element of elements, and may be inside a compressed one
// ("MAT-File Format", The MathWorks).
#include <fmt/format.h>

#include <memory>
#include <utility>

#include "common/core/error.h"
#include "common/io/inflate.h"
#include "common/io/matlab_contents.h"
#include "common/io/signal_text.h"
#include "common/io/stored_numbers.h"
#include "common/io/text.h"

namespace tenfold::io {
namespace {

constexpr uint64_t kHeader = 128;
constexpr int kZlibWindow = 15;
constexpr size_t kMostDimensions = 16;

enum ElementType : uint32_t { kUint32 = 6, kInt32 = 5, kMatrix = 14, kCompressed = 15 };

// The stored type of an element's numbers, by its number in the tag.
constexpr int kNotNumbers = -1;
constexpr int kStored[] = {kNotNumbers,           int(NumberType::kI8),  int(NumberType::kU8),
                           int(NumberType::kI16), int(NumberType::kU16), int(NumberType::kI32),
                           int(NumberType::kU32), int(NumberType::kF32), kNotNumbers,
                           int(NumberType::kF64), kNotNumbers,           kNotNumbers,
                           int(NumberType::kI64), int(NumberType::kU64)};

// By the number of the class; those from 6 to 15 are numeric.
constexpr const char* kClasses[] = {
    "",       "cell",   "struct",          "object", "char",   "sparse", "double",
    "single", "int8",   "uint8",           "int16",  "uint16", "int32",  "uint32",
    "int64",  "uint64", "function_handle", "opaque"};
constexpr uint32_t kFirstNumeric = 6, kLastNumeric = 15;
constexpr uint32_t kComplexFlag = 0x800, kLogicalFlag = 0x200;

struct Element {
  uint32_t type;
  const uint8_t* data;
  uint64_t size;
};

// Elements one after the other; `where` and the place stand in messages.
class Elements {
 public:
  Elements(const uint8_t* data, uint64_t size, bool big_endian, std::string where)
      : data_(data), size_(size), big_(big_endian), where_(std::move(where)) {}

  bool done() const { return at_ == size_; }

  Element next(const char* what) {
    last_ = at_;
    const uint32_t first = word(what);
    if (first >> 16 != 0) {  // a small element: both numbers in one word, four bytes of data
      const uint64_t size = first >> 16;
      if (size > 4) fail(what, fmt::format("found {} bytes in a small element", size));
      need(what, 4);
      at_ += 4;
      return {first & 0xffff, data_ + at_ - 4, size};
    }
    const uint64_t size = word(what);
    need(what, size);
    const Element out{first, data_ + at_, size};
    at_ += size;
    // Compressed elements stand without padding, and some writers leave out the last one.
    const uint64_t padding = first == kCompressed ? 0 : (8 - size % 8) % 8;
    at_ += std::min(padding, size_ - at_);
    return out;
  }

  [[noreturn]] void fail(const char* what, const std::string& problem) const {
    throw DataError(fmt::format("{}: {} (byte {}): {}", where_, what, grouped(last_), problem));
  }

 private:
  void need(const char* what, uint64_t bytes) const {
    if (bytes <= size_ - at_) return;
    fail(what, fmt::format("truncated: found {} bytes, expected {}", grouped(size_ - at_),
                           grouped(bytes)));
  }
  uint32_t word(const char* what) {
    need(what, 4);
    at_ += 4;
    return stored_number<uint32_t>(data_ + at_ - 4, big_);
  }

  const uint8_t* data_;
  uint64_t size_;
  bool big_;
  std::string where_;
  uint64_t at_ = 0, last_ = 0;
};

// Where a variable's numbers are.
struct Numbers {
  Element element;
  NumberType type;
};

class Matlab5 : public MatlabFile::Contents {
 public:
  Matlab5(const Bytes& file, std::string name, uint64_t limit)
      : name_(std::move(name)), limit_(limit), big_(file[kHeader - 2] == 'M') {
    version = "5";
    bytes_.push_back(std::make_unique<Bytes>(file.begin() + kHeader, file.end()));
    const Bytes& all = *bytes_[0];
    Elements in(all.data(), all.size(), big_, name_);
    while (!in.done()) {
      const Element e = in.next("element");
      if (e.type == kCompressed) {
        const Bytes& unpacked = inflated(e);
        Elements inside(unpacked.data(), unpacked.size(), big_, name_ + ": compressed data");
        if (!inside.done()) add(inside.next("element"));
      } else {
        add(e);
      }
    }
  }

  std::vector<double> values(size_t i) const override {
    const Numbers& from = numbers_[i];
    const uint64_t count = from.element.size / number_size(from.type);
    std::vector<double> columns(count);
    to_doubles(from.element.data, count, from.type, big_, columns.data());
    return row_major(columns, variables[i].shape);
  }

 private:
  const Bytes& inflated(const Element& e) {
    bytes_.push_back(std::make_unique<Bytes>());
    Bytes& out = *bytes_.back();
    const Inflated end = inflate_stream(e.data, e.size, kZlibWindow, limit_, out);
    if (end.end == InflateEnd::kTooLarge)
      throw DataError(fmt::format("{}: unpacks to more than {} bytes", name_, grouped(limit_)));
    if (end.end != InflateEnd::kComplete) {
      throw DataError(fmt::format("{}: {} compressed data after {} unpacked bytes", name_,
                                  end.end == InflateEnd::kTruncated ? "truncated" : "damaged",
                                  grouped(out.size())));
    }
    limit_ -= out.size();
    return out;
  }

  void add(const Element& matrix) {
    if (matrix.type != kMatrix || matrix.size == 0) return;  // MATLAB's own
    Elements in(matrix.data, matrix.size, big_,
                fmt::format("{}: variable {}", name_, variables.size()));
    const Element flags = in.next("array flags");
    if (flags.type != kUint32 || flags.size != 8)
      in.fail("array flags", fmt::format("found type {} of {} bytes", flags.type, flags.size));
    const auto word = stored_number<uint32_t>(flags.data, big_);
    const uint32_t kind = word & 0xff;
    if (kind < 1 || kind >= std::size(kClasses))
      in.fail("array flags", fmt::format("found class {}, expected 1 to 17", kind));
    MatlabVariable v;
    v.type = (word & kLogicalFlag) != 0 ? "logical" : kClasses[kind];
    const bool real = (word & kComplexFlag) == 0;
    if (!real) v.type = "complex " + v.type;
    if (kind != std::size(kClasses) - 1) v.shape = shape_of(in);  // opaque objects have none
    const Element name = in.next("name");
    v.name = utf8_of(trimmed({reinterpret_cast<const char*>(name.data), name.size}));
    if (v.name.empty()) return;  // MATLAB's own
    v.numeric = kind >= kFirstNumeric && kind <= kLastNumeric && real;
    Numbers numbers{{0, nullptr, 0}, NumberType::kF64};
    if (v.numeric) numbers = numbers_of(in, v);
    for (const MatlabVariable& other : variables) {
      if (other.name == v.name)
        in.fail("name", fmt::format("'{}' stands twice in the file", shown(v.name)));
    }
    variables.push_back(std::move(v));
    numbers_.push_back(numbers);
  }

  std::vector<int64_t> shape_of(Elements& in) const {
    const Element dims = in.next("dimensions");
    const size_t rank = dims.size / 4;
    if (dims.type != kInt32 || dims.size % 4 != 0 || rank < 2 || rank > kMostDimensions) {
      in.fail("dimensions", fmt::format("found type {} of {} bytes, expected 2 to {} of int32",
                                        dims.type, dims.size, kMostDimensions));
    }
    std::vector<int64_t> shape;
    for (size_t d = 0; d < rank; ++d) {
      shape.push_back(stored_number<int32_t>(dims.data + 4 * d, big_));
      if (shape.back() < 0)
        in.fail("dimensions", fmt::format("found {}, expected 0 or more", shape.back()));
    }
    return shape;
  }

  Numbers numbers_of(Elements& in, const MatlabVariable& v) const {
    const Element e = in.next("values");
    const int stored = e.type < std::size(kStored) ? kStored[e.type] : kNotNumbers;
    if (stored == kNotNumbers)
      in.fail("values", fmt::format("found type {}, expected numbers", e.type));
    const auto type = static_cast<NumberType>(stored);
    int64_t bytes = int64_t(number_size(type));
    for (const int64_t size : v.shape) {
      if (__builtin_mul_overflow(bytes, size, &bytes))
        in.fail("dimensions", "ask for 2^63 bytes or more");
    }
    if (uint64_t(bytes) != e.size) {
      in.fail("values", fmt::format("found {} bytes of {}, expected {} from the dimensions",
                                    grouped(e.size), number_name(type), grouped(uint64_t(bytes))));
    }
    return {e, type};
  }

  std::string name_;
  uint64_t limit_;
  bool big_;
  std::vector<std::unique_ptr<Bytes>> bytes_;  // the file's, then what was unpacked
  std::vector<Numbers> numbers_;               // of each variable
};

}  // namespace

std::unique_ptr<MatlabFile::Contents> parse_matlab_5(const Bytes& file, const std::string& name,
                                                     uint64_t limit) {
  return std::make_unique<Matlab5>(file, name, limit);
}

}  // namespace tenfold::io
