#include "common/io/safetensors_header.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <cstring>
#include <nlohmann/json.hpp>
#include <unordered_set>

#include "common/core/error.h"
#include "common/io/shape.h"
#include "common/io/text.h"

namespace tenfold::io {
namespace {

using Json = nlohmann::json;

constexpr const char* kMetadata = "__metadata__";

// Takes the header event by event: no tree is built, so the memory is bounded by the result, and
// nesting cannot exhaust the stack.
class Reader final : public nlohmann::json_sax<Json> {
 public:
  Reader(const std::string& file, Header& out) : file_(file), out_(out) {}

  bool null() override { unexpected("null"); }
  bool boolean(bool) override { unexpected("true or false"); }
  bool number_integer(number_integer_t) override { unexpected("a negative number"); }
  bool number_float(number_float_t, const string_t&) override { unexpected("a fraction"); }
  bool binary(binary_t&) override { unexpected("bytes"); }

  bool number_unsigned(number_unsigned_t value) override {
    if (value > number_unsigned_t{INT64_MAX}) unexpected("a number of 2^63 or more");
    if (at_ == At::kShape) {
      out_.entries.back().shape.push_back(static_cast<int64_t>(value));
    } else if (at_ == At::kOffsets && offsets_ < 2) {
      (offsets_ == 0 ? out_.entries.back().begin : out_.entries.back().end) = value;
      ++offsets_;
    } else {
      unexpected("a number");
    }
    return true;
  }

  bool string(string_t& value) override {
    if (at_ == At::kMetadata) {
      out_.metadata[key_] = std::move(value);
    } else if (at_ == At::kFields && field_ == kDType) {
      out_.entries.back().dtype = dtype_named(value);
    } else {
      unexpected("a text");
    }
    return true;
  }

  bool start_object(std::size_t) override {
    if (at_ == At::kTop) {
      at_ = At::kNames;
    } else if (at_ == At::kNames && tensor_ == kMetadata) {
      at_ = At::kMetadata;
    } else if (at_ == At::kNames) {
      at_ = At::kFields;
      fields_seen_ = 0;
      out_.entries.push_back({tensor_, DType::kF32, {}, 0, 0});
    } else {
      unexpected("an object");
    }
    return true;
  }

  bool key(string_t& name) override {
    if (at_ == At::kNames) {
      if (!names_.insert(name).second) fail(fmt::format("'{}' stands twice", shown(name)));
      tensor_ = std::move(name);
    } else if (at_ == At::kMetadata) {
      if (out_.metadata.count(name) != 0) twice(name);
      key_ = std::move(name);
    } else {
      field_ = field_named(name);
      if ((fields_seen_ & field_) != 0) twice(name);
      fields_seen_ |= field_;
    }
    return true;
  }

  bool end_object() override {
    if (at_ == At::kFields && fields_seen_ != (kDType | kShape | kOffsets)) {
      fail(fmt::format("tensor '{}': expected dtype, shape and data_offsets", shown(tensor_)));
    }
    at_ = at_ == At::kNames ? At::kDone : At::kNames;
    return true;
  }

  bool start_array(std::size_t) override {
    if (at_ != At::kFields || field_ == kDType) unexpected("a list");
    at_ = field_ == kShape ? At::kShape : At::kOffsets;
    offsets_ = 0;
    return true;
  }

  bool end_array() override {
    if (at_ == At::kOffsets && offsets_ != 2) unexpected("one offset or none");
    at_ = At::kFields;
    return true;
  }

  bool parse_error(std::size_t position, const std::string&, const Json::exception&) override {
    fail(fmt::format("no JSON at byte {}", grouped(position)));
  }

 private:
  enum class At { kTop, kNames, kMetadata, kFields, kShape, kOffsets, kDone };
  enum Field : unsigned { kDType = 1, kShape = 2, kOffsets = 4 };

  [[noreturn]] void fail(const std::string& what) const {
    throw DataError(fmt::format("{}: safetensors header: {}", file_, what));
  }

  [[noreturn]] void twice(const std::string& name) const {
    fail(fmt::format("'{}': '{}' stands twice", shown(tensor_), shown(name)));
  }

  [[noreturn]] void unexpected(const char* found) const {
    switch (at_) {
      case At::kTop:
        fail(fmt::format("found {}, expected an object", found));
      case At::kMetadata:
        fail(fmt::format("{} '{}': found {}, expected a text", kMetadata, shown(key_), found));
      case At::kShape:
        fail(fmt::format("tensor '{}': shape holds {}, expected sizes of 0 to 2^63-1",
                         shown(tensor_), found));
      case At::kOffsets:
        fail(fmt::format("tensor '{}': data_offsets holds {}, expected two numbers of 0 to 2^63-1",
                         shown(tensor_), found));
      default:
        fail(fmt::format("'{}': found {}, expected an object of dtype, shape and data_offsets",
                         shown(tensor_), found));
    }
  }

  Field field_named(const std::string& name) const {
    if (name == "dtype") return kDType;
    if (name == "shape") return kShape;
    if (name == "data_offsets") return kOffsets;
    fail(fmt::format("tensor '{}': found field '{}', expected dtype, shape and data_offsets",
                     shown(tensor_), shown(name)));
  }

  DType dtype_named(const std::string& name) const {
    for (int i = 0; i <= static_cast<int>(DType::kU64); ++i) {
      if (name == dtype_name(static_cast<DType>(i))) return static_cast<DType>(i);
    }
    fail(fmt::format("tensor '{}': found dtype '{}', expected F32, F16, BF16, F64, I64, ...",
                     shown(tensor_), shown(name)));
  }

  const std::string& file_;
  Header& out_;
  At at_ = At::kTop;
  std::unordered_set<std::string> names_;
  std::string tensor_, key_;
  Field field_ = kDType;
  unsigned fields_seen_ = 0;
  int offsets_ = 0;
};

// JSON's quotes and escapes.
std::string quoted(const std::string& text) {
  try {
    return Json(text).dump();
  } catch (const Json::exception&) {
    throw DataError(fmt::format("cannot store the name or text '{}': expected UTF-8", shown(text)));
  }
}

void check_storable(const std::string& name, const Tensor& t) {
  if (name == kMetadata) throw NumericError("a tensor cannot be named __metadata__");
  const std::string where = fmt::format("tensor '{}'", shown(name));
  const uint64_t wanted = shape_bytes(t.dtype, t.shape, where);
  if (wanted != t.data.size()) {
    throw NumericError(fmt::format("{}: found {} bytes, expected {} from shape and dtype", where,
                                   grouped(t.data.size()), grouped(wanted)));
  }
}

std::string metadata_text(const std::map<std::string, std::string>& metadata) {
  std::string text;
  for (const auto& [key, value] : metadata) {
    text += fmt::format("{}{}:{}", text.empty() ? "" : ",", quoted(key), quoted(value));
  }
  return fmt::format("\"{}\":{{{}}}", kMetadata, text);
}

}  // namespace

Header parse_safetensors_header(const char* text, uint64_t size, const std::string& file) {
  // nlohmann skips blanks and takes a NUL for the end of its input; the format allows neither.
  if (size == 0 || text[0] != '{' || std::memchr(text, '\0', size) != nullptr) {
    throw DataError(file + ": safetensors header: expected JSON that begins with '{'");
  }
  Header header;
  Reader reader(file, header);
  Json::sax_parse(text, text + size, &reader);
  return header;
}

std::string safetensors_header_text(const SafeTensors& contents) {
  std::string text = "{";
  if (!contents.metadata.empty()) text += metadata_text(contents.metadata);
  uint64_t at = 0;
  for (const auto& [name, t] : contents.tensors) {
    check_storable(name, t);
    text += fmt::format("{}{}:{{\"dtype\":\"{}\",\"shape\":[{}],\"data_offsets\":[{},{}]}}",
                        text.size() > 1 ? "," : "", quoted(name), dtype_name(t.dtype),
                        fmt::join(t.shape, ","), at, at + t.data.size());
    at += t.data.size();
  }
  text += '}';
  text.resize((text.size() + 7) / 8 * 8, ' ');
  return text;
}

}  // namespace tenfold::io
