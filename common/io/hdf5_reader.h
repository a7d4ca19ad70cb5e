// Internal to common/io: an HDF5 file read in this process. libhdf5 itself may crash on a damaged
// file, which is why Hdf5File (hdf5.h) keeps one of these in a process of its own.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/io/file.h"
#include "common/io/hdf5.h"

namespace tenfold::io {

// As Hdf5File, whose functions say what these do.
class Hdf5Reader {
 public:
  static Hdf5Reader open(const std::string& path, uint64_t limit = Hdf5File::kLimit);
  static Hdf5Reader parse(const Bytes& file, const std::string& name,
                          uint64_t limit = Hdf5File::kLimit);

  ~Hdf5Reader();
  Hdf5Reader(Hdf5Reader&& other) noexcept;
  Hdf5Reader(const Hdf5Reader&) = delete;
  Hdf5Reader& operator=(const Hdf5Reader&) = delete;

  const std::string& name() const { return name_; }

  bool has(const std::string& path) const;
  bool has_group(const std::string& path) const;
  bool has_dataset(const std::string& path) const;
  std::vector<Hdf5Child> children(const std::string& group) const;

  std::vector<int64_t> shape(const std::string& dataset) const;
  Hdf5Array<double> doubles(const std::string& dataset) const;
  Hdf5Array<int64_t> integers(const std::string& dataset) const;
  Hdf5Array<std::string> strings(const std::string& dataset) const;
  bool holds_strings(const std::string& dataset) const;
  bool holds_numbers(const std::string& dataset) const;
  Hdf5Array<std::vector<double>> referenced(const std::string& dataset) const;

  bool has_attribute(const std::string& object, const std::string& name) const;
  double number_attribute(const std::string& object, const std::string& name) const;
  std::string text_attribute(const std::string& object, const std::string& name) const;
  std::vector<std::string> texts_attribute(const std::string& object,
                                           const std::string& name) const;

 private:
  Hdf5Reader(int64_t id, std::string name, uint64_t bytes, uint64_t limit);

  int64_t id_;  // libhdf5's
  std::string name_;
  uint64_t bytes_, limit_;
};

}  // namespace tenfold::io
