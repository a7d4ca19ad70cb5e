#include "common/io/array_file.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>
#include <memory>

#include "common/core/error.h"
#include "common/io/hdf5.h"
#include "common/io/matlab.h"
#include "common/io/npy.h"
#include "common/io/number_table.h"
#include "common/io/safetensors.h"
#include "common/io/text.h"
#include "common/io/zip.h"

namespace tenfold::io {
namespace {

constexpr int kDeepestGroup = 16;
constexpr size_t kMostEntries = 4096;

bool starts_with(const Bytes& file, std::string_view magic, size_t at = 0) {
  return file.size() >= at + magic.size() &&
         std::memcmp(file.data() + at, magic.data(), magic.size()) == 0;
}

bool ends_with(std::string_view text, std::string_view end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

bool is_zip(const Bytes& file) {
  return starts_with(file, "PK\3\4") || starts_with(file, "PK\5\6");
}
bool is_npy(const Bytes& file) { return starts_with(file, "\x93NUMPY"); }

bool is_safetensors(const Bytes& file) {
  if (file.size() < 9 || file[8] != '{') return false;
  uint64_t header = 0;
  std::memcpy(&header, file.data(), 8);
  return header <= file.size() - 8;
}

bool is_hdf5(const Bytes& file) {
  constexpr std::string_view kSignature = "\x89HDF\r\n\x1a\n";
  if (starts_with(file, kSignature)) return true;
  for (size_t at = 512; at < file.size(); at *= 2) {
    if (starts_with(file, kSignature, at)) return true;
  }
  return false;
}

// A pickle begins with 0x80 and the number of its protocol.
bool is_pickle(const Bytes& file) {
  return !file.empty() && file[0] == 0x80 && !is_safetensors(file);
}

std::vector<double> doubles_of(const Tensor& t, const std::string& where) {
  switch (t.dtype) {
    case DType::kF64:
      return {t.as<double>(), t.as<double>() + t.numel()};
    case DType::kF16:
    case DType::kBF16:
    case DType::kF32: {
      const std::vector<float> floats = t.to_float32(where);
      return {floats.begin(), floats.end()};
    }
    case DType::kBool:
      return {t.as<bool>(), t.as<bool>() + t.numel()};
    default: {
      const std::vector<int64_t> integers = t.to_int64(where);
      return {integers.begin(), integers.end()};
    }
  }
}

ArrayFile file_of(std::map<std::string, Tensor> tensors, const std::string& path,
                  const std::string& format) {
  ArrayFile out;
  out.path = path;
  out.format = format;
  auto kept = std::make_shared<std::vector<Tensor>>();
  for (auto& [name, t] : tensors) {
    out.entries.push_back({name, dtype_name(t.dtype), t.shape, true});
    kept->push_back(std::move(t));
  }
  out.values = [kept, path](size_t i) { return doubles_of((*kept)[i], path); };
  return out;
}

ArrayFile open_matlab(const std::string& path) {
  const auto file = std::make_shared<MatlabFile>(MatlabFile::open(path));
  ArrayFile out;
  out.path = path;
  out.format = "MATLAB " + file->version();
  for (const MatlabVariable& v : file->variables())
    out.entries.push_back({v.name, v.type, v.shape, v.numeric});
  out.values = [file](size_t i) { return file->values(i); };
  return out;
}

void list_datasets(const Hdf5File& file, const std::string& group, int depth, ArrayFile& out) {
  for (const Hdf5Child& child : file.children(group)) {
    const std::string at = group + "/" + child.name;
    if (child.kind == Hdf5Kind::kGroup && depth < kDeepestGroup)
      list_datasets(file, at, depth + 1, out);
    if (child.kind != Hdf5Kind::kDataset) continue;
    if (out.entries.size() == kMostEntries)
      throw DataError(fmt::format("{}: found more than {} datasets", out.path, kMostEntries));
    const bool numeric = file.holds_numbers(at);
    out.entries.push_back({at, numeric ? "numbers" : "other", file.shape(at), numeric});
  }
}

ArrayFile open_hdf5(const std::string& path) {
  const auto file = std::make_shared<Hdf5File>(Hdf5File::open(path));
  ArrayFile out;
  out.path = path;
  out.format = "HDF5";
  if (ends_with(path, ".mat")) {
    out.notes.push_back(path + ": has no header of MATLAB 7.3: read as plain HDF5, as stored");
  }
  list_datasets(*file, "", 0, out);
  const std::vector<ArrayEntry> entries = out.entries;
  out.values = [file, entries](size_t i) { return file->doubles(entries[i].name).values; };
  return out;
}

ArrayFile open_table(const Bytes& file, const std::string& path) {
  auto table = std::make_shared<NumberTable>(parse_number_table(file, path));
  ArrayFile out;
  out.path = path;
  out.format = "text";
  out.column_names = table->names;
  out.entries.push_back({"", "text", {table->rows, table->columns}, true});
  out.values = [table](size_t) { return table->values; };
  return out;
}

bool is_matrix(const ArrayEntry& e) { return e.numeric && e.shape.size() == 2; }
bool is_broad(const ArrayEntry& e) { return is_matrix(e) && e.shape[0] > 1 && e.shape[1] > 1; }

std::string list_of(const ArrayFile& file) {
  constexpr size_t kShown = 12;
  std::string out;
  for (size_t i = 0; i < std::min(file.entries.size(), kShown); ++i) {
    const ArrayEntry& e = file.entries[i];
    out += fmt::format("{}{}{}{} [{}]", i > 0 ? ", " : "", shown(e.name), e.name.empty() ? "" : " ",
                       e.type, fmt::join(e.shape, " x "));
  }
  return file.entries.size() > kShown ? out + ", ..." : out.empty() ? "nothing" : out;
}

struct Wanted {
  const char* option;
  std::string name;
};

Wanted wanted_of(const ArrayFile& file, const ArrayOptions& o) {
  if (file.format.compare(0, 6, "MATLAB") == 0) return {"--mat-var", o.mat_var};
  if (file.format == "HDF5") {
    const bool relative = !o.h5_dataset.empty() && o.h5_dataset[0] != '/';
    return {"--h5-dataset", relative ? "/" + o.h5_dataset : o.h5_dataset};
  }
  return {"--array", o.array};
}

size_t index_of(const ArrayFile& file, const Wanted& wanted) {
  const std::vector<ArrayEntry>& all = file.entries;
  if (!wanted.name.empty() && file.format != "text" && file.format != "NumPy .npy") {
    for (size_t i = 0; i < all.size(); ++i) {
      if (all[i].name != wanted.name) continue;
      if (is_matrix(all[i])) return i;
      throw DataError(fmt::format("{}: {} {}: found {} [{}], expected a 2-D array of real numbers",
                                  file.path, wanted.option, shown(wanted.name), all[i].type,
                                  fmt::join(all[i].shape, " x ")));
    }
    throw DataError(fmt::format("{}: {} {}: is not there; found {}", file.path, wanted.option,
                                shown(wanted.name), list_of(file)));
  }
  for (const auto fits : {is_broad, is_matrix}) {
    const auto n = std::count_if(all.begin(), all.end(), fits);
    if (n == 1) return size_t(std::find_if(all.begin(), all.end(), fits) - all.begin());
    if (n > 1) {
      throw DataError(fmt::format("{}: found {} 2-D arrays, expected one: choose by {}: {}",
                                  file.path, n, wanted.option, list_of(file)));
    }
  }
  throw DataError(
      fmt::format("{}: found {}, expected a 2-D array of real numbers", file.path, list_of(file)));
}

}  // namespace

void refuse_pickle(const Bytes& file, const std::string& path) {
  bool pickle = is_pickle(file);
  if (is_zip(file)) {
    for (const ZipMember& m : list_zip(file, path))
      pickle = pickle || m.name == "data.pkl" || ends_with(m.name, "/data.pkl");
  }
  if (!pickle) return;
  throw DataError(
      path +
      ": found a pickle (of torch.save), which could run code and is not read: save the tensor as "
      ".npy (numpy.save of x.numpy()) or .safetensors, several (x, y, sub) as .npz (numpy.savez)");
}

bool is_array_file(const Bytes& file) {
  return is_npy(file) || is_zip(file) || is_safetensors(file) || is_matlab(file) || is_hdf5(file) ||
         is_pickle(file);
}

ArrayFile open_array_file(const std::string& path) {
  const Bytes file = read_file(path);
  refuse_pickle(file, path);
  if (is_npy(file)) return file_of({{"", parse_npy(file, path)}}, path, "NumPy .npy");
  if (is_zip(file)) return file_of(parse_npz(file, path), path, "NumPy .npz");
  if (is_safetensors(file))
    return file_of(parse_safetensors(file, path).tensors, path, "safetensors");
  if (is_matlab(file)) return open_matlab(path);
  if (is_hdf5(file)) return open_hdf5(path);
  for (const char* end : {".csv", ".tsv", ".txt"}) {
    if (ends_with(path, end)) return open_table(file, path);
  }
  if (file.empty()) throw DataError(path + ": found 0 bytes, expected an array");
  throw DataError(path +
                  ": is none of .npy, .npz, .safetensors, .mat (version 5, 7 or 7.3), HDF5 by its "
                  "contents, nor .csv, .tsv or .txt by its name");
}

PlainMatrix choose_matrix(const ArrayFile& file, const ArrayOptions& options) {
  const size_t i = index_of(file, wanted_of(file, options));
  PlainMatrix out;
  out.format = file.format;
  out.name = file.entries[i].name;
  out.rows = file.entries[i].shape[0];
  out.columns = file.entries[i].shape[1];
  if (out.rows < 1 || out.columns < 1)
    throw DataError(fmt::format("{}: found {} x {} numbers, expected at least one", file.path,
                                out.rows, out.columns));
  out.values = file.values(i);
  out.column_names = file.column_names;
  out.notes = file.notes;
  return out;
}

PlainMatrix read_matrix(const std::string& path, const ArrayOptions& options) {
  return choose_matrix(open_array_file(path), options);
}

void transpose(PlainMatrix& m) {
  std::vector<double> turned(m.values.size());
  for (int64_t r = 0; r < m.rows; ++r)
    for (int64_t c = 0; c < m.columns; ++c)
      turned[size_t(c * m.rows + r)] = m.values[size_t(r * m.columns + c)];
  m.values = std::move(turned);
  std::swap(m.rows, m.columns);
}

void require_channels_first(PlainMatrix& m, const std::string& layout, int64_t channels,
                            const std::string& path) {
  std::string found = layout == "auto" ? "" : layout;
  if (found.empty()) {
    const bool rows = channels > 0 && m.rows == channels,
               columns = channels > 0 && m.columns == channels;
    if (rows == columns) {
      throw DataError(fmt::format(
          "{}: found {} x {} numbers and {} parcels{}: which axis is time? give --layout ct (rows "
          "are parcels) or tc (rows are times)",
          path, m.rows, m.columns, rows ? "both axes have" : "no known number of",
          rows           ? fmt::format(" ({})", channels)
          : channels > 0 ? fmt::format(" that fits ({})", channels)
                         : ""));
    }
    found = rows ? "ct" : "tc";
  }
  const int64_t is = found == "ct" ? m.rows : m.columns;
  if (channels > 0 && is != channels) {
    throw DataError(
        fmt::format("{}: --layout {}: found {} x {} numbers, expected {} parcels along "
                    "the {}",
                    path, found, m.rows, m.columns, channels, found == "ct" ? "rows" : "columns"));
  }
  if (found == "tc") transpose(m);
}

}  // namespace tenfold::io
