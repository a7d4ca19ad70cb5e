#include "common/io/hdf5_reader.h"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <filesystem>

#include "common/core/error.h"
#include "common/io/descriptor.h"
#include "common/io/hdf5_handle.h"
#include "common/io/hdf5_values.h"
#include "common/io/text.h"

namespace tenfold::io {
namespace {

static_assert(sizeof(hid_t) == sizeof(int64_t), "Hdf5Reader keeps a hid_t as int64_t");

constexpr std::array<uint8_t, 8> kSignature = {0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n'};

herr_t refuse_other_file(const char*, const char*, const char*, const char*, unsigned*, hid_t,
                         void*) {
  return -1;
}

// How links are followed: not into other files.
Hdf5Handle link_access() {
  Hdf5Handle access(H5Pcreate(H5P_LINK_ACCESS), H5Pclose);
  H5Pset_elink_cb(access.get(), refuse_other_file, nullptr);
  return access;
}

std::string absolute(const std::string& path) {
  return !path.empty() && path[0] == '/' ? path : "/" + path;
}

std::string place(const std::string& file, const std::string& path) {
  return file + ": " + shown(absolute(path));
}

Hdf5Kind kind_of(hid_t object) {
  switch (H5Iget_type(object)) {
    case H5I_GROUP:
      return Hdf5Kind::kGroup;
    case H5I_DATASET:
      return Hdf5Kind::kDataset;
    default:
      return Hdf5Kind::kOther;
  }
}

// The object, or an invalid handle where the path leads nowhere.
Hdf5Handle open_object(hid_t file, const std::string& path) {
  const Hdf5Handle access = link_access();
  const std::string whole = absolute(path);
  for (size_t at = whole.find('/', 1); whole != "/"; at = whole.find('/', at + 1)) {
    if (H5Lexists(file, whole.substr(0, at).c_str(), access.get()) <= 0) return {-1, H5Oclose};
    if (at == std::string::npos) break;
  }
  return {H5Oopen(file, whole.c_str(), access.get()), H5Oclose};
}

Hdf5Handle require_object(const Hdf5Reader& file, hid_t id, const std::string& path) {
  Hdf5Handle object = open_object(id, path);
  if (!object.valid()) throw DataError(place(file.name(), path) + ": is not in the file");
  return object;
}

Hdf5Handle require_kind(const Hdf5Reader& file, hid_t id, const std::string& path, Hdf5Kind kind) {
  Hdf5Handle object = require_object(file, id, path);
  if (kind_of(object.get()) == kind) return object;
  throw DataError(fmt::format("{}: is no {}", place(file.name(), path),
                              kind == Hdf5Kind::kGroup ? "group" : "dataset"));
}

Hdf5Values dataset_values(const Hdf5Reader& file, hid_t id, const std::string& path,
                          Hdf5Limits limits) {
  return Hdf5Values(require_kind(file, id, path, Hdf5Kind::kDataset), place(file.name(), path),
                    limits);
}

Hdf5Values attribute_values(const Hdf5Handle& object, const std::string& where,
                            const std::string& name, Hdf5Limits limits) {
  const std::string attribute = where + ": attribute " + shown(name);
  if (H5Aexists(object.get(), name.c_str()) <= 0) throw DataError(attribute + " is not there");
  Hdf5Handle id(H5Aopen(object.get(), name.c_str(), H5P_DEFAULT), H5Aclose);
  if (!id.valid()) throw DataError(attribute + " is damaged");
  return Hdf5Values(std::move(id), attribute, limits);
}

template <class T>
T single(const std::vector<T>& values, const std::string& where) {
  if (values.size() == 1) return values[0];
  throw DataError(fmt::format("{}: found {} values, expected one", where, grouped(values.size())));
}

herr_t add_name(hid_t, const char* name, const H5L_info_t*, void* names) {
  static_cast<std::vector<std::string>*>(names)->emplace_back(name);
  return 0;
}

[[noreturn]] void throw_unreadable(const std::string& name, const uint8_t* first, uint64_t bytes) {
  if (bytes < kSignature.size() || !std::equal(kSignature.begin(), kSignature.end(), first)) {
    throw DataError(name + ": is no HDF5 file (its first bytes are not those of one)");
  }
  throw DataError(
      fmt::format("{}: the HDF5 file is truncated or damaged ({} bytes are there); download it "
                  "again",
                  name, grouped(bytes)));
}

// A property list for reading, without locks, which network file systems may not have.
Hdf5Handle file_access() {
  Hdf5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  H5Pset_file_locking(access.get(), false, true);
  return access;
}

}  // namespace

Hdf5Reader::Hdf5Reader(int64_t id, std::string name, uint64_t bytes, uint64_t limit)
    : id_(id), name_(std::move(name)), bytes_(bytes), limit_(limit) {}

Hdf5Reader::~Hdf5Reader() {
  if (id_ >= 0) H5Fclose(id_);
}

Hdf5Reader::Hdf5Reader(Hdf5Reader&& other) noexcept
    : id_(std::exchange(other.id_, -1)),
      name_(std::move(other.name_)),
      bytes_(other.bytes_),
      limit_(other.limit_) {}

Hdf5Reader Hdf5Reader::open(const std::string& path, uint64_t limit) {
  std::array<uint8_t, kSignature.size()> first{};
  const uint64_t start = read_some(open_input(path), first.data(), first.size(), path);
  std::error_code unknown;
  const uint64_t bytes = std::filesystem::file_size(path, unknown);
  quiet_hdf5();
  Hdf5Handle id(H5Fopen(path.c_str(), H5F_ACC_RDONLY, file_access().get()), H5Fclose);
  if (!id.valid() || unknown) throw_unreadable(path, first.data(), unknown ? start : bytes);
  return Hdf5Reader(id.release(), path, bytes, limit);
}

Hdf5Reader Hdf5Reader::parse(const Bytes& file, const std::string& name, uint64_t limit) {
  quiet_hdf5();
  const Hdf5Handle access = file_access();
  H5Pset_fapl_core(access.get(), size_t{1} << 16, false);
  // libhdf5 copies the image, whatever its parameter's type says.
  if (file.empty()) throw_unreadable(name, nullptr, 0);
  H5Pset_file_image(access.get(), const_cast<uint8_t*>(file.data()), file.size());
  Hdf5Handle id(H5Fopen("image", H5F_ACC_RDONLY, access.get()), H5Fclose);
  if (!id.valid()) throw_unreadable(name, file.data(), file.size());
  return Hdf5Reader(id.release(), name, file.size(), limit);
}

bool Hdf5Reader::has(const std::string& path) const { return open_object(id_, path).valid(); }

bool Hdf5Reader::has_group(const std::string& path) const {
  const Hdf5Handle object = open_object(id_, path);
  return object.valid() && kind_of(object.get()) == Hdf5Kind::kGroup;
}

bool Hdf5Reader::has_dataset(const std::string& path) const {
  const Hdf5Handle object = open_object(id_, path);
  return object.valid() && kind_of(object.get()) == Hdf5Kind::kDataset;
}

std::vector<Hdf5Child> Hdf5Reader::children(const std::string& path) const {
  const Hdf5Handle group = require_kind(*this, id_, path, Hdf5Kind::kGroup);
  std::vector<std::string> names;
  if (H5Literate(group.get(), H5_INDEX_NAME, H5_ITER_NATIVE, nullptr, add_name, &names) < 0) {
    throw DataError(place(name_, path) + ": the list of its members is damaged");
  }
  std::sort(names.begin(), names.end());
  std::vector<Hdf5Child> out;
  for (std::string& name : names) {
    const Hdf5Handle child = open_object(id_, absolute(path) + "/" + name);
    out.push_back({std::move(name), child.valid() ? kind_of(child.get()) : Hdf5Kind::kOther});
  }
  return out;
}

std::vector<int64_t> Hdf5Reader::shape(const std::string& path) const {
  return dataset_values(*this, id_, path, {bytes_, limit_}).shape();
}

Hdf5Array<double> Hdf5Reader::doubles(const std::string& path) const {
  const Hdf5Values values = dataset_values(*this, id_, path, {bytes_, limit_});
  return {values.shape(), values.doubles()};
}

Hdf5Array<int64_t> Hdf5Reader::integers(const std::string& path) const {
  const Hdf5Values values = dataset_values(*this, id_, path, {bytes_, limit_});
  return {values.shape(), values.integers()};
}

Hdf5Array<std::string> Hdf5Reader::strings(const std::string& path) const {
  const Hdf5Values values = dataset_values(*this, id_, path, {bytes_, limit_});
  return {values.shape(), values.strings()};
}

bool Hdf5Reader::holds_strings(const std::string& path) const {
  return dataset_values(*this, id_, path, {bytes_, limit_}).holds_strings();
}

bool Hdf5Reader::holds_numbers(const std::string& path) const {
  return dataset_values(*this, id_, path, {bytes_, limit_}).holds_numbers();
}

Hdf5Array<std::vector<double>> Hdf5Reader::referenced(const std::string& path) const {
  const Hdf5Values values = dataset_values(*this, id_, path, {bytes_, limit_});
  Hdf5Array<std::vector<double>> out{values.shape(), {}};
  for (const hobj_ref_t reference : values.references()) {
    const std::string where =
        fmt::format("{}: reference {}", values.where(), grouped(out.values.size()));
    Hdf5Handle object(H5Rdereference2(id_, H5P_DEFAULT, H5R_OBJECT, &reference), H5Oclose);
    if (!object.valid() || kind_of(object.get()) != Hdf5Kind::kDataset) {
      throw DataError(where + ": leads to no dataset");
    }
    std::vector<double>& found = out.values.emplace_back();
    const std::string empty = "MATLAB_empty";
    if (H5Aexists(object.get(), empty.c_str()) > 0) {
      const Hdf5Limits limits = {bytes_, limit_};
      if (single(attribute_values(object, where, empty, limits).doubles(), where) != 0) continue;
    }
    found = Hdf5Values(std::move(object), where, {bytes_, limit_}).doubles();
  }
  return out;
}

bool Hdf5Reader::has_attribute(const std::string& path, const std::string& name) const {
  const Hdf5Handle object = require_object(*this, id_, path);
  return H5Aexists(object.get(), name.c_str()) > 0;
}

double Hdf5Reader::number_attribute(const std::string& path, const std::string& name) const {
  const Hdf5Handle object = require_object(*this, id_, path);
  const Hdf5Values values = attribute_values(object, place(name_, path), name, {bytes_, limit_});
  return single(values.doubles(), values.where());
}

std::string Hdf5Reader::text_attribute(const std::string& path, const std::string& name) const {
  const Hdf5Handle object = require_object(*this, id_, path);
  const Hdf5Values values = attribute_values(object, place(name_, path), name, {bytes_, limit_});
  return single(values.strings(), values.where());
}

std::vector<std::string> Hdf5Reader::texts_attribute(const std::string& path,
                                                     const std::string& name) const {
  const Hdf5Handle object = require_object(*this, id_, path);
  const Hdf5Values values = attribute_values(object, place(name_, path), name, {bytes_, limit_});
  // An empty list may have been stored as numbers: numpy knows no strings without a length.
  return values.empty() ? std::vector<std::string>() : values.strings();
}

}  // namespace tenfold::io
