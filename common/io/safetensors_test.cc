#include "common/io/safetensors.h"

#include <catch2/catch.hpp>
#include <cstring>

#include "common/io/scratch_for_test.h"

namespace tenfold::io {
namespace {

// A file of this header and that many bytes of data.
Bytes file_of(const std::string& header, size_t data, uint64_t claimed = UINT64_MAX) {
  const uint64_t size = claimed == UINT64_MAX ? header.size() : claimed;
  std::string out(8, '\0');
  std::memcpy(out.data(), &size, 8);
  out += header;
  for (size_t i = 0; i < data; ++i) out += static_cast<char>(i);
  return bytes_of(out);
}

std::string entry(const std::string& name, const std::string& dtype, const std::string& shape,
                  const std::string& offsets) {
  return "\"" + name + "\":{\"dtype\":\"" + dtype + "\",\"shape\":[" + shape +
         "],\"data_offsets\":[" + offsets + "]}";
}

Outcome parse(const Bytes& file) {
  return outcome_of([&] { parse_safetensors(file, "x"); });
}
Outcome parse(const std::string& inside, size_t data) {
  return parse(file_of("{" + inside + "}", data));
}

SafeTensors sample() {
  const float floats[] = {1, 2, 3, 4, 5, 6};
  const int64_t number = -7;
  SafeTensors out;
  out.tensors["b.weight"] = Tensor::from_float32({2, 3}, floats);
  out.tensors["a"] = Tensor::from_int64({}, &number);
  out.tensors["none"] = Tensor::from_float32({0, 5}, nullptr);
  out.metadata["format"] = "quote \" line \n";
  return out;
}

bool same(const SafeTensors& a, const SafeTensors& b) {
  return serialize_safetensors(a) == serialize_safetensors(b);
}

}  // namespace

TEST_CASE("contents are read as they were written") {
  const SafeTensors back = parse_safetensors(serialize_safetensors(sample()), "x");
  REQUIRE(back.metadata == sample().metadata);
  REQUIRE(back.tensors.size() == 3);
  REQUIRE(back.at("b.weight", "x").shape == std::vector<int64_t>{2, 3});
  REQUIRE(back.at("b.weight", "x").as<float>()[5] == 6);
  REQUIRE(back.at("a", "x").as<int64_t>()[0] == -7);
  REQUIRE(back.at("none", "x").numel() == 0);
  REQUIRE(parse_safetensors(serialize_safetensors({}), "x").tensors.empty());
}

TEST_CASE("the same contents give the same bytes, padded to eight") {
  const Bytes bytes = serialize_safetensors(sample());
  REQUIRE(bytes == serialize_safetensors(parse_safetensors(bytes, "x")));
  uint64_t header = 0;
  std::memcpy(&header, bytes.data(), 8);
  REQUIRE(header % 8 == 0);
  const std::string text(bytes.begin() + 8, bytes.begin() + 8 + static_cast<long>(header));
  REQUIRE(
      text.find("{\"__metadata__\":{\"format\":\"quote \\\" line \\n\"},\"a\":{\"dtype\":\"I64\","
                "\"shape\":[],\"data_offsets\":[0,8]}") == 0);
}

TEST_CASE("a safetensors file cut at any byte is bad data") {
  const Bytes whole = serialize_safetensors(sample());
  for (size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    REQUIRE(parse(Bytes(whole.begin(), whole.begin() + static_cast<long>(size))).code ==
            ExitCode::kBadData);
  }
  Bytes longer = whole;
  longer.push_back(0);
  REQUIRE(parse(longer).says("found 33 bytes of data, expected 32 from the header"));
}

TEST_CASE("a flipped bit is bad data, or changes one value, one name or an empty shape") {
  const Bytes whole = serialize_safetensors(sample());
  const SafeTensors before = sample();
  const size_t data = whole.size() - 32;
  for (size_t at = 0; at < whole.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      CAPTURE(at, bit);
      Bytes damaged = whole;
      damaged[at] ^= static_cast<uint8_t>(1 << bit);
      SafeTensors found;
      const Outcome outcome = outcome_of([&] { found = parse_safetensors(damaged, "x"); });
      if (at >= data) REQUIRE(outcome.ok());
      if (!outcome.ok()) {
        REQUIRE(outcome.code == ExitCode::kBadData);
        continue;
      }
      // Names, texts and data carry no redundancy; the digests of a checkpoint cover them.
      REQUIRE(!same(found, before));
      REQUIRE(found.tensors.size() == 3);
      size_t elements = 0;
      for (const auto& [name, t] : found.tensors) elements += static_cast<size_t>(t.numel());
      REQUIRE(elements == 7);
    }
  }
}

TEST_CASE("a header longer than the file or the format's limit is refused") {
  REQUIRE(parse(file_of("{}", 0, 3)).says("found a header of 3 bytes, expected at most 2"));
  for (const uint64_t claimed : {uint64_t{1} << 63, UINT64_MAX - 1, UINT64_MAX - 8}) {
    REQUIRE(parse(file_of("{}", 0, claimed)).code == ExitCode::kBadData);
  }
  Bytes large(8 + 100'000'001, ' ');
  const uint64_t size = large.size() - 8;
  std::memcpy(large.data(), &size, 8);
  REQUIRE(parse(large).says("a header of 100,000,001 bytes, expected at most 100,000,000"));
}

TEST_CASE("offsets must cover the data once, in any order of the names") {
  const std::string late = entry("a", "U8", "2", "2,4"), early = entry("b", "U8", "2", "0,2");
  REQUIRE(parse(late + "," + early, 4).ok());
  REQUIRE(parse(late, 4).says("tensor 'a' begins at 2, expected 0 (a hole)"));
  REQUIRE(parse(early + "," + entry("a", "U8", "2", "1,3"), 3).says("it overlaps another"));
  REQUIRE(parse(early + "," + entry("a", "U8", "2", "0,2"), 2).says("it overlaps another"));
  REQUIRE(parse(early, 3).says("found 3 bytes of data, expected 2"));
  REQUIRE(parse(early, 1).says("expected them within 1 bytes of data (truncated?)"));
  REQUIRE(parse(entry("a", "U8", "2", "2,0"), 2).code == ExitCode::kBadData);
  REQUIRE(parse(entry("a", "U8", "3", "0,2"), 2).says("found 2 bytes, expected 3"));
}

TEST_CASE("sizes that overflow are refused") {
  const std::string huge = "9223372036854775807", more = "9223372036854775808";
  REQUIRE(parse(entry("a", "F32", huge, "0,4"), 4).says("2^63 bytes or more"));
  REQUIRE(parse(entry("a", "U8", "4294967296,4294967296", "0,0"), 0).says("2^63 bytes or more"));
  REQUIRE(parse(entry("a", "F64", "2305843009213693952", "0,0"), 0).says("2^63 bytes or more"));
  REQUIRE(parse(entry("a", "U8", more, "0,0"), 0).says("a number of 2^63 or more"));
  REQUIRE(parse(entry("a", "U8", "99999999999999999999", "0,0"), 0).says("a fraction"));
  REQUIRE(parse(entry("a", "U8", "1", "18446744073709551615,0"), 1).code == ExitCode::kBadData);
  REQUIRE(parse(entry("a", "U8", huge, "0," + huge), 1).says("(truncated?)"));
  for (const char* size : {"-1", "1.0", "1e0", "true", "null", "\"1\"", "[1]", "{}"}) {
    REQUIRE(parse(entry("a", "U8", size, "0,1"), 1).code == ExitCode::kBadData);
  }
}

TEST_CASE("what stands twice is refused") {
  const std::string a = entry("a", "U8", "0", "0,0");
  REQUIRE(parse(a + "," + a, 0).message == "x: safetensors header: 'a' stands twice");
  REQUIRE(parse(a + "," + entry("\\u0061", "U8", "0", "0,0"), 0).says("'a' stands twice"));
  REQUIRE(parse("\"__metadata__\":{},\"__metadata__\":{}", 0).says("stands twice"));
  REQUIRE(parse("\"__metadata__\":{\"k\":\"1\",\"k\":\"2\"}", 0).says("'k' stands twice"));
  REQUIRE(parse("\"a\":{\"dtype\":\"U8\",\"dtype\":\"I8\"}", 0).says("'dtype' stands twice"));
}

TEST_CASE("a header of another form is refused with what was expected") {
  REQUIRE(parse("\"a\":{\"dtype\":\"U8\"}", 0).says("expected dtype, shape and data_offsets"));
  REQUIRE(parse("\"a\":{\"x\":1}", 0).says("found field 'x'"));
  REQUIRE(parse("\"a\":1", 0).says("'a': found a number"));
  REQUIRE(parse(entry("a", "F8_E4M3", "0", "0,0"), 0).says("found dtype 'F8_E4M3'"));
  REQUIRE(parse(entry("a", "U8", "0", "0"), 0).says("data_offsets holds one offset or none"));
  REQUIRE(parse(entry("a", "U8", "0", "0,0,0"), 0).says("data_offsets holds a number"));
  REQUIRE(parse("\"__metadata__\":{\"k\":1}", 0).says("found a number, expected a text"));
  REQUIRE(parse("\"__metadata__\":[]", 0).code == ExitCode::kBadData);
  for (const char* text :
       {"", " {}", "[]", "{", "{}x", "{\"a\":\"\xff\"}", "\xef\xbb\xbf{}", "//"}) {
    CAPTURE(text);
    REQUIRE(parse(file_of(text, 0)).code == ExitCode::kBadData);
  }
  REQUIRE(parse(file_of(std::string("{}\0 ", 4), 0)).says("begins with '{'"));
}

TEST_CASE("a message stays one short line whatever the names") {
  const std::string name = "\\n\\u001b" + std::string(100000, 'n');
  const Outcome outcome = parse(entry(name, "X", "0", "0,0"), 0);
  REQUIRE(outcome.code == ExitCode::kBadData);
  REQUIRE(outcome.message.size() < 300);
  REQUIRE_FALSE(outcome.says("\n"));
  const std::string deep(1'000'000, '[');
  REQUIRE(parse(entry("a", "U8", deep, "0,0"), 0).says("shape holds a list"));
}

TEST_CASE("an absent tensor is named together with its file") {
  REQUIRE(outcome_of([] { sample().at("c", "f"); }).message ==
          "f: found 3 tensors, expected 'c' among them");
}

TEST_CASE("pickles are refused by ending and by magic, with advice") {
  const Scratch scratch;
  const Bytes good = serialize_safetensors(sample());
  for (const char* name : {"w.pt", "w.pth", "w.bin"}) {
    write_file_atomic(scratch / name, good.data(), good.size());
    REQUIRE(outcome_of([&] { read_safetensors(scratch / name); }).says("save_file"));
  }
  write_file_atomic(scratch / "zip", std::string("PK\3\4\0\0\0\0\0\0data", 14));
  write_file_atomic(scratch / "old", std::string("\x80\2\x8a\nl\xfc\x9c\x46\xf9 j", 11));
  for (const char* name : {"zip", "old"}) {
    const Outcome outcome = outcome_of([&] { read_safetensors(scratch / name); });
    REQUIRE(outcome.code == ExitCode::kBadData);
    REQUIRE(outcome.says("found a pickle, which could run code"));
  }
  REQUIRE(outcome_of([&] { read_safetensors(scratch / "none.pt"); }).code ==
          ExitCode::kInputMissing);
}

TEST_CASE("a header whose length looks like a pickle's magic is still read") {
  const Scratch scratch;
  const std::string header = "{" + std::string(0x0280 - 2, ' ') + "}";  // bytes 80 02
  const Bytes file = file_of(header, 0);
  write_file_atomic(scratch / "a", file.data(), file.size());
  REQUIRE(read_safetensors(scratch / "a").tensors.empty());
}

TEST_CASE("contents that could not be read back are not written") {
  SafeTensors contents;
  contents.tensors["a"].shape = {3};
  REQUIRE(outcome_of([&] { serialize_safetensors(contents); }).code == ExitCode::kNumeric);
  contents.tensors.clear();
  contents.tensors["\xff"].shape = {0};
  REQUIRE(outcome_of([&] { serialize_safetensors(contents); }).code == ExitCode::kBadData);
  contents.tensors.clear();
  contents.tensors["__metadata__"].shape = {0};
  REQUIRE(outcome_of([&] { serialize_safetensors(contents); }).code == ExitCode::kNumeric);
}

TEST_CASE("a file is written whole and read back") {
  const Scratch scratch;
  write_safetensors(scratch / "w.safetensors", sample());
  REQUIRE(same(read_safetensors(scratch / "w.safetensors"), sample()));
}

}  // namespace tenfold::io
