#include "tools/samba-align/simulation_input_files.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "common/io/npy_writer.h"
#include "common/io/scratch_for_test.h"

namespace tenfold::samba_align {

using io::outcome_of;

TEST_CASE("a region's lead field is the mean over its vertices, sensors of NaN are left out") {
  Matrix vertices(3, 4);
  vertices << 1, 3, 10, NAN, NAN, NAN, NAN, NAN, -1, 5, 2, 4;
  const Matrix regions = region_leadfield(vertices, {1, 1, 0, 0}, "x");
  Matrix expected(2, 2);
  expected << 10, 2, 3, 2;
  CHECK(regions == expected);
  CHECK(outcome_of([&] {
          region_leadfield(vertices, {0, 1, 0}, "x");
        }).says("x: found regions of 3 vertices, expected 4"));
  CHECK(outcome_of([&] { region_leadfield(vertices, {0, 1, 0, 0.5}, "x"); }).says("region 0.5"));
  CHECK(outcome_of([&] {
          region_leadfield(vertices, {0, 0, 0, 1}, "x");
        }).says("sensor 0 has no finite number in region 1"));
}

TEST_CASE("files bring matrices, a series of real fMRI with its parcels as rows") {
  const io::Scratch scratch;
  const std::vector<double> values = {1, 2, 3, 4, 5, 6};
  io::write_npy(scratch / "tc.npy", io::DType::kF64, {3, 2}, values.data());
  io::write_file_atomic(scratch / "sc.csv", "0,7\n7,0\n");
  SimulationInputFiles files;
  files.connectome = scratch / "sc.csv";
  files.fmri_noise_from = scratch / "tc.npy";
  const SimulationInputs in = read_simulation_inputs(files, 2);
  CHECK((*in.connectome)(0, 1) == 7);
  CHECK((in.fmri_noise_series->rows() == 2 && (*in.fmri_noise_series)(1, 2) == 6));
  CHECK_FALSE(in.lengths);
  files.region_map = scratch / "sc.csv";
  CHECK(outcome_of([&] { read_simulation_inputs(files, 2); }).code == ExitCode::kUsage);
}

}  // namespace tenfold::samba_align
