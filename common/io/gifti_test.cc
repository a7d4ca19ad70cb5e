#include "common/io/gifti.h"

#include <catch2/catch.hpp>

#include "common/io/gifti_for_test.h"
#include "common/io/gzip_for_test.h"
#include "common/io/scratch_for_test.h"

namespace tenfold::io {
namespace {

using Doubles = std::vector<double>;
using A = GiftiArrayForTest;

Outcome parse(const Bytes& file) {
  return outcome_of([&] { parse_gifti(file, "x.gii"); });
}

Doubles values_of(const A& a) {
  return parse_gifti(gifti_file(gifti_array(a)), "x.gii").arrays.at(0).values;
}

std::string base64(const Bytes& bytes) {
  const std::string digits = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
  std::string out;
  for (size_t i = 0; i < bytes.size(); i += 3) {
    uint32_t group = 0;
    for (size_t b = 0; b < 3; ++b) group = group << 8 | (i + b < bytes.size() ? bytes[i + b] : 0);
    for (int d = 0; d < 4; ++d) {
      const bool padding = i + size_t(d) > bytes.size();
      out += padding ? '=' : digits[group >> (18 - 6 * d) & 63];
    }
  }
  return out;
}

std::string whole_text() {
  A first, second;
  first.data = "1 -2.5 3e2";
  first.metadata = gifti_md("TimeStep", "720");
  second.data = "\n4\t5 6 \n";
  return gifti_array(first) + gifti_array(second);
}

}  // namespace

TEST_CASE("text, base64 and compressed base64 of both byte orders give the same numbers") {
  A a;
  a.data = "1 -2.5 300";
  CHECK(values_of(a) == Doubles{1, -2.5, 300});
  a.encoding = "Base64Binary";
  a.data = "AACAPwAAIMAAAJZD";  // struct.pack("<3f", 1, -2.5, 300)
  CHECK(values_of(a) == Doubles{1, -2.5, 300});
  a.endian = "BigEndian";
  a.data = "P4AAAMAg\n  AABDlgAA";  // struct.pack(">3f", ...), broken
  CHECK(values_of(a) == Doubles{1, -2.5, 300});
  a.encoding = "GZipBase64Binary";
  a.type = "NIFTI_TYPE_INT32";
  a.data = base64(deflate_of({0, 0, 0, 7, 0xff, 0xff, 0xff, 0xfe, 0, 1, 0, 0}, 15));
  CHECK(values_of(a) == Doubles{7, -2, 65536});
  a.type = "NIFTI_TYPE_UINT8";
  a.data = base64(deflate_of({1, 2, 255}, 15));
  CHECK(values_of(a) == Doubles{1, 2, 255});
}

TEST_CASE("arrays stored column by column are turned") {
  A a;
  a.dims = "Dimensionality=\"2\" Dim0=\"2\" Dim1=\"3\"";
  a.data = "1 2 3 4 5 6";
  CHECK(values_of(a) == Doubles{1, 2, 3, 4, 5, 6});
  a.order = "ColumnMajorOrder";
  CHECK(values_of(a) == Doubles{1, 3, 5, 2, 4, 6});
}

TEST_CASE("an array a time and one array [vertex, time] are series") {
  const Signals s = gifti_series(parse_gifti(gifti_file(whole_text()), "x"), "x");
  CHECK(s.values == Doubles{1, 4, -2.5, 5, 300, 6});
  CHECK(s.samples == 2);
  CHECK(s.channels() == 3);
  CHECK(s.rate_hz == Approx(1 / 0.72));
  A matrix;
  matrix.dims = "Dimensionality=\"2\" Dim0=\"2\" Dim1=\"3\"";
  matrix.data = "1 2 3 4 5 6";
  const Signals m = gifti_series(parse_gifti(gifti_file(gifti_array(matrix)), "x"), "x");
  CHECK((m.channels() == 2 && m.samples == 3 && m.rate_hz == 0));
  CHECK(m.values == Doubles{1, 2, 3, 4, 5, 6});
  A other;
  other.data = "1 2";
  other.dims = "Dimensionality=\"1\" Dim0=\"2\"";
  const Bytes unequal = gifti_file(whole_text() + gifti_array(other));
  CHECK(outcome_of([&] {
          gifti_series(parse_gifti(unequal, "x"), "x");
        }).says("2 rows, expected one value for each of 3 vertices"));
}

TEST_CASE("a label's vertices have the table's keys, key 0 and unknown keys are no parcel") {
  A a;
  a.intent = "NIFTI_INTENT_LABEL";
  a.type = "NIFTI_TYPE_INT32";
  a.dims = "Dimensionality=\"1\" Dim0=\"4\"";
  a.data = "0 2 1 9";
  const std::string table =
      "<LabelTable><Label Key=\"0\">none</Label><Label Key=\"2\" Red=\"1\"><![CDATA[two]]></Label>"
      "<Label Index=\"1\"> one </Label></LabelTable>";
  const Gifti gifti = parse_gifti(gifti_file(table + gifti_array(a)), "x");
  const SurfaceParcels p = gifti_parcels(gifti, "x");
  CHECK(p.labels == std::vector<int32_t>{-1, 2, 1, -1});
  CHECK(p.names == std::vector<std::string>{"none", "one", "two"});
  CHECK(outcome_of([&] { gifti_series(gifti, "x"); }).says("labels or coordinates only"));
  const Gifti series = parse_gifti(gifti_file(whole_text()), "x");
  CHECK(outcome_of([&] { gifti_parcels(series, "x"); }).says("no array of intent"));
}

TEST_CASE("sizes, encodings and texts that do not fit are refused with their array") {
  A a;
  a.data = "1 2 3";
  const auto fault = [&](auto change, const std::string& words) {
    A changed = a;
    change(changed);
    const Outcome o = parse(gifti_file(gifti_array(changed)));
    CAPTURE(o.message);
    CHECK(o.code == ExitCode::kBadData);
    CHECK(o.says("x.gii: DataArray 0: " + words));
  };
  fault([](A& x) { x.data = "1 2"; }, "found 2 numbers, expected 3");
  fault([](A& x) { x.data = "1 2 x"; }, "number 2: found 'x', expected 3 numbers");
  fault([](A& x) { x.data = "1 2 3 4"; }, "number 3: found '4'");
  fault([](A& x) { x.dims = "Dimensionality=\"1\" Dim0=\"0\""; }, "found Dim0 '0'");
  fault([](A& x) { x.dims = "Dimensionality=\"9\""; }, "found Dimensionality '9'");
  fault([](A& x) { x.dims = "Dimensionality=\"1\" Dim0=\"9000000000000000000\""; }, "found 9,000,");
  fault([](A& x) { x.encoding = "ExternalFileBinary"; }, "found Encoding 'ExternalFileBinary'");
  fault([](A& x) { x.encoding = "Base64Binary"; }, "found 3 base64 digits at the end");
  fault([](A& x) { x.encoding = "Base64Binary", x.data = "AA!A"; }, "character 2: found '!'");
  fault([](A& x) { x.encoding = "Base64Binary", x.data = "AACAPw=="; },
        "found 4 bytes of numbers, expected 12");
  fault([](A& x) { x.encoding = "Base64Binary", x.type = "NIFTI_TYPE_RGB24", x.data = "AAAA"; },
        "found DataType 'NIFTI_TYPE_RGB24'");
  fault(
      [](A& x) { x.encoding = "GZipBase64Binary", x.data = base64(deflate_of(Bytes(13, 0), 15)); },
      "unpacks to more than the 12 bytes");
  fault([](A& x) { x.encoding = "GZipBase64Binary", x.data = "eJw="; },
        "truncated compressed data");
  CHECK(parse(bytes_of("<a/>")).says("found XML of 'a', expected GIFTI"));
  CHECK(parse(bytes_of("<GIFTI><a></GIFTI>")).says("XML, line 1: mismatched tag"));
  CHECK(parse(bytes_of("<!DOCTYPE a [<!ENTITY b \"c\">]><a>&b;</a>")).says("entities of its own"));
  std::string deep;
  for (int i = 0; i < 40; ++i) deep += "<a>";
  CHECK(parse(bytes_of(deep)).says("nested deeper than 32"));
  A step = a;
  step.metadata = gifti_md("TimeStep", "-1");
  const Gifti odd = parse_gifti(gifti_file(gifti_array(step)), "x");
  CHECK(outcome_of([&] { gifti_series(odd, "x"); }).says("TimeStep: found '-1'"));
}

TEST_CASE("a GIFTI file cut at any byte is refused, with any flipped bit refused or read") {
  const Bytes file = gifti_file(whole_text());
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
      const Outcome outcome =
          outcome_of([&] { gifti_series(parse_gifti(damaged, "x.gii"), "x.gii"); });
      REQUIRE((outcome.ok() || (outcome.code == ExitCode::kBadData && !outcome.says("\n"))));
      ++(outcome.ok() ? read : refused);
    }
  }
  CHECK((refused > 1000 && read > 500));
}

TEST_CASE("a missing GIFTI file is missing input") {
  const Scratch scratch;
  CHECK(outcome_of([&] { read_gifti(scratch / "x.gii"); }).code == ExitCode::kInputMissing);
}

}  // namespace tenfold::io
