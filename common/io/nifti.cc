#include "common/io/nifti.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <optional>

#include "common/core/error.h"
#include "common/io/gzip.h"
#include "common/io/stored_numbers.h"
#include "common/io/text.h"

namespace tenfold::io {
namespace {

constexpr uint64_t kSize1 = 348, kSize2 = 540;
constexpr double kLongestTr = 30;  // s

struct Datatype {
  int32_t code;
  NumberType type;
};
constexpr Datatype kDatatypes[] = {{2, NumberType::kU8},     {4, NumberType::kI16},
                                   {8, NumberType::kI32},    {16, NumberType::kF32},
                                   {64, NumberType::kF64},   {256, NumberType::kI8},
                                   {512, NumberType::kU16},  {768, NumberType::kU32},
                                   {1024, NumberType::kI64}, {1280, NumberType::kU64}};

// The double of a float's shortest decimal: 0.72 and not 0.7200000286.
double shortest(float value) { return std::strtod(fmt::format("{}", value).c_str(), nullptr); }

// Where the two versions keep what, and as which type.
class Fields {
 public:
  Fields(const Bytes& file, int version, bool big_endian)
      : at_(file.data()), two_(version == 2), big_(big_endian) {}

  int64_t dim(int i) const { return two_ ? get<int64_t>(16 + 8 * i) : get<int16_t>(40 + 2 * i); }
  double pixdim(int i) const {
    return two_ ? get<double>(104 + 8 * i) : shortest(get<float>(76 + 4 * i));
  }
  int32_t datatype() const { return two_ ? get<int16_t>(12) : get<int16_t>(70); }
  double offset() const { return two_ ? double(get<int64_t>(168)) : get<float>(108); }
  double slope() const { return two_ ? get<double>(176) : get<float>(112); }
  double inter() const { return two_ ? get<double>(184) : get<float>(116); }
  int32_t units() const { return two_ ? get<int32_t>(500) : at_[123]; }
  int32_t qform() const { return two_ ? get<int32_t>(344) : get<int16_t>(252); }
  int32_t sform() const { return two_ ? get<int32_t>(348) : get<int16_t>(254); }
  // b, c, d, then the offsets x, y, z.
  double quaternion(int i) const {
    return two_ ? get<double>(352 + 8 * i) : get<float>(256 + 4 * i);
  }
  // srow_x, srow_y, srow_z.
  double srow(int i) const { return two_ ? get<double>(400 + 8 * i) : get<float>(280 + 4 * i); }

 private:
  template <class T>
  T get(int offset) const {
    return stored_number<T>(at_ + offset, big_);
  }
  const uint8_t* at_;
  bool two_, big_;
};

struct Kind {
  int version;
  bool big_endian;
};

std::optional<Kind> kind_of(const Bytes& file) {
  if (file.size() < 4) return std::nullopt;
  for (const bool big : {false, true}) {
    const auto size = stored_number<int32_t>(file.data(), big);
    if (size == int32_t(kSize1)) return Kind{1, big};
    if (size == int32_t(kSize2)) return Kind{2, big};
  }
  return std::nullopt;
}

void require_one_file(const Bytes& file, const Kind& kind, const std::string& name) {
  const uint64_t size = kind.version == 2 ? kSize2 : kSize1;
  if (file.size() < size) {
    throw DataError(fmt::format("{}: truncated: found {} bytes, expected a NIfTI header of {}",
                                name, grouped(file.size()), size));
  }
  const uint64_t at = kind.version == 2 ? 4 : 344;
  const std::string magic(reinterpret_cast<const char*>(file.data()) + at, 4);
  const std::string found = shown(magic.substr(0, 3));
  if (magic == std::string("n+", 2) + char('0' + kind.version) + '\0') return;
  if (magic.substr(0, 2) == "ni") {
    throw DataError(
        fmt::format("{}: found a header without its image (magic '{}'), expected one "
                    "file .nii: join .hdr and .img, for instance with nibabel",
                    name, found));
  }
  throw DataError(fmt::format("{}: found magic '{}', expected 'n+{}' of NIfTI-{}", name, found,
                              kind.version, kind.version));
}

std::vector<int64_t> shape_of(const Fields& in, const std::string& name) {
  const int64_t rank = in.dim(0);
  if (rank < 1 || rank > 7)
    throw DataError(fmt::format("{}: found {} dimensions, expected 1 to 7", name, rank));
  std::vector<int64_t> shape;
  int64_t total = 1;
  for (int i = 1; i <= rank; ++i) {
    shape.push_back(in.dim(i));
    if (shape.back() < 1 || __builtin_mul_overflow(total, shape.back(), &total)) {
      throw DataError(fmt::format("{}: dimension {}: found size {}, expected 1 or more", name, i,
                                  shape.back()));
    }
  }
  return shape;
}

NumberType type_of(int32_t code, const std::string& name) {
  for (const Datatype& d : kDatatypes) {
    if (d.code == code) return d.type;
  }
  throw DataError(fmt::format(
      "{}: found NIfTI's datatype {}, expected integers of 8 to 64 bits, float32 or float64", name,
      code));
}

// What stands between header and numbers.
std::vector<NiftiExtension> extensions_of(const Bytes& file, uint64_t at, uint64_t end, bool big,
                                          const std::string& name) {
  std::vector<NiftiExtension> out;
  if (end < at + 4 || file[at] == 0) return out;
  at += 4;
  while (end - at >= 8) {
    const auto size = stored_number<int32_t>(file.data() + at, big);
    if (size == 0) break;  // padding
    if (size < 8 || uint64_t(size) > end - at) {
      throw DataError(fmt::format("{}: extension (byte {}): found a size of {}, expected 8 to {}",
                                  name, grouped(at), size, grouped(end - at)));
    }
    const auto* data = file.data() + at;
    out.push_back({stored_number<int32_t>(data + 4, big), Bytes(data + 8, data + size)});
    at += uint64_t(size);
  }
  return out;
}

// From quaternion, voxel sizes and offset (nifti1.h, method 2).
Affine qform_affine(const Fields& in) {
  const double b = in.quaternion(0), c = in.quaternion(1), d = in.quaternion(2);
  const double a = std::sqrt(std::max(0.0, 1 - (b * b + c * c + d * d)));
  const double rotation[3][3] = {
      {a * a + b * b - c * c - d * d, 2 * (b * c - a * d), 2 * (b * d + a * c)},
      {2 * (b * c + a * d), a * a + c * c - b * b - d * d, 2 * (c * d - a * b)},
      {2 * (b * d - a * c), 2 * (c * d + a * b), a * a + d * d - c * c - b * b}};
  const double flip = in.pixdim(0) < 0 ? -1 : 1;
  Affine out{};
  for (size_t row = 0; row < 3; ++row) {
    for (int column = 0; column < 3; ++column) {
      out[row][size_t(column)] =
          rotation[row][column] * in.pixdim(column + 1) * (column == 2 ? flip : 1);
    }
    out[row][3] = in.quaternion(3 + int(row));
  }
  return out;
}

void set_affine(const Fields& in, NiftiHeader& h) {
  if (in.sform() > 0) {
    h.affine_from = "sform";
    for (int i = 0; i < 12; ++i) h.affine[size_t(i / 4)][size_t(i % 4)] = in.srow(i);
  } else if (in.qform() > 0) {
    h.affine_from = "qform";
    h.affine = qform_affine(in);
  } else {
    h.affine_from = "pixdim";
    for (size_t i = 0; i < 3; ++i) h.affine[i][i] = in.pixdim(int(i) + 1);
  }
}

void set_scaling(const Fields& in, NiftiHeader& h, const std::string& name) {
  const double slope = in.slope(), inter = in.inter();
  if (slope == 0 || !std::isfinite(slope)) return;
  if (!std::isfinite(inter))
    throw DataError(fmt::format("{}: found scl_inter {}, expected a finite number", name, inter));
  h.slope = slope;
  h.inter = inter;
}

void set_data_offset(const Fields& in, const Bytes& file, NiftiHeader& h, const std::string& name) {
  const uint64_t least = h.version == 2 ? kSize2 : kSize1,
                 item = number_size(type_of(h.datatype, name));
  const double offset = in.offset();
  if (!(offset >= double(least) && offset <= double(file.size()) && offset == std::floor(offset))) {
    throw DataError(fmt::format("{}: found the numbers at byte {}, expected {} to {}", name, offset,
                                least, grouped(file.size())));
  }
  h.data_offset = uint64_t(offset);
  const uint64_t room = (file.size() - h.data_offset) / item;
  if (uint64_t(h.count()) > room) {
    throw DataError(fmt::format("{}: truncated: found {} numbers of {}, expected {}", name,
                                grouped(room), h.dtype, grouped(uint64_t(h.count()))));
  }
}

}  // namespace

int64_t NiftiHeader::count() const {
  int64_t n = 1;
  for (const int64_t size : shape) n *= size;
  return n;
}

bool is_nifti(const Bytes& file) {
  const std::optional<Kind> kind = kind_of(file);
  return kind && file.size() >= (kind->version == 2 ? 6u : 346u) &&
         file[kind->version == 2 ? 4 : 344] == 'n';
}

NiftiHeader parse_nifti_header(const Bytes& file, const std::string& name) {
  const std::optional<Kind> kind = kind_of(file);
  if (!kind) {
    throw DataError(
        fmt::format("{}: found {} bytes that do not begin with 348 or 540, expected a NIfTI file",
                    name, grouped(file.size())));
  }
  require_one_file(file, *kind, name);
  const Fields in(file, kind->version, kind->big_endian);
  NiftiHeader h;
  h.version = kind->version;
  h.big_endian = kind->big_endian;
  h.datatype = in.datatype();
  h.dtype = number_name(type_of(h.datatype, name));
  h.shape = shape_of(in, name);
  for (int i = 0; i < 8; ++i) h.pixdim[size_t(i)] = in.pixdim(i);
  h.units = in.units();
  set_scaling(in, h, name);
  set_data_offset(in, file, h, name);
  set_affine(in, h);
  h.extensions =
      extensions_of(file, h.version == 2 ? kSize2 : kSize1, h.data_offset, h.big_endian, name);
  return h;
}

NiftiImage parse_nifti(const Bytes& file, const std::string& name) {
  NiftiImage image;
  image.header = parse_nifti_header(file, name);
  const NiftiHeader& h = image.header;
  image.values.resize(size_t(h.count()));
  to_doubles(file.data() + h.data_offset, image.values.size(), type_of(h.datatype, name),
             h.big_endian, image.values.data());
  if (h.slope != 1 || h.inter != 0) {
    for (double& v : image.values) v = v * h.slope + h.inter;
  }
  return image;
}

NiftiImage read_nifti(const std::string& path) { return parse_nifti(read_maybe_gzip(path), path); }

double nifti_tr(const NiftiHeader& header, const std::string& name) {
  constexpr int kTimeUnits = 0x38, kSeconds = 8, kMilliseconds = 16, kMicroseconds = 24;
  const int unit = header.units & kTimeUnits;
  const double step = header.pixdim[4];
  if (unit != 0 && unit != kSeconds && unit != kMilliseconds && unit != kMicroseconds) {
    throw DataError(fmt::format(
        "{}: found unit {} of the fourth dimension, expected seconds, ms or microseconds", name,
        unit));
  }
  const double scale = unit == kMilliseconds ? 1e-3 : unit == kMicroseconds ? 1e-6 : 1;
  const double tr = step * scale;
  if (!(tr >= 0 && tr <= kLongestTr)) {
    throw DataError(
        fmt::format("{}: found {} s between volumes{}, expected at most {} s: give --tr", name, tr,
                    unit == 0 ? " (the file names no unit; is it ms?)" : "", kLongestTr));
  }
  return tr;
}

}  // namespace tenfold::io
