#include "common/io/hdf5.h"

#include <hdf5.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <limits>

#include "common/io/hdf5_handle.h"
#include "common/io/hdf5_reader.h"
#include "common/io/hdf5_walk_for_test.h"
#include "common/io/hdf5_writer.h"
#include "common/io/scratch_for_test.h"
#include "common/testing/fixtures.h"
#include "common/testing/skip.h"

namespace tenfold::io {
namespace {

const double kNaN = std::numeric_limits<double>::quiet_NaN();

std::vector<double> ramp(int64_t n) {
  std::vector<double> out(n);
  for (int64_t i = 0; i < n; ++i) out[i] = 0.5 * static_cast<double>(i) - 3;
  return out;
}

// A little of everything that the writer can write.
Bytes sample() {
  Hdf5Writer writer;
  writer.attribute("/", "object", std::string("Data"));
  writer.attribute("/", "start", 1.25);
  writer.write("/spikes/timestamps", ramp(6), {3, 2});
  writer.attribute("/spikes", "count", int64_t{-7});
  writer.fixed_attribute("/spikes", "timekeys", {"start", "end"});
  writer.fixed_attribute("/spikes", "none", {});
  writer.write("/spikes/unit", std::vector<int64_t>{1, -2, int64_t{1} << 40});
  writer.write("/spikes/gain", std::vector<float>{1.5f, -2.5f});
  writer.write_fixed("/units/id", {"a/1", "bc", "longest"});
  writer.write_variable("/units/name", {"\xC3\xA4", "", "text"});
  writer.write("/packed", ramp(20000), {5000, 4}, Hdf5Storage::kCompressed);
  writer.group("/empty");
  return writer.finish();
}

template <class T>
Outcome reading(const Hdf5File& file, T (Hdf5File::*method)(const std::string&) const,
                const std::string& path) {
  return outcome_of([&] { (file.*method)(path); });
}

// A file made by libhdf5's own calls, for what the writer does not write.
template <class Fill>
std::string made_by_hand(const Scratch& scratch, const std::string& name, Fill fill) {
  quiet_hdf5();
  const std::string path = scratch / name;
  const Hdf5Handle file(H5Fcreate(path.c_str(), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), H5Fclose);
  REQUIRE(file.valid());
  fill(file.get());
  return path;
}

void add_dataset(hid_t file, const char* name, hid_t type, std::vector<hsize_t> shape,
                 hid_t creation, const void* values) {
  const Hdf5Handle space(shape.empty() ? H5Screate(H5S_SCALAR)
                                       : H5Screate_simple(int(shape.size()), shape.data(), nullptr),
                         H5Sclose);
  const Hdf5Handle dataset(
      H5Dcreate2(file, name, type, space.get(), H5P_DEFAULT, creation, H5P_DEFAULT), H5Dclose);
  REQUIRE(dataset.valid());
  if (values != nullptr) {
    REQUIRE(H5Dwrite(dataset.get(), type, H5S_ALL, H5S_ALL, H5P_DEFAULT, values) >= 0);
  }
}

Hdf5Handle chunked(std::vector<hsize_t> chunk, bool gzip) {
  Hdf5Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
  H5Pset_chunk(creation.get(), int(chunk.size()), chunk.data());
  if (gzip) H5Pset_deflate(creation.get(), 9);
  return creation;
}

}  // namespace

TEST_CASE("what the HDF5 writer writes is read back") {
  const Scratch scratch;
  const Bytes bytes = sample();
  write_file_atomic(scratch / "x.h5", bytes.data(), bytes.size());
  const Hdf5File opened = Hdf5File::open(scratch / "x.h5"), parsed = Hdf5File::parse(bytes, "x");
  for (const Hdf5File* file : {&opened, &parsed}) {
    CHECK(file->text_attribute("/", "object") == "Data");
    CHECK(file->number_attribute("/", "start") == 1.25);
    CHECK(file->number_attribute("spikes", "count") == -7);
    CHECK(file->texts_attribute("/spikes", "timekeys") == std::vector<std::string>{"start", "end"});
    CHECK(file->texts_attribute("/spikes", "none").empty());
    CHECK(file->doubles("/spikes/timestamps").values == ramp(6));
    CHECK(file->doubles("/spikes/timestamps").shape == std::vector<int64_t>{3, 2});
    CHECK(file->integers("/spikes/unit").values == std::vector<int64_t>{1, -2, int64_t{1} << 40});
    CHECK(file->doubles("/spikes/unit").values == std::vector<double>{1, -2, 1099511627776.0});
    CHECK(file->doubles("/spikes/gain").values == std::vector<double>{1.5, -2.5});
    CHECK(file->strings("units/id").values == std::vector<std::string>{"a/1", "bc", "longest"});
    CHECK(file->strings("/units/name").values == std::vector<std::string>{"\xC3\xA4", "", "text"});
    CHECK(file->doubles("/packed").values == ramp(20000));
    CHECK(file->shape("/packed") == std::vector<int64_t>{5000, 4});
  }
  CHECK(bytes.size() < 20000 * sizeof(double));  // packed
}

TEST_CASE("the members of a group are listed with their kinds") {
  const Hdf5File file = Hdf5File::parse(sample(), "x");
  const auto names = [&](const std::string& path) {
    std::string out;
    for (const Hdf5Child& child : file.children(path)) {
      out += child.name + (child.kind == Hdf5Kind::kGroup ? "/ " : " ");
    }
    return out;
  };
  CHECK(names("/") == "empty/ packed spikes/ units/ ");
  CHECK(names("spikes") == "gain timestamps unit ");
  CHECK(names("/empty").empty());
  CHECK(file.has("/spikes/unit"));
  CHECK(file.has_dataset("/spikes/unit"));
  CHECK_FALSE(file.has_group("/spikes/unit"));
  CHECK(file.has_group("/"));
  CHECK_FALSE(file.has("/spikes/none"));
  CHECK_FALSE(file.has("/none/unit"));
  CHECK_FALSE(file.has("/packed/unit"));
  CHECK(file.has_attribute("/spikes", "count"));
  CHECK_FALSE(file.has_attribute("/spikes", "object"));
}

TEST_CASE("another kind of HDF5 value than asked for is refused by name") {
  const Hdf5File file = Hdf5File::parse(sample(), "x");
  CHECK(reading(file, &Hdf5File::integers, "/spikes/gain").message ==
        "x: /spikes/gain: found floats, expected integers");
  CHECK(reading(file, &Hdf5File::doubles, "/units/id").message ==
        "x: /units/id: found strings, expected numbers");
  CHECK(reading(file, &Hdf5File::strings, "/spikes/unit").message ==
        "x: /spikes/unit: found integers, expected strings");
  CHECK(reading(file, &Hdf5File::doubles, "spikes").message == "x: /spikes: is no dataset");
  CHECK(reading(file, &Hdf5File::doubles, "/none").message == "x: /none: is not in the file");
  CHECK(reading(file, &Hdf5File::children, "/packed").message == "x: /packed: is no group");
  CHECK(outcome_of([&] { file.text_attribute("/", "start"); }).message ==
        "x: /: attribute start: found floats, expected strings");
  CHECK(outcome_of([&] { file.text_attribute("/spikes", "timekeys"); }).message ==
        "x: /spikes: attribute timekeys: found 2 values, expected one");
  CHECK(outcome_of([&] { file.number_attribute("/", "none"); }).message ==
        "x: /: attribute none is not there");
}

TEST_CASE("numbers of every width, booleans and scalars are read from HDF5") {
  const Scratch scratch;
  const std::string path = made_by_hand(scratch, "x.h5", [](hid_t file) {
    const int8_t small[] = {-1, 2};
    add_dataset(file, "i1", H5T_STD_I8BE, {2}, H5P_DEFAULT, small);
    const uint16_t big_endian[] = {0x0100, 0xffff};
    add_dataset(file, "u2", H5T_STD_U16BE, {2}, H5P_DEFAULT, big_endian);
    const uint64_t largest[] = {std::numeric_limits<uint64_t>::max()};
    add_dataset(file, "u8", H5T_STD_U64LE, {1}, H5P_DEFAULT, largest);
    const double scalar = 2.5;
    add_dataset(file, "scalar", H5T_IEEE_F64LE, {}, H5P_DEFAULT, &scalar);
    const Hdf5Handle boolean(H5Tenum_create(H5T_STD_I8LE), H5Tclose);
    int8_t value = 0;
    H5Tenum_insert(boolean.get(), "FALSE", &value);
    value = 1;
    H5Tenum_insert(boolean.get(), "TRUE", &value);
    const int8_t mask[] = {1, 0, 1};
    add_dataset(file, "mask", boolean.get(), {3}, H5P_DEFAULT, mask);
    const Hdf5Handle spaces(H5Tcopy(H5T_C_S1), H5Tclose);
    H5Tset_size(spaces.get(), 4);
    H5Tset_strpad(spaces.get(), H5T_STR_SPACEPAD);
    add_dataset(file, "spaces", spaces.get(), {2}, H5P_DEFAULT, "ab  cdef");
    H5Lcreate_soft("/scalar", file, "soft", H5P_DEFAULT, H5P_DEFAULT);
    H5Lcreate_soft("/nowhere", file, "dangling", H5P_DEFAULT, H5P_DEFAULT);
  });
  const Hdf5File file = Hdf5File::open(path);
  CHECK(file.integers("i1").values == std::vector<int64_t>{-1, 2});
  CHECK(file.integers("u2").values == std::vector<int64_t>{1, 0xffff});
  CHECK(file.integers("u8").values == std::vector<int64_t>{std::numeric_limits<int64_t>::max()});
  CHECK(file.doubles("scalar").values == std::vector<double>{2.5});
  CHECK(file.doubles("scalar").shape.empty());
  CHECK(file.integers("mask").values == std::vector<int64_t>{1, 0, 1});
  CHECK(file.doubles("mask").values == std::vector<double>{1, 0, 1});
  CHECK(file.strings("spaces").values == std::vector<std::string>{"ab", "cdef"});
  CHECK(file.doubles("soft").values == std::vector<double>{2.5});
  CHECK_FALSE(file.has("dangling"));
}

TEST_CASE("sizes that a file cannot hold are refused before memory is taken") {
  const Scratch scratch;
  const std::string path = made_by_hand(scratch, "x.h5", [](hid_t file) {
    const hsize_t many = hsize_t{1} << 36;
    add_dataset(file, "plain", H5T_IEEE_F64LE, {many}, chunked({1024}, false).get(), nullptr);
    add_dataset(file, "packed", H5T_IEEE_F64LE, {many}, chunked({1024}, true).get(), nullptr);
    add_dataset(file, "beyond", H5T_IEEE_F64LE, {many, many}, chunked({32, 32}, true).get(),
                nullptr);
    add_dataset(file, "chunk", H5T_IEEE_F64LE, {hsize_t{1} << 28},
                chunked({hsize_t{1} << 28}, true).get(), nullptr);
    const std::vector<double> zeros(4000);
    add_dataset(file, "zeros", H5T_IEEE_F64LE, {4000}, chunked({4000}, true).get(), zeros.data());
  });
  const Hdf5File file = Hdf5File::open(path);
  CHECK(reading(file, &Hdf5File::doubles, "plain")
            .says("/plain: found 68,719,476,736 values of 8 bytes, more than a file of "));
  CHECK(reading(file, &Hdf5File::doubles, "packed")
            .says("/packed: found 68,719,476,736 values of 8 bytes, more than a file of "));
  CHECK(reading(file, &Hdf5File::doubles, "beyond")
            .says("/beyond: its shape asks for more than 1,099,511,627,776 values"));
  CHECK(reading(file, &Hdf5File::doubles, "chunk")
            .says("/chunk: its chunks are larger than 1,073,741,824 bytes"));
  CHECK(file.doubles("zeros").values == std::vector<double>(4000));
  const Hdf5File limited = Hdf5File::open(path, 31999);
  CHECK(reading(limited, &Hdf5File::doubles, "zeros")
            .says("/zeros: found 4,000 values of 8 bytes, expected at most 31,999 bytes in all"));
}

TEST_CASE("values that a header keeps in too few bytes are refused") {
  const Scratch scratch;
  const std::vector<double> values = {1.5, 2.5, 3.5, 4.5};
  const std::string path = made_by_hand(scratch, "x.h5", [&](hid_t file) {
    const Hdf5Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    H5Pset_layout(creation.get(), H5D_COMPACT);
    add_dataset(file, "x", H5T_IEEE_F64LE, {4}, creation.get(), values.data());
  });
  CHECK(Hdf5File::open(path).doubles("x").values == values);
  Bytes bytes = read_file(path);
  const auto* first = reinterpret_cast<const uint8_t*>(values.data());
  const auto found = std::search(bytes.begin(), bytes.end(), first, first + 32);
  REQUIRE(found != bytes.end());
  REQUIRE(found[-2] == 32);  // the layout message's size, before the values
  found[-2] = 16;
  const Hdf5File damaged = Hdf5File::parse(bytes, "x");
  CHECK(reading(damaged, &Hdf5File::doubles, "x").says("x: /x: found 4 values of 8 bytes, more"));
}

TEST_CASE("texts that share their storage are counted each") {
  Hdf5Writer writer;
  writer.write_variable("/texts", std::vector<std::string>(10000, std::string(100, 'x')));
  const Bytes bytes = writer.finish();
  CHECK(Hdf5File::parse(bytes, "x").strings("texts").values.size() == 10000);
  CHECK(reading(Hdf5File::parse(bytes, "x", 600000), &Hdf5File::strings, "texts")
            .says("x: /texts: found texts of 819,200 bytes or more, expected at most 600,000"));
}

TEST_CASE("an HDF5 file leads to no other file") {
  const Scratch scratch;
  made_by_hand(scratch, "other.h5", [](hid_t file) {
    const double value = 1;
    add_dataset(file, "x", H5T_IEEE_F64LE, {1}, H5P_DEFAULT, &value);
  });
  write_file_atomic(scratch / "secret", "12345678");
  const std::string path = made_by_hand(scratch, "x.h5", [&](hid_t file) {
    const std::string other = scratch / "other.h5";
    H5Lcreate_external(other.c_str(), "/x", file, "link", H5P_DEFAULT, H5P_DEFAULT);
    const Hdf5Handle creation(H5Pcreate(H5P_DATASET_CREATE), H5Pclose);
    H5Pset_external(creation.get(), (scratch / "secret").c_str(), 0, 8);
    add_dataset(file, "outside", H5T_IEEE_F64LE, {1}, creation.get(), nullptr);
  });
  const Hdf5File file = Hdf5File::open(path);
  CHECK_FALSE(file.has("link"));
  CHECK(reading(file, &Hdf5File::doubles, "outside").says("/outside: is kept in another file"));
  REQUIRE(file.children("/").size() == 2);
  CHECK(file.children("/")[0].kind == Hdf5Kind::kOther);
}

TEST_CASE("what is no HDF5 file is called so, and a missing one missing") {
  const Scratch scratch;
  write_file_atomic(scratch / "page.h5", "<html>not here</html>");
  write_file_atomic(scratch / "empty.h5", "");
  CHECK(outcome_of([&] {
          Hdf5File::open(scratch / "page.h5");
        }).says("page.h5: is no HDF5 file (its first bytes are not those of one)"));
  CHECK(outcome_of([&] { Hdf5File::open(scratch / "empty.h5"); }).says("is no HDF5 file"));
  CHECK(outcome_of([&] { Hdf5File::parse({}, "x"); }).says("x: is no HDF5 file"));
  CHECK(outcome_of([&] { Hdf5File::open(scratch / "none.h5"); }).code == ExitCode::kInputMissing);
  CHECK(outcome_of([&] { Hdf5File::open(scratch.path()); }).code == ExitCode::kInputMissing);
}

TEST_CASE("an HDF5 file cut at any byte is refused when it is opened") {
  const Bytes whole = sample();
  for (size_t size = 0; size < whole.size(); size += size < 4096 ? 1 : 13) {
    CAPTURE(size);
    const Outcome outcome =
        outcome_of([&] { Hdf5Reader::parse(Bytes(whole.begin(), whole.begin() + size), "x"); });
    REQUIRE(outcome.code == ExitCode::kBadData);
    REQUIRE(outcome.says(size < 8 ? "x: is no HDF5 file"
                                  : "x: the HDF5 file is truncated or damaged ("));
  }
}

TEST_CASE("two HDF5 files of the same contents have the same bytes") {
  CHECK(sample() == sample());
}

TEST_CASE("a path is written once, and values fill their shape") {
  Hdf5Writer writer;
  writer.write("/a", std::vector<double>{1});
  CHECK(outcome_of([&] { writer.write("/a", std::vector<double>{1}); }).code == ExitCode::kIo);
  CHECK(outcome_of([&] { writer.write("/b", ramp(5), {2, 2}); }).code == ExitCode::kIo);
  writer.write("/none", std::vector<double>{}, {0, 2}, Hdf5Storage::kCompressed);
  writer.write("/nan", std::vector<double>{kNaN});
  const Hdf5File file = Hdf5File::parse(writer.finish(), "x");
  CHECK(file.doubles("/none").shape == std::vector<int64_t>{0, 2});
  CHECK(file.doubles("/none").values.empty());
  CHECK(std::isnan(file.doubles("/nan").values[0]));
}

TEST_CASE("every group and dataset of the official library's files is read") {
  const std::string folder = testing::fixtures_folder("poyo-decode", ".h5", "common/io/hdf5.h");
  if (folder.empty()) TENFOLD_SKIP("no fixtures of poyo-decode");
  int64_t files = 0;
  for (const std::string& name : list_folder(folder)) {
    if (name.size() < 3 || name.substr(name.size() - 3) != ".h5") continue;
    CAPTURE(name);
    const Hdf5File file = Hdf5File::open(folder + "/" + name);
    const WalkTally tally = walk(file);
    CHECK(tally.refused == 0);
    CHECK(tally.datasets >= 20);
    CHECK(tally.attributes >= 20);
    ++files;
  }
  CHECK(files >= 1);
}

}  // namespace tenfold::io
