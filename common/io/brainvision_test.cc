#include "common/io/brainvision.h"

#include <catch2/catch.hpp>

#include "common/io/scratch_for_test.h"

namespace tenfold::io {
namespace {

// Two channels at 250 Hz; `more` goes into [Common Infos].
std::string header(const std::string& more = "", const std::string& format = "INT_16",
                   const std::string& second = "Ch2=EOG,,,mV") {
  return "Brain Vision Data Exchange Header File Version 1.0\r\n; a comment\r\n\r\n[Common "
         "Infos]\r\n"
         "Codepage=UTF-8\r\nDataFile=a.eeg\r\nMarkerFile=a.vmrk\r\nNumberOfChannels=2\r\n"
         "SamplingInterval=4000\r\n" +
         more + "\r\n[Binary Infos]\r\nBinaryFormat=" + format +
         "\r\n\r\n[Channel Infos]\r\nCh1=Fp\\1 1,Cz,0.5,\xC2\xB5V\r\n" + second +
         "\r\n[Comment]\r\nfree text\r\n[Channel Infos]\r\nCh1=not a channel\r\n";
}

std::string markers(const std::string& more = "") {
  return "Brain Vision Data Exchange Marker File, Version 1.0\n[Marker Infos]\n"
         "Mk1=New Segment,,1,1,0,20240101120000000000\nMk2=Stimulus,S  7,3,5,0\n" +
         more;
}

const Bytes kData = {2, 0, 0xFF, 0xFF, 4, 0, 3, 0, 0, 0x80, 1, 0};

Signals parse(const std::string& head, const Bytes& data = kData,
              const std::string& marks = markers()) {
  return parse_brainvision({head, &marks, data}, "a.vhdr");
}

std::string refusal(const std::string& head, const Bytes& data = kData,
                    const std::string& marks = markers()) {
  const Outcome outcome = outcome_of([&] { parse(head, data, marks); });
  REQUIRE(outcome.code == ExitCode::kBadData);
  return outcome.message;
}

void require_values(const Signals& s, const std::vector<double>& expected) {
  REQUIRE(s.values.size() == expected.size());
  for (size_t i = 0; i < expected.size(); ++i)
    REQUIRE(s.values[i] == Approx(expected[i]).margin(1e-15));
}

}  // namespace

TEST_CASE("BrainVision values are stored * resolution in volts, sample after sample") {
  const Signals s = parse(header());
  REQUIRE(s.format == "BrainVision");
  REQUIRE(s.names == std::vector<std::string>{"Fp, 1", "EOG"});
  REQUIRE((s.samples == 3 && s.rate_hz == 250 && s.unit == "V" && s.epochs == 0));
  require_values(s, {1e-6, 2e-6, -16384e-6, -1e-3, 3e-3, 1e-3});
}

TEST_CASE("vectorized data lie channel after channel; an empty unit is uV") {
  const Signals s = parse(header("DataOrientation=VECTORIZED\r\nDataPoints=3", "INT_16", "Ch2=E,"));
  require_values(s, {1e-6, -0.5e-6, 2e-6, 3e-6, -32768e-6, 1e-6});
}

TEST_CASE("INT_32 and IEEE_FLOAT_32 are little endian") {
  require_values(parse(header("", "INT_32"), {0xFE, 0xFF, 0xFF, 0xFF, 0, 0, 1, 0}),
                 {-1e-6, 65536e-3});
  require_values(parse(header("", "IEEE_FLOAT_32"), {0, 0, 0x80, 0x3F, 0, 0, 0x20, 0xC1}),
                 {0.5e-6, -10e-3});
}

TEST_CASE("markers become events; the first new segment is the begin, a later one is told") {
  Signals s = parse(header());
  REQUIRE(s.events.size() == 1);
  CHECK((s.events[0].label == "Stimulus/S  7" && s.events[0].onset_s == 0.008));
  CHECK(s.events[0].duration_s == 0.02);
  CHECK(s.notes.empty());
  s = parse(header(), kData, markers("Mk3=New Segment,,251,1,0\n"));
  REQUIRE(s.events.size() == 2);
  CHECK(s.notes ==
        std::vector<std::string>{"a new segment begins at 1 s: time is missing before it"});
}

TEST_CASE("wrong headers, markers and sizes are refused with section, key and contents") {
  CHECK(refusal("<html>").find("a.vhdr: found '<html>' as its first line, expected") == 0);
  CHECK(refusal(header("DataFormat=ASCII")) ==
        "a.vhdr: [Common Infos] DataFormat: found 'ASCII', expected BINARY");
  CHECK(refusal(header("DataType=FREQUENCYDOMAIN")).find("expected TIMEDOMAIN") < 999);
  CHECK(refusal(header("SegmentationType=MARKERBASED")).find("expected NOTSEGMENTED") < 999);
  CHECK(refusal(header("DataOrientation=X")).find("expected MULTIPLEXED or VECTORIZED") < 999);
  CHECK(refusal(header("", "UINT_16")).find("BinaryFormat: found 'UINT_16', expected INT_16") < 99);
  CHECK(refusal(header("", "INT_16", "")) == "a.vhdr: [Channel Infos] Ch2: not there");
  CHECK(refusal(header("", "INT_16", "Ch2=EOG,,x,uV")) ==
        "a.vhdr: [Channel Infos] Ch2: found 'EOG,,x,uV', expected a number as third, the "
        "resolution");
  CHECK(refusal(header("NumberOfChannels=3")) ==
        "a.vhdr:10: [Common Infos] NumberOfChannels "
        "stands twice");
  CHECK(refusal(header("DataPoints=4")) ==
        "a.vhdr: 'a.eeg': found 3 samples, expected 4 (DataPoints)");
  CHECK(refusal(header(), Bytes(7)) ==
        "a.vhdr: 'a.eeg': found 7 bytes, expected a multiple of 4 (2 channels of 2)");
  CHECK(refusal(header(), kData, "x").find("a.vhdr: 'a.vmrk': found 'x' as its first line") == 0);
  CHECK(refusal(header(), kData, markers("Mk3=Stimulus,S 1,x,1,0\n")) ==
        "a.vhdr: 'a.vmrk': [Marker Infos] Mk3: found 'Stimulus,S 1,x,1,0', expected a position >= "
        "0 as third");
}

TEST_CASE("the named files are looked for beside the header, by base name") {
  const Scratch scratch;
  std::string text = header();
  text.replace(text.find("DataFile=a.eeg"), 14, "DataFile=/old/place/$b.eeg");
  write_file_atomic(scratch / "a.vhdr", text);
  const Outcome no_data = outcome_of([&] { read_brainvision(scratch / "a.vhdr"); });
  CHECK(no_data.code == ExitCode::kInputMissing);
  CHECK(no_data.says("a.vhdr: DataFile names 'a.eeg', which is not there"));
  write_file_atomic(scratch / "a.eeg", kData.data(), kData.size());
  CHECK(
      outcome_of([&] { read_brainvision(scratch / "a.vhdr"); }).says("MarkerFile names 'a.vmrk'"));
  write_file_atomic(scratch / "a.vmrk", markers());
  CHECK(read_brainvision(scratch / "a.vhdr").values == parse(header()).values);
}

TEST_CASE("a BrainVision file cut at any byte or with any flipped bit gives numbers or an error") {
  const std::string whole_header = header("DataPoints=3"), whole_markers = markers();
  for (size_t size = 0; size < kData.size(); ++size)
    refusal(whole_header, Bytes(kData.begin(), kData.begin() + long(size)));
  int refused = 0;
  const auto try_it = [&](const std::string& head, const std::string& marks) {
    const Outcome outcome = outcome_of([&] { parse(head, kData, marks); });
    REQUIRE((outcome.ok() || (outcome.code == ExitCode::kBadData && !outcome.says("\n"))));
    refused += !outcome.ok();
  };
  for (size_t at = 0; at < whole_header.size(); ++at)
    try_it(whole_header.substr(0, at), whole_markers);
  for (size_t at = 0; at < whole_markers.size(); ++at)
    try_it(whole_header, whole_markers.substr(0, at));
  for (int bit = 0; bit < 8; ++bit) {
    for (size_t at = 0; at < whole_header.size(); ++at) {
      std::string damaged = whole_header;
      damaged[at] = char(damaged[at] ^ 1 << bit);
      try_it(damaged, whole_markers);
    }
    for (size_t at = 0; at < whole_markers.size(); ++at) {
      std::string damaged = whole_markers;
      damaged[at] = char(damaged[at] ^ 1 << bit);
      try_it(whole_header, damaged);
    }
  }
  REQUIRE(refused > 500);
}

}  // namespace tenfold::io
