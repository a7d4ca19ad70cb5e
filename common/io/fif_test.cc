#include "common/io/fif.h"

#include <catch2/catch.hpp>

#include "common/io/fif_for_test.h"
#include "common/io/gzip_for_test.h"
#include "common/io/scratch_for_test.h"

namespace tenfold::io {
namespace {

FifOptions picking(FifPicks picks) {
  FifOptions options;
  options.picks = picks;
  return options;
}

Outcome parse(const FifForTest& fif, const FifOptions& options = {}) {
  return outcome_of([&] { parse_fif(fif.bytes(), "x", options); });
}

void require_values(const Signals& s, const std::vector<double>& expected) {
  REQUIRE(s.values.size() == expected.size());
  for (size_t i = 0; i < expected.size(); ++i)
    REQUIRE(s.values[i] == Approx(expected[i]).epsilon(1e-7).margin(1e-30));
}

// A recording whose raw block `fill` writes.
template <class Fill>
FifForTest raw_of(Fill fill, int32_t block = 102) {
  FifForTest fif;
  fif.begin(100).info().begin(block);
  fill(fif);
  fif.end(block).end(100).close();
  return fif;
}

}  // namespace

TEST_CASE("raw FIF values are stored * cal * range, of the MEG channels where there are any") {
  const Signals s = parse_fif(raw_fif_for_test(), "x");
  REQUIRE(s.format == "FIF");
  REQUIRE(s.names == std::vector<std::string>{"MEG 0111", "MEG 0112"});
  REQUIRE((s.samples == 5 && s.epochs == 0 && s.rate_hz == 100 && s.start_s == 0.2));
  REQUIRE(s.unit == "T, T/m");
  require_values(s, {0, 10e-12, 20e-12, 30e-12, 40e-12, 2e-11, 22e-11, 42e-11, 62e-11, 82e-11});
  REQUIRE(s.fact("content") == "raw");
  REQUIRE(s.fact("first sample") == "20");
  REQUIRE(s.fact("channels in the file") == "magnetometer 1, gradiometer 1, EEG 2, stimulus 1");
}

TEST_CASE("picks choose channels by kind, and bad ones are kept where that is asked for") {
  const Bytes file = raw_fif_for_test();
  using Names = std::vector<std::string>;
  CHECK(parse_fif(file, "x", picking(FifPicks::kMeg)).names == Names{"MEG 0111", "MEG 0112"});
  CHECK(parse_fif(file, "x", picking(FifPicks::kMagnetometers)).names == Names{"MEG 0111"});
  CHECK(parse_fif(file, "x", picking(FifPicks::kGradiometers)).names == Names{"MEG 0112"});
  CHECK(parse_fif(file, "x", picking(FifPicks::kEeg)).names == Names{"EEG 002"});
  CHECK(parse_fif(file, "x", picking(FifPicks::kAll)).names ==
        Names{"MEG 0111", "MEG 0112", "EEG 002", "STI 014"});
  FifOptions keep = picking(FifPicks::kEeg);
  keep.keep_bads = true;
  const Signals s = parse_fif(file, "x", keep);
  CHECK(s.names == Names{"EEG 001", "EEG 002"});
  require_values(s, {1e-6, 6e-6, 11e-6, 16e-6, 21e-6, 3e-6, 13e-6, 23e-6, 33e-6, 43e-6});
}

TEST_CASE("what is left out and what is not applied is told") {
  const Signals s = parse_fif(raw_fif_for_test(), "x");
  REQUIRE(s.fact("bad channels") == "EEG 001");
  REQUIRE(s.fact("projectors") == "PCA-v1 (not applied)");
  REQUIRE(s.notes == std::vector<std::string>{"bad channels left out: EEG 001",
                                              "1 projectors in the file are not applied: PCA-v1"});
}

TEST_CASE("events and annotations count from the first sample, with their names") {
  const Signals s = parse_fif(raw_fif_for_test(), "x");
  REQUIRE(s.events.size() == 3);
  CHECK((s.events[0].label == "face/x:y" && s.events[0].onset_s == Approx(0.03)));
  CHECK((s.events[1].label == "blink" && s.events[1].onset_s == Approx(0.05)));
  CHECK((s.events[1].duration_s == 0.5 && s.events[2].duration_s == 0));
  CHECK((s.events[2].label == "a:b" && s.events[2].onset_s == Approx(0.3)));
}

TEST_CASE("names longer than 15 bytes come from the blocks behind the records, bad ones too") {
  FifForTest fif;
  fif.begin(100).info([&] {
    for (const char* name : {"a magnetometer far too long", "b", "c", "d", "e"})
      fif.begin(113).text(258, name).end(113);
    fif.begin(359).text(3507, "MEG 0112").end(359);
  });
  fif.begin(102).int16s(300, fif_frames_for_test(0, 1)).end(102).end(100).close();
  const Signals s = parse_fif(fif.bytes(), "x", picking(FifPicks::kMeg));
  REQUIRE(s.names == std::vector<std::string>{"a magnetometer far too long"});
  REQUIRE(s.fact("bad channels") == "b");
}

TEST_CASE("buffers hold int16, packed int16, int32, float32 or float64, big endian") {
  const FifForTest fif = raw_of([](FifForTest& out) {
    out.tag(300, 2, big_endian_for_test(std::vector<int16_t>{-3, 0, 0, 0, 0}));
    out.tag(300, 16, big_endian_for_test(std::vector<int16_t>{256, 0, 0, 0, 0}));
    out.tag(300, 3, big_endian_for_test(std::vector<int32_t>{-70000, 0, 0, 0, 0}));
    out.tag(300, 4, big_endian_for_test(std::vector<float>{0.5f, 0, 0, 0, 0}));
    out.tag(300, 5, big_endian_for_test(std::vector<double>{-1.25, 0, 0, 0, 0}));
  });
  require_values(parse_fif(fif.bytes(), "x", picking(FifPicks::kMagnetometers)),
                 {-3e-12, 256e-12, -70000e-12, 0.5e-12, -1.25e-12});
}

TEST_CASE("complex, other and partial buffers are refused with their offset") {
  const auto with = [](int32_t type, size_t bytes) {
    return parse(raw_of([&](FifForTest& out) { out.tag(300, type, std::string(bytes, '\0')); }));
  };
  CHECK(with(20, 40).message ==
        "x: offset 716: tag 300: found samples of type 0x14 (complex), expected int16, int32, "
        "float32 or float64");
  CHECK(with(0x40000004, 20).says("found samples of type 0x40000004, expected"));
  CHECK(with(2, 15).says("found a buffer of 15 bytes, expected a multiple of 10 (5 channels of 2"));
  CHECK(with(2, 0).says("found no samples"));
}

TEST_CASE("gaps are refused, or become zeros; before the first buffer nothing is missing") {
  const FifForTest gaps = raw_of([](FifForTest& out) {
    out.integer(208, 4).integer(301, 2).int16s(300, fif_frames_for_test(1, 1));
    out.integer(301, 2).int16s(300, fif_frames_for_test(2, 1));
    out.integer(303, 1).int16s(300, fif_frames_for_test(3, 1));
  });
  const Outcome refused = parse(gaps);
  REQUIRE(refused.code == ExitCode::kBadData);
  REQUIRE(refused.says("tag 301: 2 buffers are missing here; such gaps are read only as zeros"));
  FifOptions options = picking(FifPicks::kMagnetometers);
  options.gaps_zero = true;
  const Signals s = parse_fif(gaps.bytes(), "x", options);
  require_values(s, {10e-12, 0, 0, 20e-12, 0, 30e-12});
  REQUIRE(s.start_s == Approx(0.06));
  REQUIRE(s.notes == std::vector<std::string>{"3 missing samples became zeros"});
}

TEST_CASE("a gap that asks for more memory than the limit is refused before it is taken") {
  FifOptions options;
  options.gaps_zero = true;
  for (const int kind : {301, 303}) {
    const FifForTest fif = raw_of([&](FifForTest& out) {
      out.int16s(300, fif_frames_for_test(1, 1));
      out.integer(kind, 0x7fffffff).integer(kind, 0x7fffffff);
      out.int16s(300, fif_frames_for_test(1, 2));
    });
    const Outcome outcome = parse(fif, options);
    REQUIRE(outcome.code == ExitCode::kBadData);
    REQUIRE(outcome.says("expected at most 2,147,483,648 numbers"));
  }
}

TEST_CASE("raw data with active shielding need permission; continuous data are raw data") {
  const auto fill = [](FifForTest& out) { out.int16s(300, fif_frames_for_test(0, 2)); };
  const Outcome refused = parse(raw_of(fill, 119));
  REQUIRE(refused.code == ExitCode::kBadData);
  REQUIRE(refused.says("active shielding (block 119)"));
  FifOptions allow;
  allow.allow_maxshield = true;
  REQUIRE(parse_fif(raw_of(fill, 119).bytes(), "x", allow).samples == 2);
  REQUIRE(parse_fif(raw_of(fill, 112).bytes(), "x").samples == 2);
}

TEST_CASE("epochs are [epochs, channels, times] with a label each") {
  const Signals s = parse_fif(epochs_fif_for_test(), "x", picking(FifPicks::kEeg));
  REQUIRE((s.epochs == 2 && s.samples == 3 && s.start_s == -0.01));
  REQUIRE(s.names == std::vector<std::string>{"EEG 001", "EEG 002"});
  require_values(
      s, {1e-6, 6e-6, 11e-6, 3e-6, 13e-6, 23e-6, 51e-6, 56e-6, 61e-6, 103e-6, 113e-6, 123e-6});
  REQUIRE(s.events.size() == 2);
  CHECK((s.events[0].label == "left" && s.events[0].onset_s == 0.5));
  CHECK((s.events[1].label == "right" && s.events[1].onset_s == 0.9));
  REQUIRE(s.fact("content") == "epochs");
}

TEST_CASE("epochs whose matrix, times or events do not fit are refused") {
  const auto epochs = [](int32_t type, int32_t last, const std::vector<int32_t>& dimensions,
                         int events) {
    FifForTest fif;
    fif.begin(100).info().begin(103).begin(373).integer(208, 0).integer(209, last);
    fif.tag(302, type, std::string(120, '\0') + big_endian_for_test(dimensions));
    fif.begin(361).tag(3561, 3, big_endian_for_test(std::vector<int32_t>(size_t(3 * events), 1)));
    fif.end(361).end(373).end(103).end(100).close();
    return parse(fif);
  };
  REQUIRE(epochs(0x40000004, 2, {3, 5, 2, 3}, 2).ok());
  CHECK(epochs(0x40000004, 3, {3, 5, 2, 3}, 2).says("found epochs of 2 x 5 x 3, expected N x 5 "));
  CHECK(epochs(0x40000004, 2, {3, 5, 3, 3}, 2).says("do not hold a matrix of 3 x 5 x 3"));
  CHECK(epochs(0x40000004, 2, {3, 5, -2, 3}, 2).says("a dimension of -2"));
  CHECK(epochs(0x40000004, 2, {3, 5, 2, 30}, 2).says("a matrix of 30 dimensions"));
  CHECK(epochs(0x40000014, 2, {3, 5, 1, 3}, 1).says("type 0x40000014 (complex)"));
  CHECK(epochs(4, 2, {3, 5, 2, 3}, 2).says("expected a matrix"));
  CHECK(epochs(0x40000004, 2, {3, 5, 2, 3}, 1).says("found 1 events, expected one for each of 2"));
}

TEST_CASE("wrong info is refused: channel counts, rates, missing kinds, unusable scales") {
  FifForTest fif;
  fif.begin(100).begin(101).integer(200, 2).real(201, 100).channel("A", 1, 112, 1, 1);
  fif.end(101).begin(102).end(102).end(100).close();
  CHECK(parse(fif).says("found 2 channels and 1 channel records"));
  fif = FifForTest();
  fif.begin(100).begin(101).integer(200, 1).real(201, 0).channel("A", 1, 112, 1, 1);
  fif.end(101).begin(102).end(102).end(100).close();
  CHECK(parse(fif).says("found a sampling rate of 0 Hz, expected > 0"));
  fif = FifForTest();
  fif.begin(100).begin(101).integer(200, 1).real(201, 1).channel("A", 1, 112, 1, std::nanf(""));
  fif.end(101).begin(102).end(102).end(100).close();
  CHECK(parse(fif).says("channel 'A': found range 1 and cal nan, expected finite ones"));
  fif = FifForTest();
  fif.begin(100).begin(101).integer(200, 1).real(201, 1).channel("A", 3, -1, 1, 1);
  fif.end(101).begin(102).end(102).end(100).close();
  CHECK(parse(fif).message == "x: found stimulus 1, expected MEG or EEG channels");
  CHECK(parse(FifForTest().begin(100).info().end(100).close())
            .says("found 0 blocks of epochs and none of raw data"));
  CHECK(parse(FifForTest().begin(102).end(102).close()).says("found no measurement info"));
}

TEST_CASE("a tree of tags that is damaged is refused with its offset") {
  CHECK(outcome_of([] {
          parse_fif(bytes_of("<html> not a recording"), "x");
        }).says("x: not a FIF file: found tag "));
  const std::string id(20, '\1');
  CHECK(
      parse(FifForTest().tag(1, 3, id, 30)).says("x: offset 36: tag 1: found its next tag at 30"));
  CHECK(parse(FifForTest().tag(1, 3, id, 36)).says("expected 0, -1 or an offset from 72 on"));
  CHECK(parse(FifForTest().tag(1, 3, id, -2)).says("found its next tag at -2"));
  CHECK(parse(FifForTest().tag(1, 3, id, 99)).says("the next tag is at 99, the file ends at 72"));
  CHECK(parse(FifForTest().begin(7).close()).says("offset 36: truncated: block 7 does not end"));
  CHECK(parse(FifForTest().begin(7).end(8)).says("the end of block 8, expected that of block 7"));
  CHECK(parse(FifForTest().end(8)).says("block 8 ends, but none is open"));
  FifForTest deep;
  for (int i = 0; i < 40; ++i) deep.begin(7);
  CHECK(parse(deep).says("found more than 32 nested blocks"));
}

TEST_CASE("a tag may name the place of the next one, with other bytes between") {
  FifForTest fif;
  const int32_t behind = int32_t(fif.size()) + 16 + 2 + 5;
  fif.tag(999, 10,
          "ab"
          "\1\2\3\4\5",
          0);
  Bytes file = raw_fif_for_test();
  const Bytes head = fif.bytes();
  Bytes joined(head.begin(), head.end());
  joined.insert(joined.end(), file.begin() + 36, file.end());
  const std::string size = big_endian_for_test(int32_t(2)), next = big_endian_for_test(behind);
  std::copy(size.begin(), size.end(), joined.begin() + 36 + 8);
  std::copy(next.begin(), next.end(), joined.begin() + 36 + 12);
  REQUIRE(parse_fif(joined, "x").values == parse_fif(file, "x").values);
}

TEST_CASE("a FIF file cut at any byte is refused, but for its closing tag") {
  for (const Bytes& whole : {raw_fif_for_test(), epochs_fif_for_test()}) {
    for (size_t size = 0; size < whole.size(); ++size) {
      CAPTURE(size);
      const Outcome cut =
          outcome_of([&] { parse_fif(Bytes(whole.begin(), whole.begin() + long(size)), "x"); });
      if (size == whole.size() - 16) {  // all blocks are closed
        REQUIRE(cut.ok());
        continue;
      }
      REQUIRE(cut.code == ExitCode::kBadData);
      REQUIRE(cut.says("x: "));
    }
  }
}

TEST_CASE("any flipped bit of a FIF file gives numbers or an error of one line") {
  FifOptions options = picking(FifPicks::kAll);
  options.gaps_zero = options.allow_maxshield = true;
  options.limit = 1 << 20;
  for (const Bytes& whole : {raw_fif_for_test(), epochs_fif_for_test()}) {
    int refused = 0, read = 0;
    for (size_t at = 0; at < whole.size(); ++at) {
      for (int bit = 0; bit < 8; ++bit) {
        CAPTURE(at, bit);
        Bytes damaged = whole;
        damaged[at] ^= uint8_t(1 << bit);
        const Outcome outcome = outcome_of([&] {
          const Signals s = parse_fif(damaged, "x", options);
          REQUIRE(s.values.size() ==
                  s.names.size() * size_t(s.samples) * size_t(std::max<int64_t>(1, s.epochs)));
        });
        REQUIRE((outcome.ok() || (outcome.code == ExitCode::kBadData && !outcome.says("\n"))));
        ++(outcome.ok() ? read : refused);
      }
    }
    REQUIRE((refused > 1000 && read > 1000));
  }
}

TEST_CASE("a gzip file is read like the plain one") {
  const Scratch scratch;
  const Bytes packed = gzip_of(raw_fif_for_test());
  write_file_atomic(scratch / "a_raw.fif.gz", packed.data(), packed.size());
  REQUIRE(read_fif(scratch / "a_raw.fif.gz").values == parse_fif(raw_fif_for_test(), "x").values);
  const Outcome none = outcome_of([&] { read_fif(scratch / "no.fif"); });
  REQUIRE(none.code == ExitCode::kInputMissing);
}

}  // namespace tenfold::io
