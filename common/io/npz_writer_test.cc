#include "common/io/npz_writer.h"

#include <catch2/catch.hpp>
#include <cstdlib>

#include "common/io/npy.h"
#include "common/io/scratch_for_test.h"

namespace tenfold::io {

TEST_CASE("what is written as .npz reads back, checksums and all") {
  const Scratch scratch;
  const float x[] = {1, -2.5F, 3e30F, 0, 5, 6};
  const int64_t starts[] = {3, -4};
  const std::string path = scratch / "a.npz";
  write_npz(path, {{"x", DType::kF32, {3, 2}, x},
                   {"start_frame", DType::kI64, {2}, starts},
                   {"none", DType::kI32, {0}, nullptr}});
  const auto read = read_npz(path);
  REQUIRE(read.size() == 3);
  CHECK(read.at("x").shape == std::vector<int64_t>{3, 2});
  CHECK(std::equal(x, x + 6, read.at("x").as<float>()));
  CHECK(std::equal(starts, starts + 2, read.at("start_frame").as<int64_t>()));
  CHECK(read.at("none").shape == std::vector<int64_t>{0});
  // The same arrays, the same bytes; another number, another checksum.
  const Bytes once = read_file(path);
  write_npz(path, {{"x", DType::kF32, {3, 2}, x},
                   {"start_frame", DType::kI64, {2}, starts},
                   {"none", DType::kI32, {0}, nullptr}});
  CHECK(read_file(path) == once);
  CHECK(outcome_of([&] { write_npz(scratch / "no/a.npz", {}); }).code == ExitCode::kCannotCreate);
}

TEST_CASE("Python's zipfile finds no fault in an .npz") {
  const Scratch scratch;
  const double values[] = {1, 2, 3};
  const std::string path = scratch / "b.npz";
  write_npz(path, {{"a", DType::kF64, {3}, values}, {"b", DType::kU8, {3}, "xyz"}});
  const std::string program =
      "import sys, zipfile; z = zipfile.ZipFile(sys.argv[1]); "
      "sys.exit(z.testzip() is not None or z.namelist() != ['a.npy', 'b.npy'] or "
      "z.read('b.npy')[-3:] != b'xyz' or len(z.read('a.npy')) != 152)";
  CHECK(std::system(("python3 -c \"" + program + "\" " + path).c_str()) == 0);
}

}  // namespace tenfold::io
