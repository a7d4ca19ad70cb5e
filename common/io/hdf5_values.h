// Internal to common/io: the values of an open HDF5 dataset or attribute.
#pragma once

#include <hdf5.h>

#include <cstdint>
#include <string>
#include <vector>

#include "common/io/hdf5_handle.h"

namespace tenfold::io {

struct Hdf5Limits {
  uint64_t file_bytes;    // of the file that holds the values
  uint64_t memory_bytes;  // that they may take
};

class Hdf5Values {
 public:
  // `where` stands in messages. Throws DataError for a shape or
  // type that is damaged.
  Hdf5Values(Hdf5Handle object, std::string where, Hdf5Limits limits);

  const std::string& where() const { return where_; }
  const std::vector<int64_t>& shape() const { return shape_; }
  bool empty() const { return count_ == 0; }
  bool holds_strings() const;
  bool holds_numbers() const;

  // Throw DataError for another kind of value, more than the limits allow, or damaged storage.
  std::vector<double> doubles() const;
  std::vector<int64_t> integers() const;
  std::vector<std::string> strings() const;
  // Of references to objects.
  std::vector<hobj_ref_t> references() const;

 private:
  hid_t id() const { return object_.get(); }
  bool is_dataset() const { return H5Iget_type(id()) == H5I_DATASET; }
  void check_chunks(hid_t layout) const;
  void check_storage() const;
  void check_memory(uint64_t element_bytes) const;
  void check_number(bool floats_too) const;
  void read(hid_t memory_type, void* out) const;
  template <class T>
  std::vector<T> numbers(hid_t memory_type) const;
  std::vector<std::string> fixed_strings() const;
  std::vector<std::string> variable_strings() const;
  void read_some_strings(uint64_t first, std::vector<char*>& out, hid_t type) const;

  Hdf5Handle object_;
  std::string where_;
  Hdf5Limits limits_;
  Hdf5Handle type_, space_;
  std::vector<int64_t> shape_;
  uint64_t count_ = 1;
};

}  // namespace tenfold::io
