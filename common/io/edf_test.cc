#include "common/io/edf.h"

#include <catch2/catch.hpp>

#include "common/io/edf_for_test.h"
#include "common/io/scratch_for_test.h"

namespace tenfold::io {
namespace {

Outcome parse(const EdfForTest& edf) {
  return outcome_of([&] { parse_edf(edf.bytes(), "x"); });
}

EdfForTest one_signal(const EdfSignalForTest& signal) {
  EdfForTest edf;
  edf.signals = {signal};
  edf.signals[0].stored = {-1000, 0, 500, 1000};
  return edf;
}

void require_values(const Signals& s, size_t channel, const std::vector<double>& expected) {
  for (size_t i = 0; i < expected.size(); ++i)
    REQUIRE(s.values[channel * size_t(s.samples) + i] == Approx(expected[i]).margin(1e-15));
}

}  // namespace

TEST_CASE("EDF+ values are (d - dmin) (pmax - pmin) / (dmax - dmin) + pmin in volts") {
  const Signals s = parse_edf(edf_plus_for_test().bytes(), "x");
  REQUIRE(s.format == "EDF+");
  REQUIRE(s.names == std::vector<std::string>{"EEG Fp1", "EEG Cz"});
  REQUIRE((s.samples == 4 && s.rate_hz == 4 && s.epochs == 0 && s.unit == "V"));
  REQUIRE(s.values.size() == 8);
  require_values(s, 0, {-100e-6, 0, 50e-6, 100e-6});
  require_values(s, 1,
                 {-3e-3, 5e-3, (32768 / 65535. * 8 - 3) * 1e-3, (32767 / 65535. * 8 - 3) * 1e-3});
  REQUIRE(s.fact("start") == "02.03.24 10.11.12");
  REQUIRE(s.fact("records") == "2 of 0.5 s");
}

TEST_CASE("annotations become events, counted from the first record's time") {
  const Signals s = parse_edf(edf_plus_for_test().bytes(), "x");
  REQUIRE(s.events.size() == 3);
  CHECK(
      (s.events[0].label == "go" && s.events[0].onset_s == 0.25 && s.events[0].duration_s == 1.5));
  CHECK((s.events[1].label == "a" && s.events[1].onset_s == 0.5 && s.events[1].duration_s == 0));
  CHECK((s.events[2].label == "b" && s.events[2].onset_s == 0.5));
}

TEST_CASE("BDF samples are 24-bit two's complement, little endian") {
  EdfForTest bdf = one_signal({});
  bdf.bdf = true;
  bdf.reserved = "24BIT";
  bdf.signals[0] = {"A1",       "uV",      "-8388608", "8388607",
                    "-8388608", "8388607", "2",        {-8388608, 8388607, -1, 0x010203},
                    {}};
  const Signals s = parse_edf(bdf.bytes(), "x");
  REQUIRE(s.format == "BDF");
  require_values(s, 0, {-8.388608, 8.388607, -1e-6, 0.066051});
}

TEST_CASE("units: uV with u, Latin-1 or UTF-8 micro sign, mV, nV, V and unknown ones") {
  for (const auto& [unit, value, si] :
       std::vector<std::tuple<std::string, double, std::string>>{{"uV", 1e-4, "V"},
                                                                 {"\xB5V", 1e-4, "V"},
                                                                 {"\xC2\xB5V", 1e-4, "V"},
                                                                 {"mV", 0.1, "V"},
                                                                 {"nV", 1e-7, "V"},
                                                                 {"V", 100, "V"},
                                                                 {"mmHg", 100, "mmHg"},
                                                                 {"", 100, ""}}) {
    CAPTURE(unit);
    const Signals s = parse_edf(one_signal({"A", unit}).bytes(), "x");
    REQUIRE(s.values[3] == Approx(value));
    REQUIRE(s.unit == si);
  }
}

TEST_CASE("an unknown number of records follows from the file's length") {
  EdfForTest edf = one_signal({});
  Bytes file = edf.bytes();
  const std::string unknown = "-1      ";
  std::copy(unknown.begin(), unknown.end(), file.begin() + 236);
  REQUIRE(parse_edf(file, "x").samples == 4);
  file.push_back(7);
  const Signals s = parse_edf(file, "x");
  REQUIRE(s.samples == 4);
  REQUIRE(s.notes ==
          std::vector<std::string>{"1 bytes of an unfinished record at the end are left out"});
}

TEST_CASE("signals of different rates are refused, or read as one recording a rate") {
  EdfForTest edf = edf_plus_for_test();
  edf.signals[1].samples = "1";
  edf.signals[1].stored = {-32768, 32767};
  REQUIRE(parse(edf).code == ExitCode::kBadData);
  REQUIRE(parse(edf).message ==
          "x: found 'EEG Fp1' at 4 Hz and 'EEG Cz' at 2 Hz, expected one rate");
  const std::vector<Signals> both = parse_edf_by_rate(edf.bytes(), "x");
  REQUIRE(both.size() == 2);
  REQUIRE((both[0].names[0] == "EEG Fp1" && both[0].samples == 4));
  REQUIRE((both[1].names[0] == "EEG Cz" && both[1].samples == 2 && both[1].rate_hz == 2));
  require_values(both[1], 0, {-3e-3, 5e-3});
  REQUIRE(both[1].events.size() == 3);
}

TEST_CASE("EDF+D is read where its records follow each other, refused where they jump") {
  EdfForTest edf = edf_plus_for_test();
  edf.reserved = "EDF+D";
  REQUIRE(parse_edf(edf.bytes(), "x").samples == 4);
  edf.signals[2].texts[1] = std::string("+2.75\x14\x14\0", 8);
  REQUIRE(parse(edf).says("x: annotations of record 2 (byte 1072)"));
  REQUIRE(parse(edf).says("begins at 2.75 s, expected 0.75 s"));
  edf.signals[2].texts[1] = "";
  REQUIRE(parse(edf).says("found no time, which every record of EDF+D carries"));
  edf.signals.pop_back();
  REQUIRE(parse(edf).says("EDF+D without annotation signal"));
}

TEST_CASE("wrong fields are refused with their name, place and contents") {
  REQUIRE(outcome_of([] { parse_edf(bytes_of("<html>"), "x"); }).says("x: not an EDF or BDF file"));
  EdfForTest edf = one_signal({"A", "uV", "-x"});
  REQUIRE(parse(edf).message ==
          "x: signal 1 'A': physical minimum (byte 360): found '-x', expected a number");
  REQUIRE(parse(one_signal({"A", "uV", "1", "1"})).message ==
          "x: signal 1 'A': physical range: found minimum = maximum = 1, expected a range");
  REQUIRE(parse(one_signal({"A", "uV", "0", "1", "5", "5"})).says("digital range: found minimum"));
  edf = one_signal({});
  edf.record_s = "0";
  REQUIRE(parse(edf).says("length of a record in s (byte 244): found '0', expected a number > 0"));
  edf = one_signal({"EDF Annotations", "", "-1", "1", "-1", "1", "16"});
  edf.signals[0].texts = {std::string("+0\x14\x14\0", 5), std::string("+1\x14\x14\0", 5)};
  REQUIRE(parse(edf).message == "x: found annotations only, expected signals");
  Bytes longer = edf_plus_for_test().bytes();
  longer.push_back(0);
  REQUIRE(outcome_of([&] { parse_edf(longer, "x"); }).message ==
          "x: found 1 bytes behind the 2 records of the header, expected none");
}

TEST_CASE("damaged annotation lists are refused") {
  for (const std::string list : {"0.25\x14\x14", "+x\x14\x14", "+1\x15-1\x14\x14", "+1\x14 text",
                                 "+1", "+1\x15nan\x14\x14"}) {
    CAPTURE(list);
    EdfForTest edf = edf_plus_for_test();
    edf.signals[2].texts[1] = list;
    REQUIRE(parse(edf).code == ExitCode::kBadData);
    REQUIRE(parse(edf).says("x: annotations of record 2 (byte 1072): found '"));
  }
}

TEST_CASE("counts that ask for more than the file holds are refused before allocation") {
  EdfForTest edf = one_signal({});
  edf.signals[0].samples = "1";
  Bytes file = edf.bytes();
  const auto with = [&](size_t at, const std::string& text) {
    Bytes changed = file;
    std::copy(text.begin(), text.end(), changed.begin() + long(at));
    return outcome_of([&] { parse_edf(changed, "x"); });
  };
  REQUIRE(with(236, "99999999").message ==
          "x: truncated: found 2 whole records, expected 99,999,999 of 2 bytes");
  REQUIRE(with(472, "99999999").says("'EEG Fp1' take 199,999,998"));
  REQUIRE(with(252, "9999").says("expected 2560000 for 9999 signals"));
}

TEST_CASE("an EDF file cut at any byte is refused") {
  const Bytes whole = edf_plus_for_test().bytes();
  for (size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    const Outcome cut =
        outcome_of([&] { parse_edf(Bytes(whole.begin(), whole.begin() + long(size)), "x"); });
    REQUIRE(cut.code == ExitCode::kBadData);
    REQUIRE(cut.says("x: "));
  }
}

TEST_CASE("any flipped bit of an EDF file gives numbers or an error of one line") {
  const Bytes whole = edf_plus_for_test().bytes();
  int refused = 0, read = 0;
  for (size_t at = 0; at < whole.size(); ++at) {
    for (int bit = 0; bit < 8; ++bit) {
      CAPTURE(at, bit);
      Bytes damaged = whole;
      damaged[at] ^= uint8_t(1 << bit);
      const Outcome outcome = outcome_of([&] {
        const Signals s = parse_edf(damaged, "x");
        REQUIRE(s.values.size() == s.names.size() * size_t(s.samples));
      });
      REQUIRE((outcome.ok() || (outcome.code == ExitCode::kBadData && !outcome.says("\n"))));
      ++(outcome.ok() ? read : refused);
    }
  }
  REQUIRE((refused > 500 && read > 500));
}

TEST_CASE("a missing EDF file is missing input") {
  const Scratch scratch;
  const Outcome none = outcome_of([&] { read_edf(scratch / "no.edf"); });
  REQUIRE(none.code == ExitCode::kInputMissing);
  REQUIRE(none.says("no.edf"));
}

}  // namespace tenfold::io
