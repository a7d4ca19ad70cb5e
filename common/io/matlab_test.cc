#include "common/io/matlab.h"

#include <catch2/catch.hpp>

#include "common/io/hdf5_writer.h"
#include "common/io/matlab_for_test.h"
#include "common/io/scratch_for_test.h"

namespace tenfold::io {
namespace {

using Doubles = std::vector<double>;

Outcome parse(const Bytes& file) {
  return outcome_of([&] {
    const MatlabFile m = MatlabFile::parse(file, "x.mat");
    for (size_t i = 0; i < m.variables().size(); ++i)
      if (m.variables()[i].numeric) m.values(i);
  });
}

template <class T>
void require_class(uint32_t kind, const char* type, uint32_t stored, const std::vector<T>& values) {
  for (const bool big : {false, true}) {
    CAPTURE(kind, stored, big);
    MatlabForTest m;
    m.big_endian = big;
    const Bytes file = m.file({m.matrix("x", kind, {1, int32_t(values.size())}, stored, values)});
    const MatlabFile read = MatlabFile::parse(file, "x.mat");
    REQUIRE(read.variables().size() == 1);
    CHECK(read.variables()[0].type == type);
    CHECK(read.values(0) == Doubles(values.begin(), values.end()));
  }
}

Bytes two_variables(bool compressed, bool big_endian = false) {
  MatlabForTest m;
  m.big_endian = big_endian;
  return m.file({m.matrix<double>("tc", 6, {2, 3}, 9, {1, 4, 2, 5, 3, 6}),
                 m.matrix<uint8_t>("a_long_name", 6, {1, 2}, 2, {7, 200})},
                compressed);
}

}  // namespace

TEST_CASE("all numeric classes of both byte orders are read, in whatever type they are stored") {
  require_class<double>(6, "double", 9, {1.5, -1e300});
  require_class<float>(7, "single", 7, {1.5f, -2});
  require_class<int8_t>(8, "int8", 1, {-128, 127});
  require_class<uint8_t>(9, "uint8", 2, {255, 1});
  require_class<int16_t>(10, "int16", 3, {-32768, 258});
  require_class<uint16_t>(11, "uint16", 4, {65535, 258});
  require_class<int32_t>(12, "int32", 5, {-2147483647, 258});
  require_class<uint32_t>(13, "uint32", 6, {4294967295u, 258});
  require_class<int64_t>(14, "int64", 12, {-(int64_t{1} << 53), 1});
  require_class<uint64_t>(15, "uint64", 13, {uint64_t{1} << 60, 1});
  require_class<int16_t>(6, "double", 3, {-5, 6});
  require_class<uint8_t>(7, "single", 2, {5, 6});
}

TEST_CASE("a matrix is stored by columns and read by rows, compressed or not") {
  for (const bool compressed : {false, true}) {
    for (const bool big : {false, true}) {
      const MatlabFile m = MatlabFile::parse(two_variables(compressed, big), "x.mat");
      CHECK(m.version() == "5");
      REQUIRE(m.variables().size() == 2);
      CHECK(m.variables()[0].name == "tc");
      CHECK(m.variables()[0].shape == std::vector<int64_t>{2, 3});
      CHECK(m.values(0) == Doubles{1, 2, 3, 4, 5, 6});
      CHECK(m.variables()[1].name == "a_long_name");
      CHECK(m.values(1) == Doubles{7, 200});
    }
  }
}

TEST_CASE("what is no real matrix is listed with its class and not read") {
  MatlabForTest m;
  const Bytes file = m.file({m.matrix<uint16_t>("text", 4, {1, 2}, 4, {72, 105}),
                             m.matrix<double>("z", 6, {1, 1}, 9, {1}, 0x800),
                             m.matrix<uint8_t>("flag", 9, {1, 1}, 2, {1}, 0x200),
                             m.matrix<double>("cells", 1, {1, 1}, 9, {1}),
                             m.matrix<double>("", 6, {1, 1}, 9, {1})});
  const MatlabFile read = MatlabFile::parse(file, "x.mat");
  REQUIRE(read.variables().size() == 4);
  const char* types[] = {"char", "complex double", "logical", "cell"};
  for (size_t i = 0; i < 4; ++i) {
    CHECK(read.variables()[i].type == types[i]);
    CHECK(read.variables()[i].numeric == (i == 2));
  }
  CHECK(read.values(2) == Doubles{1});
}

TEST_CASE("sizes and types that do not fit are refused before memory is taken") {
  MatlabForTest m;
  const auto fault = [&](const Bytes& element, const std::string& words) {
    const Outcome o = parse(m.file({element}));
    CAPTURE(o.message);
    CHECK(o.code == ExitCode::kBadData);
    CHECK(o.says(words));
  };
  fault(m.matrix<double>("x", 6, {2, 2}, 9, {1}), "found 8 bytes of float64, expected 32");
  fault(m.matrix<double>("x", 6, {2147483647, 2147483647}, 9, {1}), "2^63 bytes or more");
  fault(m.matrix<double>("x", 6, {1, -1}, 9, {1}), "dimensions (byte 16): found -1");
  fault(m.matrix<double>("x", 6, {1}, 9, {1}), "found type 5 of 4 bytes");
  fault(m.matrix<double>("x", 18, {1, 1}, 9, {1}), "found class 18, expected 1 to 17");
  fault(m.matrix<double>("x", 6, {1, 1}, 14, {1}), "values (byte 40): found type 14");
  const Bytes x = m.matrix<double>("x", 6, {1, 1}, 9, {1});
  CHECK(parse(m.file({x, x})).says("'x' stands twice"));
  CHECK(parse(Bytes(64, 0)).says("found no header of MATLAB"));
  const Bytes bomb = m.file({m.element(14, Bytes(100000, 0))}, true);
  const Outcome large = outcome_of([&] { MatlabFile::parse(bomb, "x.mat", 1000); });
  CHECK(large.says("x.mat: unpacks to more than 1,000 bytes"));
}

TEST_CASE("a MATLAB file cut at any byte is refused or holds less, with any flipped bit too") {
  for (const bool compressed : {false, true}) {
    const Bytes file = two_variables(compressed);
    for (size_t size = 0; size < file.size(); ++size) {
      CAPTURE(size);
      const Bytes cut(file.begin(), file.begin() + long(size));
      const Outcome o = parse(cut);
      if (!o.ok()) {
        REQUIRE(o.code == ExitCode::kBadData);
        continue;
      }
      REQUIRE(MatlabFile::parse(cut, "x").variables().size() < (size >= file.size() - 8 ? 3u : 2u));
    }
    int refused = 0, read = 0;
    for (size_t at = 0; at < file.size(); ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        CAPTURE(at, bit);
        Bytes damaged = file;
        damaged[at] ^= uint8_t(1 << bit);
        const Outcome o = parse(damaged);
        REQUIRE((o.ok() || (o.code == ExitCode::kBadData && !o.says("\n"))));
        ++(o.ok() ? read : refused);
      }
    }
    CHECK((refused > 200 && read > 200));
  }
}

TEST_CASE("version 7.3 is HDF5 behind 512 bytes, its dimensions in reverse") {
  const Scratch scratch;
  const std::string path = scratch / "x.mat";
  Hdf5Writer writer;
  writer.write("/tc", Doubles{1, 4, 2, 5, 3, 6}, {3, 2});
  writer.attribute("/tc", "MATLAB_class", std::string("double"));
  writer.write("/text", std::vector<int64_t>{72, 105}, {2, 1});
  writer.attribute("/text", "MATLAB_class", std::string("char"));
  writer.group("/s");
  writer.attribute("/s", "MATLAB_class", std::string("struct"));
  const Bytes hdf5 = writer.finish();
  Bytes file(512, 0);
  std::memcpy(file.data(), "MATLAB 7.3 MAT-file, for a test", 31);
  put_number<uint16_t>(file, 124, 0x0200, false);
  std::memcpy(file.data() + 126, "IM", 2);
  CHECK(parse(file).says("found version 7.3"));
  file.insert(file.end(), hdf5.begin(), hdf5.end());
  write_file_atomic(path, file.data(), file.size());
  const MatlabFile m = MatlabFile::open(path);
  CHECK(m.version() == "7.3");
  REQUIRE(m.variables().size() == 3);
  CHECK((m.variables()[0].name == "s" && m.variables()[0].type == "struct"));
  CHECK((m.variables()[1].name == "tc" && m.variables()[1].numeric));
  CHECK(m.variables()[1].shape == std::vector<int64_t>{2, 3});
  CHECK(m.values(1) == Doubles{1, 2, 3, 4, 5, 6});
  CHECK_FALSE(m.variables()[2].numeric);
  for (size_t size = 0; size < file.size(); size += 97) {
    CAPTURE(size);
    write_file_atomic(path, file.data(), size);
    REQUIRE(outcome_of([&] { MatlabFile::open(path); }).code == ExitCode::kBadData);
  }
}

}  // namespace tenfold::io
