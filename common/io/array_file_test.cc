#include "common/io/array_file.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "common/io/hdf5_writer.h"
#include "common/io/matlab_for_test.h"
#include "common/io/npy_writer.h"
#include "common/io/safetensors.h"
#include "common/io/scratch_for_test.h"

namespace tenfold::io {
namespace {

using Doubles = std::vector<double>;

std::string written(const Scratch& scratch, const std::string& name, const Bytes& file) {
  write_file_atomic(scratch / name, file.data(), file.size());
  return scratch / name;
}

Outcome read(const std::string& path, const ArrayOptions& options = {}) {
  return outcome_of([&] { read_matrix(path, options); });
}

}  // namespace

TEST_CASE("the only broad matrix of a MATLAB file is read, more than one are listed") {
  const Scratch scratch;
  MatlabForTest m;
  const Bytes one = m.matrix<double>("tc", 6, {2, 3}, 9, {1, 4, 2, 5, 3, 6}),
              rate = m.matrix<double>("fs", 6, {1, 1}, 9, {50}),
              two = m.matrix<double>("sc", 6, {2, 2}, 9, {1, 2, 3, 4});
  const std::string path = written(scratch, "a.bin", m.file({rate, one}));
  const PlainMatrix found = read_matrix(path);
  CHECK((found.name == "tc" && found.rows == 2 && found.columns == 3));
  CHECK(found.format == "MATLAB 5");
  CHECK(found.values == Doubles{1, 2, 3, 4, 5, 6});
  const std::string both = written(scratch, "b.mat", m.file({rate, one, two}));
  CHECK(
      read(both).says("b.mat: found 2 2-D arrays, expected one: choose by --mat-var: fs double "
                      "[1 x 1], tc double [2 x 3], sc double [2 x 2]"));
  ArrayOptions options;
  options.mat_var = "sc";
  CHECK(read_matrix(both, options).values == Doubles{1, 3, 2, 4});
  options.mat_var = "nothing";
  CHECK(read(both, options).says("--mat-var nothing: is not there; found fs double"));
}

TEST_CASE("an HDF5 dataset is found in its group, in C order as stored") {
  const Scratch scratch;
  Hdf5Writer writer;
  writer.write("/a/bold", Doubles{1, 2, 3, 4, 5, 6}, {2, 3});
  writer.write("/times", Doubles{1, 2, 3});
  writer.write_fixed("/names", {"V1", "V2"});
  writer.save(scratch / "x.mat");
  const PlainMatrix found = read_matrix(scratch / "x.mat");
  CHECK(found.name == "/a/bold");
  CHECK(found.values == Doubles{1, 2, 3, 4, 5, 6});
  REQUIRE(found.notes.size() == 1);
  CHECK(found.notes[0].find("no header of MATLAB 7.3") != std::string::npos);
  ArrayOptions options;
  options.h5_dataset = "names";
  CHECK(read(scratch / "x.mat", options).says("--h5-dataset /names: found other [2], expected"));
}

TEST_CASE("halves, floats and integers of NumPy and safetensors become float64") {
  const Scratch scratch;
  const std::vector<uint16_t> halves = {0x3c00, 0xc100, 0x3555, 0x7bff};
  write_npy(scratch / "h.npy", DType::kF16, {2, 2}, halves.data());
  const PlainMatrix h = read_matrix(scratch / "h.npy");
  CHECK(h.values == Doubles{1, -2.5, 0.333251953125, 65504});
  SafeTensors tensors;
  const float x[] = {1, 2}, y[] = {3, 4, 5, 6};
  tensors.tensors["x"] = Tensor::from_float32({2, 1}, x);
  tensors.tensors["y"] = Tensor::from_float32({2, 2}, y);
  write_safetensors(scratch / "t.bin", tensors);
  CHECK(read_matrix(scratch / "t.bin").values == Doubles{3, 4, 5, 6});
  ArrayOptions options;
  options.array = "x";
  CHECK(read_matrix(scratch / "t.bin", options).values == Doubles{1, 2});
}

TEST_CASE("a pickle is refused by its contents with advice, a safetensors header is none") {
  const Scratch scratch;
  const std::string old = written(scratch, "x.npy", {0x80, 0x02, 0x8a, 0x0a});
  CHECK(read(old).says("x.npy: found a pickle (of torch.save), which could run code"));
  CHECK(read(old).code == ExitCode::kBadData);
  // What zipfile writes of one empty stored entry "a/data.pkl".
  Bytes zip;
  const std::string name = "a/data.pkl";
  const auto put = [&](std::initializer_list<int> bytes) {
    zip.insert(zip.end(), bytes.begin(), bytes.end());
  };
  put({'P', 'K', 3, 4, 20, 0, 0, 0, 0, 0, 0, 0,  0x21, 0, 0,
       0,   0,   0, 0, 0,  0, 0, 0, 0, 0, 0, 10, 0,    0, 0});
  zip.insert(zip.end(), name.begin(), name.end());
  const size_t directory = zip.size();
  put({'P', 'K', 1, 2, 20, 3,  20, 0, 0, 0, 0, 0, 0, 0, 0x21, 0, 0, 0, 0, 0, 0, 0, 0,
       0,   0,   0, 0, 0,  10, 0,  0, 0, 0, 0, 0, 0, 0, 0,    0, 0, 0, 0, 0, 0, 0, 0});
  zip.insert(zip.end(), name.begin(), name.end());
  const size_t size = zip.size() - directory;
  put({'P', 'K', 5, 6, 0, 0, 0, 0, 1, 0, 1, 0, int(size), 0, 0, 0, int(directory), 0, 0, 0, 0, 0});
  CHECK(read(written(scratch, "y.npz", zip)).says("y.npz: found a pickle"));
  // A header of 640 = 0x0280 bytes begins as a pickle of protocol 2 does.
  std::string header = "{\"x\":{\"dtype\":\"F32\",\"shape\":[2,2],\"data_offsets\":[0,16]}}";
  header.resize(640, ' ');
  Bytes safe = {0x80, 0x02, 0, 0, 0, 0, 0, 0};
  safe.insert(safe.end(), header.begin(), header.end());
  safe.resize(safe.size() + 16);
  CHECK(read_matrix(written(scratch, "z", safe)).values == Doubles(4, 0));
  CHECK(read(written(scratch, "w.dat", bytes_of("1 2"))).says("is none of .npy"));
}

TEST_CASE("tables of text have names where their first line is no numbers") {
  const Scratch scratch;
  const PlainMatrix named =
      read_matrix(written(scratch, "a.csv", bytes_of("\"V1\",V2\r\n1,2\n3,nan\n")));
  CHECK(named.column_names == std::vector<std::string>{"V1", "V2"});
  CHECK((named.rows == 2 && named.columns == 2 && named.values[2] == 3));
  CHECK(std::isnan(named.values[3]));
  const PlainMatrix plain =
      read_matrix(written(scratch, "a.txt", bytes_of("# x\n1  2 3\n 4 5e1 -6\n")));
  CHECK(plain.values == Doubles{1, 2, 3, 4, 50, -6});
  CHECK(plain.column_names.empty());
  CHECK(read_matrix(written(scratch, "a.tsv", bytes_of("1\t2\n3\t4"))).rows == 2);
  CHECK(read(written(scratch, "b.csv", bytes_of("1,2\n3\n")))
            .says("b.csv:2: found 1 cells, expected 2"));
  CHECK(
      read(written(scratch, "c.csv", bytes_of("1,2\n3,x\n"))).says("c.csv:2: column 2: found 'x'"));
  CHECK(read(written(scratch, "d.csv", bytes_of("a,b\n"))).says("found no rows of numbers"));
}

TEST_CASE("the axis of the known number of parcels is the parcels', else --layout says it") {
  const auto laid = [](const std::string& layout, int64_t channels) {
    PlainMatrix m{"", "", 2, 3, {1, 2, 3, 4, 5, 6}, {}, {}};
    require_channels_first(m, layout, channels, "x.npy");
    return m;
  };
  CHECK(laid("auto", 2).rows == 2);
  CHECK(laid("auto", 3).rows == 3);
  CHECK(laid("auto", 3).values == Doubles{1, 4, 2, 5, 3, 6});
  CHECK(laid("ct", 0).rows == 2);
  CHECK(laid("tc", 0).rows == 3);
  const auto fault = [&](const std::string& layout, int64_t channels) {
    const Outcome o = outcome_of([&] { laid(layout, channels); });
    CHECK(o.code == ExitCode::kBadData);
    return o.message;
  };
  CHECK(fault("auto", 0).find("found 2 x 3 numbers and no known number of parcels") !=
        std::string::npos);
  CHECK(fault("auto", 4).find("that fits (4)") != std::string::npos);
  CHECK(fault("tc", 2).find(
            "--layout tc: found 2 x 3 numbers, expected 2 parcels along the columns") !=
        std::string::npos);
  PlainMatrix square{"", "", 2, 2, Doubles(4), {}, {}};
  CHECK(outcome_of([&] {
          require_channels_first(square, "auto", 2, "x");
        }).says("both axes have parcels (2)"));
}

}  // namespace tenfold::io
