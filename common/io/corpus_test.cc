#include <catch2/catch.hpp>

#include "common/io/brainvision_for_test.h"
#include "common/io/cifti.h"
#include "common/io/csv.h"
#include "common/io/edf.h"
#include "common/io/fif.h"
#include "common/io/file.h"
#include "common/io/freesurfer_annot.h"
#include "common/io/gifti.h"
#include "common/io/graphml.h"
#include "common/io/hdf5.h"
#include "common/io/hdf5_walk_for_test.h"
#include "common/io/idx.h"
#include "common/io/matlab.h"
#include "common/io/nifti.h"
#include "common/io/safetensors.h"
#include "common/io/scratch_for_test.h"

// The fuzzers' seeds, and every input that once failed, run in the default build.
namespace tenfold::io {
namespace {

struct Tally {
  int parsed = 0, refused = 0;
};

// Every file of `folder` through `parse`; outcome_of lets anything but a tenfold::Error fail the
// test.
template <class Parse>
Tally run(const std::string& folder, Parse parse) {
  Tally tally;
  for (const std::string& name : list_folder(folder)) {
    if (name == "BUILD") continue;
    CAPTURE(name);
    const std::string path = folder + "/" + name;
    const Outcome outcome = outcome_of([&] { parse(path); });
    if (!outcome.ok()) {
      REQUIRE(outcome.code == ExitCode::kBadData);
      REQUIRE(outcome.says(path + ":"));
      REQUIRE_FALSE(outcome.says("\n"));
    }
    ++(outcome.ok() ? tally.parsed : tally.refused);
  }
  return tally;
}

}  // namespace

TEST_CASE("every BrainVision recording of the fuzz corpus is read or refused") {
  const auto parse = [](const std::string& path) {
    parse_joined_brainvision(read_file(path), path);
  };
  const Tally tally = run("tests/fuzz/brainvision", parse);
  REQUIRE((tally.parsed == 5 && tally.refused == 7));
}

TEST_CASE("every CSV table of the fuzz corpus is read or refused") {
  const Tally tally = run("tests/fuzz/csv", CsvTable::read);
  REQUIRE((tally.parsed >= 4 && tally.refused >= 6));
}

TEST_CASE("every EDF and BDF file of the fuzz corpus is read or refused") {
  const Tally tally = run("tests/fuzz/edf", read_edf_by_rate);
  REQUIRE((tally.parsed >= 5 && tally.refused >= 8));
}

TEST_CASE("every FIF file of the fuzz corpus is read or refused") {
  FifOptions options;
  options.gaps_zero = options.allow_maxshield = true;
  const auto parse = [&](const std::string& path) { parse_fif(read_file(path), path, options); };
  const Tally tally = run("tests/fuzz/fif", parse);
  REQUIRE((tally.parsed >= 8 && tally.refused >= 8));
}

TEST_CASE("every annot file of the fuzz corpus is read or refused") {
  const Tally tally = run("tests/fuzz/freesurfer_annot", read_annot);
  REQUIRE((tally.parsed == 3 && tally.refused == 9));
}

TEST_CASE("every IDX file of the fuzz corpus is read or refused") {
  const Tally images = run("tests/fuzz/idx", read_idx_images);
  const Tally labels = run("tests/fuzz/idx", read_idx_labels);
  REQUIRE((images.parsed >= 3 && images.refused >= 8));
  REQUIRE((labels.parsed >= 3 && labels.refused >= 8));
}

TEST_CASE("every NIfTI, CIFTI, GIFTI and MATLAB file of the fuzz corpus is read or refused") {
  const Tally nifti = run("tests/fuzz/nifti", read_nifti),
              cifti = run("tests/fuzz/cifti", read_cifti),
              gifti = run("tests/fuzz/gifti", read_gifti),
              matlab = run("tests/fuzz/matlab", MatlabFile::open);
  CHECK((nifti.parsed >= 3 && nifti.refused >= 6));
  CHECK((cifti.parsed >= 2 && cifti.refused >= 5));
  CHECK((gifti.parsed >= 4 && gifti.refused >= 5));
  CHECK((matlab.parsed >= 3 && matlab.refused >= 4));
}

TEST_CASE("every GraphML file of the fuzz corpus is read or refused") {
  const Tally tally = run("tests/fuzz/graphml", read_graphml);
  CHECK((tally.parsed == 2 && tally.refused == 3));
}

TEST_CASE("every safetensors file of the fuzz corpus is read or refused") {
  const Tally tally = run("tests/fuzz/safetensors", read_safetensors);
  REQUIRE((tally.parsed >= 5 && tally.refused >= 15));
}

TEST_CASE("every HDF5 file of the fuzz corpus is read or refused") {
  const Tally tally = run("tests/fuzz/hdf5", [](const std::string& path) {
    const Hdf5File file = Hdf5File::open(path);
    REQUIRE(walk(file).datasets >= 1);
  });
  REQUIRE((tally.parsed >= 7 && tally.refused >= 4));
}

}  // namespace tenfold::io
