#include "common/io/matlab.h"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>

#include "common/core/error.h"
#include "common/io/hdf5.h"
#include "common/io/matlab_contents.h"
#include "common/io/stored_numbers.h"

namespace tenfold::io {
namespace {

constexpr uint64_t kHeader = 128, kVersionAt = 124, kOrderAt = 126;
constexpr int kVersion5 = 0x0100, kVersion73 = 0x0200;

// The version's number at the end of the header, 0 where there is no header.
int version_of(const Bytes& file) {
  if (file.size() < kHeader) return 0;
  const char* const order = reinterpret_cast<const char*>(file.data()) + kOrderAt;
  const bool little = std::string_view(order, 2) == "IM", big = std::string_view(order, 2) == "MI";
  if (!little && !big) return 0;
  return stored_number<uint16_t>(file.data() + kVersionAt, big);
}

// Version 7.3: HDF5 datasets, with their dimensions in reverse.
class Matlab73 : public MatlabFile::Contents {
 public:
  explicit Matlab73(const std::string& path) : file_(Hdf5File::open(path)) {
    version = "7.3";
    for (const Hdf5Child& child : file_.children("/")) {
      if (!child.name.empty() && child.name[0] == '#') continue;  // MATLAB's own
      MatlabVariable v;
      v.name = child.name;
      const std::string at = "/" + child.name;
      const bool named = file_.has_attribute(at, "MATLAB_class");
      v.type = named ? file_.text_attribute(at, "MATLAB_class") : "unknown";
      if (child.kind == Hdf5Kind::kDataset) {
        v.shape = file_.shape(at);
        std::reverse(v.shape.begin(), v.shape.end());
        v.numeric = file_.holds_numbers(at) && v.type != "char";
        if (file_.has_attribute(at, "MATLAB_empty")) {
          v.shape = {0, 0};
          v.numeric = false;
        }
      } else if (named && file_.has_attribute(at, "MATLAB_sparse")) {
        v.type = "sparse " + v.type;
      }
      variables.push_back(std::move(v));
    }
  }

  std::vector<double> values(size_t i) const override {
    const Hdf5Array<double> stored = file_.doubles("/" + variables[i].name);
    return row_major(stored.values, variables[i].shape);
  }

 private:
  Hdf5File file_;
};

}  // namespace

MatlabFile::MatlabFile(std::unique_ptr<Contents> contents) : contents_(std::move(contents)) {}
MatlabFile::~MatlabFile() = default;
MatlabFile::MatlabFile(MatlabFile&& other) noexcept = default;

const std::string& MatlabFile::version() const { return contents_->version; }
const std::vector<MatlabVariable>& MatlabFile::variables() const { return contents_->variables; }
std::vector<double> MatlabFile::values(size_t i) const { return contents_->values(i); }

bool is_matlab(const Bytes& file) {
  const int version = version_of(file);
  return version == kVersion5 || version == kVersion73;
}

std::unique_ptr<MatlabFile::Contents> open_matlab_73(const std::string& path) {
  return std::make_unique<Matlab73>(path);
}

MatlabFile MatlabFile::open(const std::string& path) {
  const Bytes file = read_file(path);
  if (version_of(file) == kVersion73) return MatlabFile(open_matlab_73(path));
  return parse(file, path);
}

MatlabFile MatlabFile::parse(const Bytes& file, const std::string& name, uint64_t limit) {
  const int version = version_of(file);
  if (version == kVersion73) {
    throw DataError(name + ": found version 7.3, expected version 5 or 7 in memory");
  }
  if (version != kVersion5) {
    throw DataError(
        fmt::format("{}: found no header of MATLAB version 5, 7 or 7.3 in the first 128 bytes; "
                    "version 4 is not "
                    "read: save it with -v7",
                    name));
  }
  return MatlabFile(parse_matlab_5(file, name, limit));
}

}  // namespace tenfold::io
