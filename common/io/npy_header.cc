#include "common/io/npy_header.h"

#include <fmt/format.h>

#include "common/core/error.h"
#include "common/io/text.h"

namespace tenfold::io {
namespace {

constexpr size_t kLargestRank = 64;  // NumPy's own

struct Code {
  const char* code;
  DType dtype;
};
constexpr Code kCodes[] = {
    {"b1", DType::kBool}, {"u1", DType::kU8},  {"i1", DType::kI8},  {"i2", DType::kI16},
    {"u2", DType::kU16},  {"f2", DType::kF16}, {"i4", DType::kI32}, {"u4", DType::kU32},
    {"f4", DType::kF32},  {"f8", DType::kF64}, {"i8", DType::kI64}, {"u8", DType::kU64},
};

// The few Python literals that NumPy writes.
class Literals {
 public:
  Literals(std::string_view text, const std::string& file) : text_(text), file_(file) {}

  bool take(char c) {
    while (at_ < text_.size() && (text_[at_] == ' ' || text_[at_] == '\n')) ++at_;
    if (at_ == text_.size() || text_[at_] != c) return false;
    ++at_;
    return true;
  }
  void expect(char c) {
    if (!take(c)) fail(fmt::format("expected {}", c));
  }
  std::string_view string() {
    const char quote = take('"') ? '"' : '\'';
    if (quote == '\'') expect('\'');
    const size_t end = text_.find(quote, at_);
    if (end == std::string_view::npos) fail("a text without end");
    const std::string_view found = text_.substr(at_, end - at_);
    at_ = end + 1;
    return found;
  }
  bool boolean() {
    take(' ');
    for (const std::string_view word : {"True", "False"}) {
      if (text_.substr(at_, word.size()) != word) continue;
      at_ += word.size();
      return word == "True";
    }
    fail("expected True or False");
  }
  int64_t size() {
    take(' ');
    const size_t first = at_;
    int64_t value = 0;
    for (; at_ < text_.size() && text_[at_] >= '0' && text_[at_] <= '9'; ++at_) {
      if (__builtin_mul_overflow(value, 10, &value) ||
          __builtin_add_overflow(value, text_[at_] - '0', &value)) {
        fail("a size of 2^63 or more");
      }
    }
    if (at_ == first) fail("expected a size");
    return value;
  }
  bool done() {
    take(' ');
    return at_ == text_.size();
  }
  [[noreturn]] void fail(const std::string& what) const {
    throw DataError(fmt::format("{}: npy header, byte {}: {}", file_, at_, what));
  }

 private:
  std::string_view text_;
  const std::string& file_;
  size_t at_ = 0;
};

DType read_descr(Literals& in) {
  if (in.take('[')) in.fail("found a structured array, expected plain numbers");
  const std::string_view descr = in.string();
  const std::string_view code = descr.substr(std::min<size_t>(descr.size(), 1));
  if (code.substr(0, 1) == "O") {
    in.fail("found an array of objects (a pickle, which could run code), expected plain numbers");
  }
  for (const Code& known : kCodes) {
    if (code != known.code) continue;
    if (descr[0] == '<' || dtype_size(known.dtype) == 1) return known.dtype;
    in.fail(fmt::format("found '{}', expected little-endian numbers", shown(descr)));
  }
  in.fail(fmt::format("found '{}', expected '<f4', '<i8', '|u1', ...", shown(descr)));
}

std::vector<int64_t> read_shape(Literals& in) {
  std::vector<int64_t> shape;
  in.expect('(');
  while (!in.take(')')) {
    if (shape.size() == kLargestRank) in.fail("more than 64 dimensions");
    shape.push_back(in.size());
    if (in.take(',')) continue;
    in.expect(')');
    break;
  }
  return shape;
}

}  // namespace

std::string npy_code(DType dtype) {
  for (const Code& known : kCodes) {
    if (known.dtype == dtype) return known.code;
  }
  throw DataError(fmt::format("NumPy has no dtype {}", dtype_name(dtype)));
}

NpyHeader parse_npy_header(std::string_view text, const std::string& file) {
  Literals in(text, file);
  NpyHeader header;
  unsigned seen = 0;
  in.expect('{');
  while (!in.take('}')) {
    const std::string_view key = in.string();
    in.expect(':');
    const unsigned bit = key == "descr" ? 1 : key == "fortran_order" ? 2 : key == "shape" ? 4 : 0;
    if (bit == 0 || (seen & bit) != 0) in.fail(fmt::format("unexpected key '{}'", shown(key)));
    seen |= bit;
    if (bit == 1) header.dtype = read_descr(in);
    if (bit == 2) header.fortran_order = in.boolean();
    if (bit == 4) header.shape = read_shape(in);
    if (in.take(',')) continue;
    in.expect('}');
    break;
  }
  if (seen != 7) in.fail("expected descr, fortran_order and shape");
  if (!in.done()) in.fail("text after the dictionary");
  return header;
}

}  // namespace tenfold::io
