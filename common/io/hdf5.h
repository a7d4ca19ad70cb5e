// HDF5 files through libhdf5 1.10: a file is opened, and its groups, attributes and datasets are
// read into plain buffers. Writing is in hdf5_writer.h.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <vector>

#include "common/io/file.h"

namespace tenfold::io {

template <class T>
struct Hdf5Array {
  std::vector<int64_t> shape;  // empty for a scalar
  std::vector<T> values;       // row-major
};

enum class Hdf5Kind { kGroup, kDataset, kOther };

struct Hdf5Child {
  std::string name;
  Hdf5Kind kind;
};

class Hdf5Process;

// One file, open until the object goes. Paths inside it are like "/spikes/timestamps"; a leading
// slash may be left out. Messages read "FILE: PATH: what was found"; those of libhdf5 itself are
// not shown. Soft links are followed; links into other files, datasets kept in other files and
// filters that libhdf5 would load at run time are refused. For one thread at a time.
//
// libhdf5 may crash on a damaged file. It therefore reads in a process of its own, forked when the
// file is opened, which calls nothing else: where it crashes, or uses more CPU time than any file
// of this size needs, every function throws DataError "FILE: damaged HDF5 file (...)".
class Hdf5File {
 public:
  // The most bytes that one dataset may take in memory.
  static constexpr uint64_t kLimit = uint64_t{1} << 34;

  // Throws MissingInput where there is no file, DataError where it is no HDF5 file or is cut or
  // damaged, IoError where no process can be started.
  static Hdf5File open(const std::string& path, uint64_t limit = kLimit);
  // The same for a file in memory; `name` stands in messages.
  static Hdf5File parse(const Bytes& file, const std::string& name, uint64_t limit = kLimit);

  ~Hdf5File();
  Hdf5File(Hdf5File&& other) noexcept;

  const std::string& name() const;

  bool has(const std::string& path) const;
  bool has_group(const std::string& path) const;
  bool has_dataset(const std::string& path) const;
  // Sorted by name. Throws DataError where there is no group.
  std::vector<Hdf5Child> children(const std::string& group) const;

  // All throw DataError where there is no dataset, where it holds another kind of value, or where
  // its size is above the limit or above what a file of this size can hold; memory is taken only
  // afterwards. Numbers may be stored in any width and byte order, in chunks, and compressed.
  std::vector<int64_t> shape(const std::string& dataset) const;
  Hdf5Array<double> doubles(const std::string& dataset) const;       // integers, floats, booleans
  Hdf5Array<int64_t> integers(const std::string& dataset) const;     // integers, booleans
  Hdf5Array<std::string> strings(const std::string& dataset) const;  // of fixed or variable length
  bool holds_strings(const std::string& dataset) const;
  bool holds_numbers(const std::string& dataset) const;  // integers, floats, booleans
  // Of a dataset of references to datasets of numbers (a cell array of MATLAB 7.3) the values of
  // each; none where the attribute MATLAB_empty says so.
  Hdf5Array<std::vector<double>> referenced(const std::string& dataset) const;

  // `object` is a group's or dataset's path. Throw DataError where the attribute is not there or
  // is of another kind.
  bool has_attribute(const std::string& object, const std::string& name) const;
  double number_attribute(const std::string& object, const std::string& name) const;
  std::string text_attribute(const std::string& object, const std::string& name) const;
  std::vector<std::string> texts_attribute(const std::string& object,
                                           const std::string& name) const;  // none for an empty one

 private:
  explicit Hdf5File(std::unique_ptr<Hdf5Process> process);

  std::unique_ptr<Hdf5Process> process_;
};

}  // namespace tenfold::io
