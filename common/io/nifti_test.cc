#include "common/io/nifti.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "common/io/gzip_for_test.h"
#include "common/io/nifti_for_test.h"
#include "common/io/scratch_for_test.h"

namespace tenfold::io {
namespace {

using Doubles = std::vector<double>;

Outcome parse(const Bytes& file) {
  return outcome_of([&] { parse_nifti(file, "x.nii"); });
}

template <class T>
void require_type(int16_t code, const char* dtype, const std::vector<T>& values) {
  for (const int version : {1, 2}) {
    for (const bool big : {false, true}) {
      CAPTURE(code, version, big);
      NiftiForTest f;
      f.version = version;
      f.big_endian = big;
      f.datatype = code;
      f.dim = {1, int64_t(values.size())};
      const NiftiImage image = parse_nifti(f.with(values), "x");
      CHECK(image.header.version == version);
      CHECK(image.header.big_endian == big);
      CHECK(image.header.dtype == dtype);
      CHECK(image.header.shape == std::vector<int64_t>{int64_t(values.size())});
      CHECK(image.values == Doubles(values.begin(), values.end()));
    }
  }
}

}  // namespace

TEST_CASE("all integers and floats of both NIfTI versions and byte orders are read") {
  require_type<uint8_t>(2, "uint8", {0, 255});
  require_type<int16_t>(4, "int16", {-32768, 258});
  require_type<int32_t>(8, "int32", {-2147483647 - 1, 0x01020304});
  require_type<float>(16, "float32", {-1.5f, 1e-30f});
  require_type<double>(64, "float64", {0.1, -1e300});
  require_type<int8_t>(256, "int8", {-128, 127});
  require_type<uint16_t>(512, "uint16", {65535, 258});
  require_type<uint32_t>(768, "uint32", {4294967295u, 1});
  require_type<int64_t>(1024, "int64", {-(int64_t{1} << 53), 77});
  require_type<uint64_t>(1280, "uint64", {uint64_t{1} << 60, 77});
}

TEST_CASE("a slope of 0 or NaN scales nothing, another gives v * slope + inter") {
  NiftiForTest f;
  const std::vector<int16_t> stored = {1, -2, 3, 4, 5, 6};
  f.inter = 7;
  CHECK(parse_nifti(f.with(stored), "x").values == Doubles{1, -2, 3, 4, 5, 6});
  f.slope = NAN;
  CHECK(parse_nifti(f.with(stored), "x").values == Doubles{1, -2, 3, 4, 5, 6});
  f.slope = 0.5;
  CHECK(parse_nifti(f.with(stored), "x").values == Doubles{7.5, 6, 8.5, 9, 9.5, 10});
  f.inter = INFINITY;
  CHECK(parse(f.with(stored)).says("found scl_inter inf"));
}

TEST_CASE("the repetition time has the file's unit, seconds where it has none") {
  NiftiForTest f;
  const std::vector<int16_t> stored(6, 1);
  const auto tr = [&](double step, int32_t units, int version = 1) {
    f.step = step;
    f.units = units;
    f.version = version;
    return nifti_tr(parse_nifti_header(f.with(stored), "x"), "x.nii");
  };
  CHECK(tr(0.72, 8) == 0.72);
  CHECK(tr(720, 16) == 0.72);
  CHECK(tr(720000, 24, 2) == Approx(0.72));
  CHECK(tr(2, 0) == 2);
  CHECK(tr(0, 8) == 0);
  CHECK(outcome_of([&] {
          tr(720, 2);
        }).says("x.nii: found 720 s between volumes (the file names no unit; is it ms?)"));
  CHECK(outcome_of([&] { tr(-1, 8); }).says("found -1 s between volumes, expected"));
  CHECK(outcome_of([&] { tr(2, 32); }).says("found unit 32"));
}

TEST_CASE("voxels lie where sform says, else qform, else the sizes of the voxels") {
  NiftiForTest f;
  const std::vector<int16_t> stored(6, 1);
  const Affine plain = parse_nifti_header(f.with(stored), "x").affine;
  CHECK(plain[0] == std::array<double, 4>{3, 0, 0, 0});
  CHECK(plain[2] == std::array<double, 4>{0, 0, 4, 0});
  for (const int version : {1, 2}) {
    f.version = version;
    f.qform = 1;
    f.sform = 0;
    // A quarter turn about z: b = c = 0, d = sin(45 degrees). x voxels point along y.
    f.quaternion = {0, 0, std::sqrt(0.5), 10, 20, 30};
    f.voxel[0] = -1;
    const NiftiHeader q = parse_nifti_header(f.with(stored), "x");
    CHECK(q.affine_from == "qform");
    const double expected[3][4] = {{0, -3, 0, 10}, {3, 0, 0, 20}, {0, 0, -4, 30}};
    for (size_t r = 0; r < 3; ++r)
      for (size_t c = 0; c < 4; ++c) CHECK(q.affine[r][c] == Approx(expected[r][c]).margin(1e-6));
    f.sform = 2;
    f.srow = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    const NiftiHeader s = parse_nifti_header(f.with(stored), "x");
    CHECK(s.affine_from == "sform");
    CHECK(s.affine[1] == std::array<double, 4>{5, 6, 7, 8});
  }
}

TEST_CASE("extensions are handed out, up to the numbers") {
  NiftiForTest f;
  f.version = 2;
  f.extension = "<CIFTI/>";
  const NiftiHeader h = parse_nifti_header(f.with(std::vector<int16_t>(6, 1)), "x");
  REQUIRE(h.extensions.size() == 1);
  CHECK(h.extensions[0].code == 32);
  CHECK(std::string(h.extensions[0].data.begin(), h.extensions[0].data.begin() + 8) == "<CIFTI/>");
}

TEST_CASE("what is no image of real numbers is refused, and sizes before memory is taken") {
  NiftiForTest f;
  const std::vector<int16_t> stored(6, 1);
  f.datatype = 32;
  CHECK(parse(f.with(stored)).says("x.nii: found NIfTI's datatype 32, expected integers"));
  f.datatype = 4;
  f.dim = {4, 30000, 30000, 30000, 30000};
  CHECK(parse(f.with(stored)).says("truncated: found 6 numbers of int16, expected 810,000,000"));
  f.dim = {3, 2, 0, 1};
  CHECK(parse(f.with(stored)).says("dimension 2: found size 0"));
  f.dim = {8, 1, 1, 1, 1, 1, 1, 1};
  CHECK(parse(f.with(stored)).says("found 8 dimensions, expected 1 to 7"));
  f.dim = {1, 6};
  f.offset = 100;
  CHECK(parse(f.with(stored)).says("found the numbers at byte 100, expected 348"));
  f.offset = 0;
  Bytes pair = f.with(stored);
  pair[345] = 'i';
  CHECK(parse(pair).says("found a header without its image (magic 'ni1')"));
  CHECK(parse(bytes_of("P5 12 3")).says("do not begin with 348 or 540"));
  f.version = 2;
  f.dim = {3, int64_t{1} << 40, int64_t{1} << 40, 1};
  CHECK(parse(f.with(stored)).code == ExitCode::kBadData);
}

TEST_CASE("a NIfTI file cut at any byte is refused, with any flipped bit refused or read") {
  for (const int version : {1, 2}) {
    NiftiForTest f;
    f.version = version;
    f.extension = "<a/>";
    f.slope = 2;
    const Bytes file = f.with(std::vector<int16_t>{1, 2, 3, 4, 5, 6});
    for (size_t size = 0; size < file.size(); ++size) {
      CAPTURE(version, size);
      REQUIRE(parse(Bytes(file.begin(), file.begin() + long(size))).code == ExitCode::kBadData);
    }
    int refused = 0, read = 0;
    for (size_t at = 0; at < file.size(); ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        CAPTURE(version, at, bit);
        Bytes damaged = file;
        damaged[at] ^= uint8_t(1 << bit);
        const Outcome outcome = parse(damaged);
        REQUIRE((outcome.ok() || (outcome.code == ExitCode::kBadData && !outcome.says("\n"))));
        ++(outcome.ok() ? read : refused);
      }
    }
    CHECK((refused > 100 && read > 1000));
  }
}

TEST_CASE("a gzipped NIfTI file is read, a missing one is missing input") {
  const Scratch scratch;
  const Bytes packed = gzip_of(NiftiForTest().with(std::vector<int16_t>{1, 2, 3, 4, 5, 6}));
  write_file_atomic(scratch / "x.nii.gz", packed.data(), packed.size());
  CHECK(read_nifti(scratch / "x.nii.gz").values == Doubles{1, 2, 3, 4, 5, 6});
  CHECK(outcome_of([&] { read_nifti(scratch / "y.nii"); }).code == ExitCode::kInputMissing);
}

}  // namespace tenfold::io
