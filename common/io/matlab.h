// MATLAB's files: version 5 (and 7, the same compressed), by an own reader in either byte order,
// and version 7.3, which is HDF5 (specification of samba-align, section 2.2.2). libmatio is not
// used: it takes memory before it checks sizes, and is not safe on damaged files.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/io/file.h"

namespace tenfold::io {

struct MatlabVariable {
  std::string name;
  std::string type;            // "double", "int16", "logical", "char", "cell", "sparse", ...
  std::vector<int64_t> shape;  // as MATLAB shows it
  bool numeric = false;        // real numbers that values() gives
};

class MatlabFile {
 public:
  // The most bytes that one file may take unpacked, and one variable's values.
  static constexpr uint64_t kLimit = uint64_t{1} << 33;

  // By contents, not by name. Throws MissingInput, DataError: neither version, truncated, damaged,
  // sizes that do not fit.
  static MatlabFile open(const std::string& path);
  // Version 5 or 7 only.
  static MatlabFile parse(const Bytes& file, const std::string& name, uint64_t limit = kLimit);

  ~MatlabFile();
  MatlabFile(MatlabFile&& other) noexcept;

  const std::string& version() const;  // "5" or "7.3"
  const std::vector<MatlabVariable>& variables() const;
  // Row-major, of variables()[i], which is numeric. Throws DataError where they are damaged.
  std::vector<double> values(size_t i) const;

  class Contents;  // of one version

 private:
  explicit MatlabFile(std::unique_ptr<Contents> contents);
  std::unique_ptr<Contents> contents_;
};

// The 128 bytes of version 5 or 7.3's header are at the file's begin.
bool is_matlab(const Bytes& file);

}  // namespace tenfold::io
