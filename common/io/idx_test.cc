#include "common/io/idx.h"

#include <catch2/catch.hpp>

#include "common/io/gzip_for_test.h"
#include "common/io/scratch_for_test.h"

namespace tenfold::io {
namespace {

Bytes idx(std::initializer_list<uint32_t> header, size_t payload) {
  Bytes out;
  for (const uint32_t word : header) {
    for (int shift = 24; shift >= 0; shift -= 8) out.push_back(static_cast<uint8_t>(word >> shift));
  }
  for (size_t i = 0; i < payload; ++i) out.push_back(static_cast<uint8_t>(3 * i));
  return out;
}

Bytes images() { return idx({0x803, 2, 3, 4}, 24); }
Bytes labels() { return idx({0x801, 5}, 5); }

Outcome parse_images(const Bytes& file) {
  return outcome_of([&] { parse_idx_images(file, "x"); });
}
Outcome parse_labels(const Bytes& file) {
  return outcome_of([&] { parse_idx_labels(file, "x"); });
}

}  // namespace

TEST_CASE("images and labels are read with their counts") {
  const IdxImages found = parse_idx_images(images(), "x");
  REQUIRE((found.count == 2 && found.rows == 3 && found.columns == 4));
  REQUIRE(found.pixels.size() == 24);
  REQUIRE(found.pixels[23] == 69);
  REQUIRE(parse_idx_labels(labels(), "x").labels == Bytes{0, 3, 6, 9, 12});
  REQUIRE(parse_idx_images(idx({0x803, 0, 3, 4}, 0), "x").count == 0);
}

TEST_CASE("an IDX file cut at any byte is called truncated") {
  for (size_t size = 0; size < images().size(); ++size) {
    Bytes part = images();
    part.resize(size);
    const Outcome outcome = parse_images(part);
    REQUIRE(outcome.code == ExitCode::kBadData);
    REQUIRE(outcome.says("x: truncated after " + std::to_string(size) + " of "));
  }
  for (size_t size = 0; size < labels().size(); ++size) {
    Bytes part = labels();
    part.resize(size);
    REQUIRE(parse_labels(part).says("x: truncated after " + std::to_string(size) + " of "));
  }
}

TEST_CASE("any flipped bit of an IDX header is found; one of a pixel changes that pixel") {
  constexpr size_t kImageHeader = 16, kLabelHeader = 8;
  for (size_t at = 0; at < images().size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      CAPTURE(at, bit);
      Bytes damaged = images();
      damaged[at] ^= static_cast<uint8_t>(1 << bit);
      REQUIRE(parse_images(damaged).code ==
              (at < kImageHeader ? ExitCode::kBadData : ExitCode::kDone));
      if (at >= labels().size()) continue;
      damaged = labels();
      damaged[at] ^= static_cast<uint8_t>(1 << bit);
      REQUIRE(parse_labels(damaged).code ==
              (at < kLabelHeader ? ExitCode::kBadData : ExitCode::kDone));
    }
  }
}

TEST_CASE("a wrong magic is named with its meaning") {
  REQUIRE(parse_images(labels()).message ==
          "x: found magic 0x00000801 (IDX labels), expected 0x00000803 (IDX images)");
  REQUIRE(parse_labels(bytes_of("<html>")).message ==
          "x: found magic 0x3c68746d, expected 0x00000801 (IDX labels)");
}

TEST_CASE("counts that overflow or ask for too much are refused before allocation") {
  REQUIRE(parse_images(idx({0x803, 0xffffffff, 65535, 65535}, 8)).says("expected at most"));
  REQUIRE(parse_images(idx({0x803, 0x80000000, 1, 1}, 8)).says("expected at most 2,147,483,648"));
  REQUIRE(parse_images(idx({0x803, 1, 0xffffffff, 0xffffffff}, 8)).says("1..65535 each way"));
  REQUIRE(parse_images(idx({0x803, 1, 0, 4}, 0)).says("1..65535 each way"));
  REQUIRE(parse_labels(idx({0x801, 0xffffffff}, 8)).says("expected at most"));
}

TEST_CASE("bytes after the last image are refused") {
  Bytes longer = images();
  longer.push_back(0);
  REQUIRE(parse_images(longer).message == "x: found 41 bytes, expected 40 (IDX images)");
}

TEST_CASE("a truncated gzip file is described by the IDX header it begins with") {
  const Scratch scratch;
  Bytes noisy = idx({0x803, 100, 28, 28}, 78400);
  uint32_t state = 1;
  for (size_t i = 16; i < noisy.size(); ++i) {
    noisy[i] = static_cast<uint8_t>((state = state * 1664525 + 1013904223) >> 24);
  }
  const Bytes packed = gzip_of(noisy);
  write_file_atomic(scratch / "whole.gz", packed.data(), packed.size());
  REQUIRE(read_idx_images(scratch / "whole.gz").count == 100);
  write_file_atomic(scratch / "half.gz", packed.data(), packed.size() / 2);
  const Outcome half = outcome_of([&] { read_idx_images(scratch / "half.gz"); });
  REQUIRE(half.code == ExitCode::kBadData);
  REQUIRE(half.says("half.gz: truncated after "));
  REQUIRE(half.says(" of 78,416 bytes (expected IDX images); download it again"));
  write_file_atomic(scratch / "nearly.gz", packed.data(), packed.size() - 1);
  const Outcome nearly = outcome_of([&] { read_idx_images(scratch / "nearly.gz"); });
  REQUIRE(nearly.says("the gzip data end after 78,416 unpacked bytes"));
}

}  // namespace tenfold::io
