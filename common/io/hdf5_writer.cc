#include "common/io/hdf5_writer.h"

#include <stdlib.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <functional>
#include <numeric>

#include "common/core/error.h"
#include "common/io/descriptor.h"
#include "common/io/hdf5_handle.h"

namespace tenfold::io {
namespace {

constexpr uint64_t kChunkBytes = uint64_t{1} << 18;
constexpr unsigned kGzipLevel = 4;
constexpr unsigned kMostLinksInHeader = 64;

void require(bool done, const std::string& path) {
  if (!done) throw IoError("HDF5: " + path + ": cannot write");
}

std::string scratch_file() {
  std::error_code ignored;
  std::string path =
      (std::filesystem::temp_directory_path(ignored) / "tenfold-hdf5-XXXXXX").string();
  const Descriptor file(::mkstemp(path.data()));
  if (!file.valid()) throw CannotCreate(path + ": cannot create: " + reason(errno));
  return path;
}

// The format of libhdf5 1.8, whose headers carry checksums; every later release reads it.
Hdf5Handle new_file(const std::string& path) {
  const Hdf5Handle access(H5Pcreate(H5P_FILE_ACCESS), H5Pclose);
  const Hdf5Handle creation(H5Pcreate(H5P_FILE_CREATE), H5Pclose);
  H5Pset_file_locking(access.get(), false, true);
  H5Pset_libver_bounds(access.get(), H5F_LIBVER_V18, H5F_LIBVER_V18);
  H5Pset_link_phase_change(creation.get(), kMostLinksInHeader, kMostLinksInHeader / 2);
  H5Pset_obj_track_times(creation.get(), false);
  return {H5Fcreate(path.c_str(), H5F_ACC_TRUNC, creation.get(), access.get()), H5Fclose};
}

// Makes missing groups above an object.
Hdf5Handle link_creation() {
  Hdf5Handle creation(H5Pcreate(H5P_LINK_CREATE), H5Pclose);
  H5Pset_create_intermediate_group(creation.get(), 1);
  return creation;
}

Hdf5Handle fixed_type(const std::vector<std::string>& texts) {
  size_t longest = 1;
  for (const std::string& text : texts) longest = std::max(longest, text.size());
  Hdf5Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.get(), longest);
  H5Tset_strpad(type.get(), H5T_STR_NULLPAD);
  return type;
}

Hdf5Handle variable_type() {
  Hdf5Handle type(H5Tcopy(H5T_C_S1), H5Tclose);
  H5Tset_size(type.get(), H5T_VARIABLE);
  H5Tset_cset(type.get(), H5T_CSET_UTF8);
  return type;
}

std::vector<char> padded(const std::vector<std::string>& texts, size_t size) {
  std::vector<char> out(texts.size() * size);
  for (size_t i = 0; i < texts.size(); ++i) {
    std::copy(texts[i].begin(), texts[i].end(),
              out.begin() + static_cast<std::ptrdiff_t>(i * size));
  }
  return out;
}

Hdf5Handle dataset_creation(const std::vector<hsize_t>& shape, size_t element_bytes,
                            Hdf5Storage storage) {
  Hdf5Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  H5Pset_obj_track_times(creation.get(), false);
  if (storage == Hdf5Storage::kPlain || shape[0] == 0) return creation;
  std::vector<hsize_t> chunk = shape;
  const uint64_t row_bytes =
      std::accumulate(shape.begin() + 1, shape.end(), uint64_t{element_bytes}, std::multiplies<>());
  chunk[0] = std::clamp<uint64_t>(kChunkBytes / std::max<uint64_t>(row_bytes, 1), 1, shape[0]);
  H5Pset_chunk(creation.get(), static_cast<int>(chunk.size()), chunk.data());
  H5Pset_shuffle(creation.get());
  H5Pset_deflate(creation.get(), kGzipLevel);
  return creation;
}

Hdf5Handle open_object(hid_t file, const std::string& path) {
  return {H5Oopen(file, path.c_str(), H5P_DEFAULT), H5Oclose};
}

}  // namespace

// A file on disk: libhdf5's image of a file that it keeps in memory has a wrong checksum.
Hdf5Writer::Hdf5Writer() : scratch_(scratch_file()) {
  quiet_hdf5();
  id_ = new_file(scratch_).release();
  require(id_ >= 0, "/");
}

Hdf5Writer::~Hdf5Writer() {
  if (id_ >= 0) H5Fclose(id_);
  ::unlink(scratch_.c_str());
}

void Hdf5Writer::group(const std::string& path) {
  const Hdf5Handle creation(H5Pcreate(H5P_GROUP_CREATE), H5Pclose);
  H5Pset_obj_track_times(creation.get(), false);
  H5Pset_link_phase_change(creation.get(), kMostLinksInHeader, kMostLinksInHeader / 2);
  const Hdf5Handle made(
      H5Gcreate2(id_, path.c_str(), link_creation().get(), creation.get(), H5P_DEFAULT), H5Gclose);
  require(made.valid(), path);
}

void Hdf5Writer::write_numbers(const std::string& path, int64_t type, const void* values,
                               uint64_t count, std::vector<int64_t> shape, Hdf5Storage storage) {
  if (shape.empty()) shape = {static_cast<int64_t>(count)};
  const std::vector<hsize_t> dims(shape.begin(), shape.end());
  require(std::accumulate(dims.begin(), dims.end(), hsize_t{1}, std::multiplies<>()) == count,
          path);
  const Hdf5Handle space(H5Screate_simple(static_cast<int>(dims.size()), dims.data(), nullptr),
                         H5Sclose);
  const Hdf5Handle creation = dataset_creation(dims, H5Tget_size(type), storage);
  const Hdf5Handle dataset(H5Dcreate2(id_, path.c_str(), type, space.get(), link_creation().get(),
                                      creation.get(), H5P_DEFAULT),
                           H5Dclose);
  require(dataset.valid(), path);
  if (count == 0) return;
  require(H5Dwrite(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0, path);
}

void Hdf5Writer::write(const std::string& path, const std::vector<double>& values,
                       std::vector<int64_t> shape, Hdf5Storage storage) {
  write_numbers(path, H5T_IEEE_F64LE, values.data(), values.size(), std::move(shape), storage);
}

void Hdf5Writer::write(const std::string& path, const std::vector<float>& values,
                       std::vector<int64_t> shape, Hdf5Storage storage) {
  write_numbers(path, H5T_IEEE_F32LE, values.data(), values.size(), std::move(shape), storage);
}

void Hdf5Writer::write(const std::string& path, const std::vector<int64_t>& values,
                       std::vector<int64_t> shape, Hdf5Storage storage) {
  write_numbers(path, H5T_STD_I64LE, values.data(), values.size(), std::move(shape), storage);
}

void Hdf5Writer::write_fixed(const std::string& path, const std::vector<std::string>& texts) {
  const Hdf5Handle type = fixed_type(texts);
  const std::vector<char> text = padded(texts, H5Tget_size(type.get()));
  write_numbers(path, type.get(), text.data(), texts.size(), {}, Hdf5Storage::kPlain);
}

void Hdf5Writer::write_variable(const std::string& path, const std::vector<std::string>& texts) {
  std::vector<const char*> pointers;
  for (const std::string& text : texts) pointers.push_back(text.c_str());
  write_numbers(path, variable_type().get(), pointers.data(), texts.size(), {},
                Hdf5Storage::kPlain);
}

void Hdf5Writer::scalar_attribute(const std::string& path, const std::string& name, int64_t type,
                                  const void* value) {
  const Hdf5Handle object = open_object(id_, path);
  const Hdf5Handle space(H5Screate(H5S_SCALAR), H5Sclose);
  const Hdf5Handle made(
      H5Acreate2(object.get(), name.c_str(), type, space.get(), H5P_DEFAULT, H5P_DEFAULT),
      H5Aclose);
  require(made.valid() && H5Awrite(made.get(), type, value) >= 0, path + ", attribute " + name);
}

void Hdf5Writer::attribute(const std::string& path, const std::string& name, double value) {
  scalar_attribute(path, name, H5T_IEEE_F64LE, &value);
}

void Hdf5Writer::attribute(const std::string& path, const std::string& name, int64_t value) {
  scalar_attribute(path, name, H5T_STD_I64LE, &value);
}

void Hdf5Writer::attribute(const std::string& path, const std::string& name,
                           const std::string& text) {
  const char* pointer = text.c_str();
  scalar_attribute(path, name, variable_type().get(), &pointer);
}

void Hdf5Writer::fixed_attribute(const std::string& path, const std::string& name,
                                 const std::vector<std::string>& texts) {
  const Hdf5Handle object = open_object(id_, path);
  const Hdf5Handle type = fixed_type(texts);
  const hsize_t count = texts.size();
  const Hdf5Handle space(H5Screate_simple(1, &count, nullptr), H5Sclose);
  const Hdf5Handle made(
      H5Acreate2(object.get(), name.c_str(), type.get(), space.get(), H5P_DEFAULT, H5P_DEFAULT),
      H5Aclose);
  require(made.valid(), path + ", attribute " + name);
  if (count == 0) return;
  const std::vector<char> text = padded(texts, H5Tget_size(type.get()));
  require(H5Awrite(made.get(), type.get(), text.data()) >= 0, path + ", attribute " + name);
}

Bytes Hdf5Writer::finish() {
  require(H5Fclose(std::exchange(id_, -1)) >= 0, "/");
  return read_file(scratch_);
}

void Hdf5Writer::save(const std::string& path) {
  const Bytes file = finish();
  write_file_atomic(path, file.data(), file.size());
}

}  // namespace tenfold::io
