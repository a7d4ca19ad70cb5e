// Files of plain arrays, told apart by their contents: .npy, .npz, .safetensors, MATLAB, HDF5, and
// tables of numbers as text (.csv, .tsv, .txt). One 2-D array is chosen from them (specification of
// samba-align, section 2.2).
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "common/io/file.h"

namespace tenfold::io {

struct ArrayEntry {
  std::string name, type;      // "tc", "double"
  std::vector<int64_t> shape;  // MATLAB's own for its files
  bool numeric = false;
};

struct ArrayFile {
  std::string path, format;  // "MATLAB 7.3", "NumPy .npz", ...
  std::vector<ArrayEntry> entries;
  std::vector<std::string> column_names;              // of a text table that has a header line
  std::vector<std::string> notes;                     // what a log should say
  std::function<std::vector<double>(size_t)> values;  // row-major, of a numeric entry
};

// Throws MissingInput, DataError: PyTorch's pickles (.pt, .pth, whatever their name) with advice,
// unknown contents, damage.
ArrayFile open_array_file(const std::string& path);

// The contents are those of an array file, or of a pickle that open_array_file refuses.
bool is_array_file(const Bytes& file);

// Throws DataError, with advice how to save instead, for a pickle, torch.save's archives too.
void refuse_pickle(const Bytes& file, const std::string& path);

struct PlainMatrix {
  std::string format, name;
  int64_t rows = 0, columns = 0;
  std::vector<double> values;  // row-major
  std::vector<std::string> column_names, notes;
};

// The entry `wanted`, or where that is empty the only 2-D numeric array with more than one row and
// column. `option` is what names the entry on the command line ("--mat-var"); each option stands in
// messages about files of its kind. Throws as open_array_file, and DataError that lists the arrays
// where there is none, or more than one.
struct ArrayOptions {
  std::string mat_var, h5_dataset, array;  // for MATLAB, HDF5, and .npz or .safetensors
};
PlainMatrix read_matrix(const std::string& path, const ArrayOptions& options = {});
PlainMatrix choose_matrix(const ArrayFile& file, const ArrayOptions& options);

// Turns rows into columns.
void transpose(PlainMatrix& matrix);

// [channels, times] by --layout ("ct", "tc", or "auto" for whichever axis is `channels` long, which
// is 0 where it is not known). Throws DataError naming both sizes where both axes or none match, or
// the layout says otherwise.
void require_channels_first(PlainMatrix& matrix, const std::string& layout, int64_t channels,
                            const std::string& path);

}  // namespace tenfold::io
