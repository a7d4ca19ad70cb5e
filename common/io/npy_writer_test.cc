#include "common/io/npy_writer.h"

#include <catch2/catch.hpp>

#include "common/io/npy.h"
#include "common/io/scratch_for_test.h"

namespace tenfold::io {

TEST_CASE("a .npy header is what NumPy writes") {
  // numpy.lib.format.write_array of NumPy 1.24
  const std::string head = npy_head(DType::kF32, {3, 4});
  CHECK(head.size() == 128);
  CHECK(head.substr(0, 10) == std::string("\x93NUMPY\x01\x00\x76\x00", 10));
  CHECK(head.substr(10, 61) == "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 4), }  ");
  CHECK(head.back() == '\n');
  CHECK(npy_head(DType::kI32, {7}).find("'shape': (7,), }") != std::string::npos);
  CHECK(npy_head(DType::kF64, {}).find("'descr': '<f8', 'fortran_order': False, 'shape': (), }") !=
        std::string::npos);
  CHECK(npy_head(DType::kU8, {1, 2, 3}).find("'descr': '|u1'") != std::string::npos);
  CHECK(outcome_of([] { npy_head(DType::kBF16, {1}); }).says("NumPy has no dtype BF16"));
}

TEST_CASE("what is written as .npy reads back") {
  const Scratch scratch;
  const double values[] = {1, -2.5, 3e300, 0, 5, 6};
  write_npy(scratch / "a.npy", DType::kF64, {2, 3}, values);
  const Tensor read = read_npy(scratch / "a.npy");
  CHECK(read.dtype == DType::kF64);
  CHECK(read.shape == std::vector<int64_t>{2, 3});
  CHECK(std::equal(values, values + 6, read.as<double>()));
  CHECK(outcome_of([&] { write_npy(scratch / "no/a.npy", DType::kF64, {1}, values); }).code ==
        ExitCode::kCannotCreate);
}

}  // namespace tenfold::io
