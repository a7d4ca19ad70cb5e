#include "common/io/cifti.h"

#include <catch2/catch.hpp>

#include "common/io/nifti_for_test.h"
#include "common/io/scratch_for_test.h"

namespace tenfold::io {
namespace {

constexpr char kSeries[] =
    "<MatrixIndicesMap AppliesToMatrixDimension=\"0\" "
    "IndicesMapToDataType=\"CIFTI_INDEX_TYPE_SERIES\" NumberOfSeriesPoints=\"3\" "
    "SeriesExponent=\"-2\" SeriesStart=\"0\" SeriesStep=\"72\" SeriesUnit=\"SECOND\"/>";
constexpr char kParcels[] =
    "<MatrixIndicesMap AppliesToMatrixDimension=\"1\" "
    "IndicesMapToDataType=\"CIFTI_INDEX_TYPE_PARCELS\"><Parcel Name=\"V1\"><Vertices "
    "BrainStructure=\"CIFTI_STRUCTURE_CORTEX_LEFT\">0 1</Vertices></Parcel><Parcel "
    "Name=\"V2\"/></MatrixIndicesMap>";

std::string models(const std::string& left, const std::string& right) {
  return "<MatrixIndicesMap AppliesToMatrixDimension=\"1\" "
         "IndicesMapToDataType=\"CIFTI_INDEX_TYPE_BRAIN_MODELS\"><BrainModel IndexOffset=\"0\" "
         "IndexCount=\"1\" BrainStructure=\"CIFTI_STRUCTURE_CORTEX_LEFT\"><VertexIndices>" +
         left + "</VertexIndices></BrainModel><BrainModel " + right +
         " BrainStructure=\"CIFTI_STRUCTURE_THALAMUS_LEFT\"/></MatrixIndicesMap>";
}

Bytes cifti(const std::string& maps, bool big_endian = false) {
  NiftiForTest f;
  f.version = 2;
  f.big_endian = big_endian;
  f.datatype = 16;
  f.dim = {6, 1, 1, 1, 1, 3, 2};
  f.extension = "<?xml version=\"1.0\"?><CIFTI Version=\"2\"><Matrix>" + maps + "</Matrix></CIFTI>";
  return f.with(std::vector<float>{1, 2, 3, -4, -5, -6});
}

Outcome parse(const Bytes& file) {
  return outcome_of([&] { parse_cifti(file, "x.nii"); });
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  return at == std::string::npos ? text : text.replace(at, from.size(), to);
}

}  // namespace

TEST_CASE("parcels over time are read with their names and step") {
  for (const bool big : {false, true}) {
    const Signals s = parse_cifti(cifti(std::string(kSeries) + kParcels, big), "x");
    CHECK(s.names == std::vector<std::string>{"V1", "V2"});
    CHECK(s.values == std::vector<double>{1, 2, 3, -4, -5, -6});
    CHECK(s.samples == 3);
    CHECK(s.rate_hz == 1 / 0.72);
    CHECK(s.fact("rows") == "parcels");
  }
}

TEST_CASE("brainordinates are named after their structure and vertex or place") {
  const Signals s =
      parse_cifti(cifti(kSeries + models(" 77\n", "IndexOffset=\"1\" IndexCount=\"1\"")), "x");
  CHECK(s.names == std::vector<std::string>{"CORTEX_LEFT/77", "THALAMUS_LEFT/0"});
}

TEST_CASE("other maps, units and counts are refused by dimension") {
  const std::string series = kSeries, parcels = kParcels,
                    there = "IndexOffset=\"1\" IndexCount=\"1\"";
  CHECK(parse(cifti(series)).says("x.nii: found no map of dimension 1"));
  CHECK(
      parse(cifti(replaced(series, "SERIES\"", "SCALARS\"") + parcels))
          .says("map of dimension 0: found CIFTI_INDEX_TYPE_SCALARS, expected CIFTI_INDEX_TYPE_S"));
  CHECK(parse(cifti(replaced(series, "SECOND", "HERTZ") + parcels)).says("found unit 'HERTZ'"));
  CHECK(parse(cifti(replaced(series, "Points=\"3\"", "Points=\"4\"") + parcels))
            .says("found 4 points, expected 3"));
  CHECK(parse(cifti(replaced(series, "\"72\"", "\"0\"") + parcels)).says("found a step of '0'"));
  CHECK(parse(cifti(series + replaced(parcels, "<Parcel Name=\"V2\"/>", "")))
            .says("found 1 parcels, expected 2"));
  CHECK(parse(cifti(series + replaced(parcels, "PARCELS", "LABELS")))
            .says("expected parcels or brain models"));
  CHECK(parse(cifti(series + models("1 2", there)))
            .says("CORTEX_LEFT: found 2 vertices, expected 1"));
  CHECK(parse(cifti(series + models("1", "IndexOffset=\"1\" IndexCount=\"2\"")))
            .says("found IndexCount 2, expected 0 to 1"));
  CHECK(parse(cifti(series + models("1", "IndexOffset=\"0\" IndexCount=\"1\"")))
            .says("row 0 belongs to two structures"));
  CHECK(parse(cifti(series + models("1", "IndexOffset=\"1\" IndexCount=\"0\"")))
            .says("row 1 belongs to no structure"));
  NiftiForTest plain;
  plain.version = 2;
  CHECK(parse(plain.with(std::vector<int16_t>(6, 1))).says("found no extension of CIFTI"));
  CHECK_FALSE(is_cifti(plain.with(std::vector<int16_t>(6, 1))));
  CHECK(is_cifti(cifti(series)));
}

TEST_CASE("a CIFTI file cut at any byte is refused, with any flipped bit refused or read") {
  const Bytes file = cifti(std::string(kSeries) + kParcels);
  for (size_t size = 0; size < file.size(); ++size) {
    CAPTURE(size);
    REQUIRE(parse(Bytes(file.begin(), file.begin() + long(size))).code == ExitCode::kBadData);
  }
  int refused = 0, read = 0;
  for (size_t at = 0; at < file.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      CAPTURE(at, bit);
      Bytes damaged = file;
      damaged[at] ^= uint8_t(1 << bit);
      const Outcome outcome = parse(damaged);
      REQUIRE((outcome.ok() || (outcome.code == ExitCode::kBadData && !outcome.says("\n"))));
      ++(outcome.ok() ? read : refused);
    }
  }
  CHECK((refused > 1000 && read > 1000));
}

}  // namespace tenfold::io
