#include "common/io/hdf5_values.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "common/core/error.h"
#include "common/io/text.h"

namespace tenfold::io {
namespace {

// Deflate makes at most 1032 bytes of one; what a filter's own header takes is not counted.
constexpr uint64_t kMostInflation = 1100;
constexpr uint64_t kMostElements = uint64_t{1} << 40;
constexpr uint64_t kLargestChunk = uint64_t{1} << 30;
constexpr uint64_t kStringsAtOnce = 4096;

const char* class_name(H5T_class_t type) {
  switch (type) {
    case H5T_INTEGER:
      return "integers";
    case H5T_FLOAT:
      return "floats";
    case H5T_STRING:
      return "strings";
    case H5T_ENUM:
      return "enumerated values";
    case H5T_COMPOUND:
      return "compound values";
    case H5T_REFERENCE:
      return "references";
    default:
      return "values of another type";
  }
}

// Dimensions of the file or its chunks; false where their product is beyond kMostElements.
bool multiply(const std::vector<hsize_t>& dims, uint64_t& product) {
  product = 1;
  for (const hsize_t n : dims) {
    if (n != 0 && product > kMostElements / n) return false;
    product *= n;
  }
  return true;
}

// A fixed string up to its padding.
std::string unpadded(const char* text, size_t size, H5T_str_t padding) {
  if (padding != H5T_STR_SPACEPAD) return std::string(text, strnlen(text, size));
  while (size > 0 && text[size - 1] == ' ') --size;
  return std::string(text, size);
}

}  // namespace

Hdf5Values::Hdf5Values(Hdf5Handle object, std::string where, Hdf5Limits limits)
    : object_(std::move(object)),
      where_(std::move(where)),
      limits_(limits),
      type_(is_dataset() ? H5Dget_type(id()) : H5Aget_type(id()), H5Tclose),
      space_(is_dataset() ? H5Dget_space(id()) : H5Aget_space(id()), H5Sclose) {
  if (!type_.valid() || !space_.valid() || H5Tget_size(type_.get()) == 0) {
    throw DataError(where_ + ": its type or shape is damaged");
  }
  if (H5Sget_simple_extent_type(space_.get()) == H5S_NULL) {
    shape_ = {0};
    count_ = 0;
    return;
  }
  const int rank = H5Sget_simple_extent_ndims(space_.get());
  std::vector<hsize_t> dims(std::max(rank, 0));
  if (rank < 0 || H5Sget_simple_extent_dims(space_.get(), dims.data(), nullptr) < 0) {
    throw DataError(where_ + ": its shape is damaged");
  }
  if (!multiply(dims, count_)) {
    throw DataError(
        fmt::format("{}: its shape asks for more than {} values", where_, grouped(kMostElements)));
  }
  shape_.assign(dims.begin(), dims.end());
}

bool Hdf5Values::holds_strings() const { return H5Tget_class(type_.get()) == H5T_STRING; }

bool Hdf5Values::holds_numbers() const {
  const H5T_class_t found = H5Tget_class(type_.get());
  return found == H5T_INTEGER || found == H5T_FLOAT || found == H5T_ENUM;
}

void Hdf5Values::check_memory(uint64_t element_bytes) const {
  if (count_ == 0 || element_bytes <= limits_.memory_bytes / count_) return;
  throw DataError(fmt::format("{}: found {} values of {} bytes, expected at most {} bytes in all",
                              where_, grouped(count_), element_bytes,
                              grouped(limits_.memory_bytes)));
}

// That a chunked dataset's filters are at hand, and its chunks of a size that memory is taken for:
// libhdf5 takes a whole chunk's, however few values the dataset has.
void Hdf5Values::check_chunks(hid_t layout) const {
  std::vector<hsize_t> chunk(shape_.size());
  uint64_t values = 0;
  H5Pget_chunk(layout, static_cast<int>(chunk.size()), chunk.data());
  if (!multiply(chunk, values) || values > kLargestChunk / H5Tget_size(type_.get())) {
    throw DataError(
        fmt::format("{}: its chunks are larger than {} bytes", where_, grouped(kLargestChunk)));
  }
  for (int i = 0; i < H5Pget_nfilters(layout); ++i) {
    size_t parameters = 0;
    unsigned flags = 0;
    const H5Z_filter_t filter =
        H5Pget_filter2(layout, i, &flags, &parameters, nullptr, 0, nullptr, nullptr);
    if (H5Zfilter_avail(filter) <= 0) {
      throw DataError(fmt::format("{}: is compressed by filter {}, which is not at hand; gzip is",
                                  where_, filter));
    }
  }
}

// That the file can hold what the shape declares, and holds it itself.
void Hdf5Values::check_storage() const {
  uint64_t largest = limits_.file_bytes;
  if (is_dataset()) {
    const Hdf5Handle layout(H5Dget_create_plist(id()), H5Pclose);
    if (!layout.valid()) throw DataError(where_ + ": its layout is damaged");
    if (H5Pget_external_count(layout.get()) > 0 || H5Pget_layout(layout.get()) == H5D_VIRTUAL) {
      throw DataError(where_ + ": is kept in another file, expected it in this one");
    }
    if (H5Pget_layout(layout.get()) == H5D_CHUNKED) check_chunks(layout.get());
    // libhdf5 reads beyond values that a damaged file keeps in too few bytes of a header.
    if (H5Pget_layout(layout.get()) == H5D_COMPACT) largest = H5Dget_storage_size(id());
    if (H5Pget_nfilters(layout.get()) > 0) largest *= kMostInflation;
  }
  if (count_ > 0 && H5Tget_size(type_.get()) > largest / count_) {
    throw DataError(fmt::format(
        "{}: found {} values of {} bytes, more than a file of {} bytes "
        "holds",
        where_, grouped(count_), H5Tget_size(type_.get()), grouped(limits_.file_bytes)));
  }
}

// Widths of whole bytes only: conversions of odd bit fields meet nothing but damaged files.
void Hdf5Values::check_number(bool floats_too) const {
  const H5T_class_t found = H5Tget_class(type_.get());
  const size_t size = H5Tget_size(type_.get());
  const bool floats = floats_too && found == H5T_FLOAT;
  if (!floats && found != H5T_INTEGER && found != H5T_ENUM) {
    throw DataError(fmt::format("{}: found {}, expected {}", where_, class_name(found),
                                floats_too ? "numbers" : "integers"));
  }
  const bool whole = found == H5T_ENUM ||
                     (H5Tget_precision(type_.get()) == 8 * size && H5Tget_offset(type_.get()) == 0);
  if (whole && (size == 1 || size == 2 || size == 4 || size == 8)) return;
  throw DataError(
      fmt::format("{}: found numbers of {} bits in {} bytes, expected 8, 16, 32 or 64 "
                  "bits",
                  where_, H5Tget_precision(type_.get()), size));
}

void Hdf5Values::read(hid_t memory_type, void* out) const {
  const herr_t status = is_dataset()
                            ? H5Dread(id(), memory_type, H5S_ALL, H5S_ALL, H5P_DEFAULT, out)
                            : H5Aread(id(), memory_type, out);
  if (status < 0) throw DataError(where_ + ": its stored values are damaged");
}

template <class T>
std::vector<T> Hdf5Values::numbers(hid_t memory_type) const {
  check_storage();
  check_memory(sizeof(T));
  std::vector<T> out(count_);
  if (count_ > 0) read(memory_type, out.data());
  return out;
}

std::vector<double> Hdf5Values::doubles() const {
  check_number(true);
  return numbers<double>(H5T_NATIVE_DOUBLE);
}

std::vector<int64_t> Hdf5Values::integers() const {
  check_number(false);
  return numbers<int64_t>(H5T_NATIVE_INT64);
}

std::vector<std::string> Hdf5Values::strings() const {
  if (!holds_strings()) {
    throw DataError(fmt::format("{}: found {}, expected strings", where_,
                                class_name(H5Tget_class(type_.get()))));
  }
  check_storage();
  check_memory(H5Tget_size(type_.get()) + sizeof(std::string));
  if (count_ == 0) return {};
  return H5Tis_variable_str(type_.get()) > 0 ? variable_strings() : fixed_strings();
}

std::vector<hobj_ref_t> Hdf5Values::references() const {
  if (H5Tequal(type_.get(), H5T_STD_REF_OBJ) <= 0) {
    throw DataError(fmt::format("{}: found {}, expected references to objects", where_,
                                class_name(H5Tget_class(type_.get()))));
  }
  return numbers<hobj_ref_t>(H5T_STD_REF_OBJ);
}

std::vector<std::string> Hdf5Values::fixed_strings() const {
  const size_t size = H5Tget_size(type_.get());
  const H5T_str_t padding = H5Tget_strpad(type_.get());
  std::vector<char> text(count_ * size);
  read(type_.get(), text.data());
  std::vector<std::string> out(count_);
  for (uint64_t i = 0; i < count_; ++i) out[i] = unpadded(text.data() + i * size, size, padding);
  return out;
}

// Values first.. of the row-major order, which for variable strings is a list or a single value.
void Hdf5Values::read_some_strings(uint64_t first, std::vector<char*>& out, hid_t type) const {
  if (!is_dataset() || shape_.size() != 1) return read(type, out.data());
  const hsize_t start = first, count = out.size();
  const Hdf5Handle from(H5Scopy(space_.get()), H5Sclose);
  const Hdf5Handle to(H5Screate_simple(1, &count, nullptr), H5Sclose);
  H5Sselect_hyperslab(from.get(), H5S_SELECT_SET, &start, nullptr, &count, nullptr);
  if (H5Dread(id(), type, to.get(), from.get(), H5P_DEFAULT, out.data()) < 0) {
    throw DataError(where_ + ": its stored values are damaged");
  }
}

std::vector<std::string> Hdf5Values::variable_strings() const {
  const Hdf5Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.get(), H5T_VARIABLE);
  H5Tset_cset(type.get(), H5Tget_cset(type_.get()));
  // Many values may share one stored text, so that their sum is only known while they are read.
  const bool in_parts = is_dataset() && shape_.size() == 1;
  const uint64_t at_once = in_parts ? kStringsAtOnce : count_;
  std::vector<std::string> out;
  uint64_t total = 0;
  for (uint64_t first = 0; first < count_; first += at_once) {
    std::vector<char*> texts(std::min(at_once, count_ - first));
    read_some_strings(first, texts, type.get());
    for (char*& text : texts) {
      out.emplace_back(text == nullptr ? "" : text);
      total += out.back().size();
      H5free_memory(text);
    }
    if (total > limits_.memory_bytes) {
      throw DataError(fmt::format("{}: found texts of {} bytes or more, expected at most {}",
                                  where_, grouped(total), grouped(limits_.memory_bytes)));
    }
  }
  return out;
}

}  // namespace tenfold::io
