#include "tools/samba-align/parcellation.h"

#include <catch2/catch.hpp>
#include <cmath>

#include "common/io/npy_writer.h"
#include "common/io/scratch_for_test.h"

namespace tenfold::samba_align {
namespace {

using io::outcome_of;
using io::Scratch;

std::string label_file(const Scratch& scratch, const std::string& name, const std::string& keys,
                       const std::string& side, int vertices) {
  const std::string text =
      "<GIFTI><LabelTable><Label Key=\"0\">none</Label><Label Key=\"1\">17Networks_" + side +
      "_VisCent_ExStr_1</Label><Label Key=\"2\">17Networks_" + side +
      "_ContA_1</Label></LabelTable><DataArray Intent=\"NIFTI_INTENT_LABEL\" "
      "DataType=\"NIFTI_TYPE_INT32\" Dimensionality=\"1\" Dim0=\"" +
      std::to_string(vertices) + "\" Encoding=\"ASCII\"><Data>" + keys +
      "</Data></DataArray></GIFTI>";
  io::write_file_atomic(scratch / name, text);
  return scratch / name;
}

FileRecording recording(int64_t rows, int64_t samples, std::vector<double> values) {
  FileRecording r;
  r.path = "x.npy";
  r.rows = rows;
  r.samples = samples;
  r.values = std::move(values);
  return r;
}

}  // namespace

TEST_CASE("a parcel is the mean over its vertices, the right hemisphere's behind the left's") {
  const Scratch scratch;
  const Parcellation p = read_parcellation({label_file(scratch, "lh.label.gii", "2 0 1", "LH", 3),
                                            label_file(scratch, "rh.label.gii", "1 1 2", "RH", 3)});
  CHECK(p.labels == std::vector<int32_t>{1, -1, 0, 2, 2, 3});
  REQUIRE(p.parcels.size() == 4);
  CHECK(p.parcels[0].name == "17Networks_LH_VisCent_ExStr_1");
  CHECK((p.parcels[0].hemisphere == "left" && p.parcels[0].network == "VisCent"));
  CHECK((p.parcels[3].hemisphere == "right" && p.parcels[3].network == "ContA"));
  FileRecording r = recording(6, 2, {1, 2, 100, 100, 3, 4, 5, 6, 7, 10, NAN, 12});
  FileRecording zero = r;
  average_parcels(r, p, "error");
  CHECK(r.rows == 4);
  CHECK(std::vector<double>(r.values.begin(), r.values.begin() + 6) ==
        std::vector<double>{3, 4, 1, 2, 6, 8});
  CHECK(std::isnan(r.values[6]));
  average_parcels(zero, p, "reference");
  CHECK(zero.values[6] == 0);
}

TEST_CASE("labels are whole numbers, as many as rows, and some are no background") {
  const Scratch scratch;
  io::write_file_atomic(scratch / "a.txt", "0\n7\n3\n7\n");
  const Parcellation p = read_parcellation({scratch / "a.txt"});
  CHECK(p.labels == std::vector<int32_t>{-1, 1, 0, 1});
  CHECK((p.parcels[0].name == "3" && p.parcels[1].name == "7"));
  FileRecording r = recording(3, 1, {1, 2, 3});
  CHECK(outcome_of([&] {
          average_parcels(r, p, "error");
        }).says("found labels of 4 vertices or voxels, expected 3 as x.npy has"));
  io::write_file_atomic(scratch / "b.txt", "0\n0\n");
  CHECK(outcome_of([&] { read_parcellation({scratch / "b.txt"}); }).says("background only"));
  io::write_file_atomic(scratch / "c.txt", "1\n1.5\n");
  CHECK(outcome_of([&] { read_parcellation({scratch / "c.txt"}); }).says("found label 1.5"));
  CHECK(outcome_of([&] { read_parcellation({scratch / "no.txt"}); }).code ==
        ExitCode::kInputMissing);
}

TEST_CASE("a label image must have the recording's voxels and affine") {
  Parcellation p;
  p.path = "atlas.nii";
  p.labels = {0, 0};
  p.parcels = {parcel_name("1")};
  p.grid = {2, 1, 1};
  p.affine = {{{2, 0, 0, 5}, {0, 2, 0, 0}, {0, 0, 2, 0}}};
  FileRecording r = recording(2, 2, {1, 2, 3, 4});
  CHECK(outcome_of([&] { average_parcels(r, p, "error"); }).says("is a label image"));
  r.volume.emplace();
  r.volume->shape = {2, 1, 1, 2};
  r.volume->affine = p.affine;
  r.volume->affine[0][3] = 5.0005;
  FileRecording fits = r, moved = r, other = r;
  average_parcels(fits, p, "error");
  CHECK(fits.values == std::vector<double>{2, 3});
  moved.volume->affine[0][3] = 5.01;
  CHECK(outcome_of([&] {
          average_parcels(moved, p, "error");
        }).says("atlas.nii: affine row 0, column 3: found 5, expected 5.01"));
  other.volume->shape = {1, 2, 1, 2};
  CHECK(outcome_of([&] {
          average_parcels(other, p, "error");
        }).says("found 2 x 1 x 1 voxels, expected 1 x 2 x 1"));
}

}  // namespace tenfold::samba_align
