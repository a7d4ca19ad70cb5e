#include "common/io/freesurfer_annot.h"

#include <catch2/catch.hpp>

#include "common/io/scratch_for_test.h"

namespace tenfold::io {
namespace {

void put(Bytes& out, int32_t value) {
  for (const int shift : {24, 16, 8, 0}) out.push_back(uint8_t(uint32_t(value) >> shift));
}

void put(Bytes& out, const std::string& text) {  // with its length and a zero byte
  put(out, int32_t(text.size() + 1));
  out.insert(out.end(), text.begin(), text.end());
  out.push_back(0);
}

struct Entry {
  int32_t index;
  std::string name;
  int32_t r, g, b;
};

Bytes annot(const std::vector<int32_t>& pairs, const std::vector<Entry>& entries,
            int32_t version = -2, int32_t most = 8) {
  Bytes out;
  put(out, int32_t(pairs.size() / 2));
  for (const int32_t word : pairs) put(out, word);
  put(out, 1);
  put(out, version);
  put(out, most);
  put(out, "lh.ctab");
  put(out, int32_t(entries.size()));
  for (const Entry& e : entries) {
    put(out, e.index);
    put(out, e.name);
    for (const int32_t colour : {e.r, e.g, e.b, 0}) put(out, colour);
  }
  return out;
}

// Vertices out of order; the value of vertex 3 is in no entry.
Bytes whole() {
  return annot({0, 0x030201, 2, 0, 1, 0xff, 3, 77},
               {{0, "unknown", 0, 0, 0}, {3, "17Networks_LH", 1, 2, 3}, {1, "red", 255, 0, 0}});
}

Outcome parse(const Bytes& file) {
  return outcome_of([&] { parse_annot(file, "lh.annot"); });
}

}  // namespace

TEST_CASE("a vertex has the parcel whose colour r + 256 g + 65536 b is its value") {
  const SurfaceParcels p = parse_annot(whole(), "x");
  REQUIRE(p.labels == std::vector<int32_t>{3, 1, 0, -1});
  REQUIRE(p.names == std::vector<std::string>{"unknown", "red", "", "17Networks_LH"});
}

TEST_CASE("other table versions, vertices and indices out of range or twice are refused") {
  const std::vector<Entry> one = {{0, "a", 1, 1, 1}};
  CHECK(parse(annot({0, 1}, one)).ok());
  CHECK(parse(annot({0, 1}, one, 5)).message ==
        "lh.annot: version of the colour table (byte 16): found 5, expected -2 to -2");
  CHECK(parse(annot({1, 1}, one)).says("vertex (byte 4): found 1, expected 0 to 0"));
  CHECK(parse(annot({0, 1, 0, 1}, one)).says("vertex (byte 12): 0 stands twice"));
  CHECK(parse(annot({0, 1}, {{8, "a", 1, 1, 1}})).says("found 8, expected 0 to 7"));
  CHECK(parse(annot({0, 1}, {one[0], one[0]})).says("index of an entry (byte 66): 0 stands twice"));
  CHECK(parse(annot({0, 1}, {{0, "a", 256, 1, 1}})).says("colour (byte 50): found 256"));
  Bytes longer = whole();
  longer.push_back(0);
  CHECK(parse(longer).says("found 1 more bytes, expected none"));
}

TEST_CASE("counts that the file cannot hold are refused before allocation") {
  Bytes file;
  for (const int32_t word : {0x7fffffff, 0, 0}) put(file, word);
  CHECK(parse(file).says("number of vertices (byte 0): found 2147483647, expected 1 to 1"));
  // A name whose length is right only if its own four bytes are counted in.
  Bytes name = annot({0, 1}, {});
  name.resize(24);
  for (const int32_t word : {8, 0}) put(name, word);
  CHECK(parse(name).says("file name of the table (byte 24): found a length of 8, expected 0 to 4"));
  CHECK(parse(annot({0, 1}, {}, -2, 0x7fffffff)).says("most entries of the table (byte 20)"));
}

TEST_CASE("an annot file cut at any byte is refused, with any flipped bit refused or read") {
  const Bytes file = whole();
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
  REQUIRE((refused > 100 && read > 100));
}

TEST_CASE("a missing annot file is missing input") {
  const Scratch scratch;
  REQUIRE(outcome_of([&] { read_annot(scratch / "lh.annot"); }).code == ExitCode::kInputMissing);
}

}  // namespace tenfold::io
