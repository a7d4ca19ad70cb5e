// Writes an HDF5 file, for libhdf5 1.8 and later. It is made in the folder of temporary files and
// appears where it belongs at once.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/io/file.h"

namespace tenfold::io {

enum class Hdf5Storage { kPlain, kCompressed };  // compressed: in chunks, by gzip

// Groups above a path are made where they are missing. Two files of the same contents have the
// same bytes. The functions throw IoError where a path is written twice, a shape is
// of another size than the values, or the disk is full.
class Hdf5Writer {
 public:
  Hdf5Writer();  // throws CannotCreate without a folder for temporary files
  ~Hdf5Writer();
  Hdf5Writer(const Hdf5Writer&) = delete;
  Hdf5Writer& operator=(const Hdf5Writer&) = delete;

  void group(const std::string& path);

  // Row-major values; without a shape it is [size].
  void write(const std::string& path, const std::vector<double>& values,
             std::vector<int64_t> shape = {}, Hdf5Storage storage = Hdf5Storage::kPlain);
  void write(const std::string& path, const std::vector<float>& values,
             std::vector<int64_t> shape = {}, Hdf5Storage storage = Hdf5Storage::kPlain);
  void write(const std::string& path, const std::vector<int64_t>& values,
             std::vector<int64_t> shape = {}, Hdf5Storage storage = Hdf5Storage::kPlain);
  // ASCII of the longest text's length, padded with NUL, or of variable length in UTF-8.
  void write_fixed(const std::string& path, const std::vector<std::string>& texts);
  void write_variable(const std::string& path, const std::vector<std::string>& texts);

  // Scalars on a group or dataset; a text is of variable length in UTF-8.
  void attribute(const std::string& object, const std::string& name, double value);
  void attribute(const std::string& object, const std::string& name, int64_t value);
  void attribute(const std::string& object, const std::string& name, const std::string& text);
  // A list of ASCII texts of fixed length, which may be empty.
  void fixed_attribute(const std::string& object, const std::string& name,
                       const std::vector<std::string>& texts);

  // The file; nothing can be written afterwards.
  Bytes finish();
  // finish(), then write_file_atomic().
  void save(const std::string& path);

 private:
  void write_numbers(const std::string& path, int64_t type, const void* values, uint64_t count,
                     std::vector<int64_t> shape, Hdf5Storage storage);
  void scalar_attribute(const std::string& object, const std::string& name, int64_t type,
                        const void* value);

  std::string scratch_;  // the file being written
  int64_t id_;           // libhdf5's; negative when finished
};

}  // namespace tenfold::io
