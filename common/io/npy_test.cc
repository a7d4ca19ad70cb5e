#include "common/io/npy.h"

#include <zlib.h>

#include <algorithm>
#include <catch2/catch.hpp>
#include <cstring>

#include "common/io/gzip_for_test.h"
#include "common/io/scratch_for_test.h"

namespace tenfold::io {
namespace {

void append(Bytes& out, uint64_t value, int size) {
  for (int i = 0; i < size; ++i, value >>= 8) out.push_back(static_cast<uint8_t>(value));
}
void append(Bytes& out, const Bytes& more) { out.insert(out.end(), more.begin(), more.end()); }

Bytes npy(const std::string& dictionary, const Bytes& data, int version = 1) {
  Bytes out = bytes_of("\x93NUMPY");
  append(out, static_cast<uint64_t>(version), 2);
  append(out, dictionary.size(), version == 1 ? 2 : 4);
  append(out, bytes_of(dictionary));
  append(out, data);
  return out;
}

std::string dictionary(const std::string& descr, const std::string& shape, bool fortran = false) {
  return "{'descr': '" + descr + "', 'fortran_order': " + (fortran ? "True" : "False") +
         ", 'shape': " + shape + ", }   \n";
}

Bytes counting(size_t size) {
  Bytes out(size);
  for (size_t i = 0; i < size; ++i) out[i] = static_cast<uint8_t>(i);
  return out;
}

Outcome parse(const Bytes& file) {
  return outcome_of([&] { parse_npy(file, "x"); });
}
Outcome parse(const std::string& head, size_t data = 0) { return parse(npy(head, counting(data))); }

// One member of a zip archive as numpy writes it: `wide` puts the sizes into zip64 fields.
struct Part {
  std::string name;
  Bytes bytes;
  bool deflated = false, wide = false;
};

void append_record(Bytes& out, const Part& part, const Bytes& packed, bool central, uint64_t at) {
  append(out, central ? 0x02014b50 : 0x04034b50, 4);
  if (central) append(out, 45, 2);
  append(out, 45, 2);
  append(out, 0, 2);
  append(out, part.deflated ? 8 : 0, 2);
  append(out, 0, 4);
  append(out, crc32_z(0, part.bytes.data(), part.bytes.size()), 4);
  append(out, part.wide ? UINT32_MAX : packed.size(), 4);
  append(out, part.wide ? UINT32_MAX : part.bytes.size(), 4);
  append(out, part.name.size(), 2);
  append(out, part.wide ? 20 : 0, 2);
  if (central) {
    append(out, 0, 10);
    append(out, at, 4);
  }
  append(out, bytes_of(part.name));
  if (!part.wide) return;
  append(out, 1, 2);
  append(out, 16, 2);
  append(out, part.bytes.size(), 8);
  append(out, packed.size(), 8);
}

Bytes zip_of(const std::vector<Part>& parts, const std::string& comment = "") {
  Bytes out, directory;
  for (const Part& part : parts) {
    const Bytes packed = part.deflated ? deflate_of(part.bytes, -15) : part.bytes;
    append_record(directory, part, packed, true, out.size());
    append_record(out, part, packed, false, 0);
    append(out, packed);
  }
  const uint64_t start = out.size();
  append(out, directory);
  append(out, 0x06054b50, 4);
  append(out, 0, 4);
  append(out, parts.size(), 2);
  append(out, parts.size(), 2);
  append(out, directory.size(), 4);
  append(out, start, 4);
  append(out, comment.size(), 2);
  append(out, bytes_of(comment));
  return out;
}

Bytes pair_npy() { return npy(dictionary("<i2", "(2,)"), {1, 0, 2, 0}); }
Bytes sample_npz() {
  return zip_of(
      {{"a.npy", pair_npy()}, {"b.npy", npy(dictionary("|u1", "(300,)"), Bytes(300)), true}});
}
Outcome parse_zip(const Bytes& file) {
  return outcome_of([&] { parse_npz(file, "x"); });
}

}  // namespace

TEST_CASE("arrays of every dtype and version are read") {
  const std::pair<const char*, DType> codes[] = {
      {"|b1", DType::kBool}, {"|u1", DType::kU8},  {"|i1", DType::kI8},  {"<i2", DType::kI16},
      {"<u2", DType::kU16},  {"<f2", DType::kF16}, {"<i4", DType::kI32}, {"<u4", DType::kU32},
      {"<f4", DType::kF32},  {"<f8", DType::kF64}, {"<i8", DType::kI64}, {"<u8", DType::kU64}};
  for (const auto& [code, dtype] : codes) {
    for (int version = 1; version <= 3; ++version) {
      const Bytes data = counting(static_cast<size_t>(3 * dtype_size(dtype)));
      const Tensor found = parse_npy(npy(dictionary(code, "(3,)"), data, version), "x");
      REQUIRE(found.dtype == dtype);
      REQUIRE(found.shape == std::vector<int64_t>{3});
      REQUIRE(found.data == data);
    }
  }
}

TEST_CASE("a scalar has no dimensions and an empty array no bytes") {
  REQUIRE(parse_npy(npy(dictionary("<f4", "()"), counting(4)), "x").shape.empty());
  const Tensor empty = parse_npy(npy(dictionary("<f4", "(0, 3)"), {}), "x");
  REQUIRE(empty.shape == std::vector<int64_t>{0, 3});
  REQUIRE(parse_npy(npy(dictionary("<f4", "(3, 0)", true), {}), "x").data.empty());
}

TEST_CASE("the keys may come in any order") {
  const std::string head = "{\"shape\":(2),'fortran_order':False,'descr':'|u1'}";
  REQUIRE(parse_npy(npy(head, {7, 8}), "x").data == Bytes{7, 8});
}

TEST_CASE("Fortran order becomes row-major") {
  // Column-major [2, 3] of 0..5 holds the rows 0 2 4 and 1 3 5.
  const Tensor two = parse_npy(npy(dictionary("|u1", "(2, 3)", true), counting(6)), "x");
  REQUIRE(two.data == Bytes{0, 2, 4, 1, 3, 5});
  const Tensor three = parse_npy(npy(dictionary("<i2", "(2, 3, 4)", true), counting(48)), "x");
  for (size_t i = 0; i < 2; ++i) {
    for (size_t j = 0; j < 3; ++j) {
      for (size_t k = 0; k < 4; ++k) {
        REQUIRE(three.data[2 * (i * 12 + j * 4 + k)] == 2 * (i + j * 2 + k * 6));
      }
    }
  }
}

TEST_CASE("an npy file cut at any byte is bad data, and so are bytes after it") {
  const Bytes whole = pair_npy();
  for (size_t size = 0; size < whole.size(); ++size) {
    REQUIRE(parse(Bytes(whole.begin(), whole.begin() + static_cast<long>(size))).code ==
            ExitCode::kBadData);
  }
  Bytes longer = whole;
  longer.push_back(0);
  REQUIRE(parse(longer).says("found 5 bytes of numbers, expected 4"));
}

TEST_CASE("what is no plain little-endian array is refused by name") {
  REQUIRE(parse(dictionary("|O", "(1,)")).says("array of objects (a pickle"));
  REQUIRE(parse(dictionary(">f4", "(1,)"), 4).says("found '>f4', expected little-endian"));
  REQUIRE(parse(dictionary("<c8", "(1,)"), 8).says("found '<c8'"));
  REQUIRE(parse(dictionary("<U3", "(1,)"), 12).says("found '<U3'"));
  REQUIRE(parse(dictionary("", "(1,)")).code == ExitCode::kBadData);
  REQUIRE(parse("{'descr': [('a', '<f4')], 'fortran_order': False, 'shape': (1,)}")
              .says("structured array"));
  REQUIRE(parse(npy(dictionary("|u1", "(1,)"), {1}, 4)).says("version 4"));
  REQUIRE(parse(bytes_of("no numpy")).says("without NumPy's magic"));
}

TEST_CASE("a malformed npy header is bad data") {
  for (const char* head :
       {"", "{", "{}", "{'descr': '<f4'}", "{'descr': '<f4", "{'x': 1}", "{'descr' '<f4'}",
        "{'descr': '|u1', 'fortran_order': 0, 'shape': ()}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (-1,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (,)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': (1 1)}",
        "{'descr': '|u1', 'fortran_order': False, 'shape': ()} x",
        "{'descr': '|u1', 'descr': '|u1', 'fortran_order': False, 'shape': ()}"}) {
    CAPTURE(head);
    REQUIRE(parse(std::string(head), 1).code == ExitCode::kBadData);
  }
  REQUIRE(parse(dictionary("<f8", "(9223372036854775807,)")).says("2^63 bytes or more"));
  REQUIRE(parse(dictionary("|u1", "(9223372036854775808,)")).says("a size of 2^63 or more"));
  std::string many = "(";
  for (int i = 0; i < 65; ++i) many += "1,";
  REQUIRE(parse(dictionary("|u1", many + ")"), 1).says("more than 64 dimensions"));
}

TEST_CASE("an npz archive gives its arrays by name, stored, deflated or zip64") {
  Bytes wide = zip_of({{"w.npy", pair_npy(), false, true}}, "a comment");
  REQUIRE(parse_npz(wide, "x").at("w").data == Bytes{1, 0, 2, 0});
  const auto found = parse_npz(sample_npz(), "x");
  REQUIRE(found.size() == 2);
  REQUIRE(found.at("a").data == Bytes{1, 0, 2, 0});
  REQUIRE(found.at("b").shape == std::vector<int64_t>{300});
  REQUIRE(parse_npz(zip_of({}), "x").empty());
}

TEST_CASE("an npz archive cut at any byte is bad data") {
  const Bytes whole = sample_npz();
  for (size_t size = 0; size < whole.size(); ++size) {
    REQUIRE(parse_zip(Bytes(whole.begin(), whole.begin() + static_cast<long>(size))).code ==
            ExitCode::kBadData);
  }
}

TEST_CASE("a flipped bit of an npz archive is bad data or leaves the numbers as they are") {
  const Bytes whole = sample_npz();
  for (size_t at = 0; at < whole.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      CAPTURE(at, bit);
      Bytes damaged = whole;
      damaged[at] ^= static_cast<uint8_t>(1 << bit);
      std::map<std::string, Tensor> found;
      const Outcome outcome = outcome_of([&] { found = parse_npz(damaged, "x"); });
      if (!outcome.ok()) {
        REQUIRE(outcome.code == ExitCode::kBadData);
        continue;
      }
      for (const auto& [name, t] : found) {
        REQUIRE((t.data == Bytes{1, 0, 2, 0} || t.data == Bytes(300)));
      }
    }
  }
}

TEST_CASE("an archive that lies about sizes, names or methods is refused") {
  REQUIRE(parse_zip(zip_of({{"a.npy", pair_npy()}, {"a.npy", pair_npy()}})).says("stands twice"));
  REQUIRE(parse_zip(bytes_of(std::string(100, 'x'))).says("no end record"));
  Bytes lie = zip_of({{"a.npy", pair_npy(), true}});
  const std::string central = "PK\1\2";
  const auto at = std::search(lie.begin(), lie.end(), central.begin(), central.end());
  std::fill(at + 24, at + 28, 0x7f);  // the unpacked size
  REQUIRE(parse_zip(lie).says("expected stored or deflated data"));
  REQUIRE(parse_zip(zip_of({{"a.npy", bytes_of("no array")}})).says("x: 'a': found 8 bytes"));
}

TEST_CASE("arrays are read from files") {
  const Scratch scratch;
  const Bytes array = pair_npy(), archive = sample_npz();
  write_file_atomic(scratch / "a.npy", array.data(), array.size());
  write_file_atomic(scratch / "a.npz", archive.data(), archive.size());
  REQUIRE(read_npy(scratch / "a.npy").to_int64("a") == std::vector<int64_t>{1, 2});
  REQUIRE(read_npz(scratch / "a.npz").count("b") == 1);
  REQUIRE(outcome_of([&] { read_npz(scratch / "none"); }).code == ExitCode::kInputMissing);
}

}  // namespace tenfold::io
