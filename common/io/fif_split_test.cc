#include <catch2/catch.hpp>

#include "common/io/fif.h"
#include "common/io/fif_for_test.h"
#include "common/io/scratch_for_test.h"

namespace tenfold::io {
namespace {

// One part: samples `first` to `first` + `samples`, then the reference to `next`.
FifForTest part(int first, int samples, const std::string& next) {
  FifForTest fif;
  fif.begin(100).info().begin(102).integer(208, first);
  fif.int16s(300, fif_frames_for_test(first, samples));
  if (!next.empty()) {
    fif.begin(118).integer(115, 2).text(118, next).integer(117, 1).end(118);
  }
  fif.end(102).end(100).close();
  return fif;
}

void write(const std::string& path, const FifForTest& fif) {
  const Bytes bytes = fif.bytes();
  write_file_atomic(path, bytes.data(), bytes.size());
}

Outcome read(const std::string& path) {
  return outcome_of([&] { read_fif(path); });
}

}  // namespace

TEST_CASE("parts of a split recording are joined in time, found by base name beside the first") {
  const Scratch scratch;
  write(scratch / "a.fif", part(3, 2, "/somewhere/else/a-1.fif"));
  write(scratch / "a-1.fif", part(5, 3, "a-2.fif"));
  write(scratch / "a-2.fif", part(8, 1, ""));
  FifOptions options;
  options.picks = FifPicks::kAll;
  const Signals s = read_fif(scratch / "a.fif", options);
  REQUIRE((s.samples == 6 && s.channels() == 5 && s.start_s == 0.03));
  REQUIRE(s.values.size() == 30);
  for (int t = 0; t < 6; ++t) REQUIRE(s.values[24 + size_t(t)] == 10 * (3 + t) + 4);
  REQUIRE(s.values[17] == Approx((10 * 8 + 2) * 0.5e-6));
  REQUIRE(s.fact("parts") == "3");
}

TEST_CASE("what the parts note is told once each, in their order") {
  const Scratch scratch;
  write(scratch / "a.fif", part(3, 2, "a-1.fif"));
  FifForTest gap;
  gap.begin(100).info([&] { gap.begin(359).text(3507, "MEG 0111").end(359); });
  gap.begin(102).integer(208, 5).int16s(300, fif_frames_for_test(5, 1)).integer(303, 4);
  gap.int16s(300, fif_frames_for_test(10, 1)).end(102).end(100).close();
  write(scratch / "a-1.fif", gap);
  FifOptions options;
  options.gaps_zero = options.keep_bads = true;
  const Signals s = read_fif(scratch / "a.fif", options);
  REQUIRE(s.samples == 8);
  REQUIRE(s.notes == std::vector<std::string>{"4 missing samples became zeros"});
}

TEST_CASE("a part that is missing, out of turn or in a circle is refused") {
  const Scratch scratch;
  write(scratch / "a.fif", part(3, 2, "a-1.fif"));
  const Outcome missing = read(scratch / "a.fif");
  CHECK(missing.code == ExitCode::kInputMissing);
  CHECK(missing.says("a.fif: part 1 names 'a-1.fif' as its next part, which is not there"));
  write(scratch / "a-1.fif", part(6, 2, ""));
  CHECK(read(scratch / "a.fif").code == ExitCode::kBadData);
  CHECK(read(scratch / "a.fif")
            .says("a-1.fif: does not continue the part before: found first "
                  "sample 6, expected 5"));
  write(scratch / "a-1.fif", part(5, 2, "a.fif"));
  CHECK(read(scratch / "a.fif").code == ExitCode::kBadData);
  CHECK(read(scratch / "a.fif").says("part 2 names 'a.fif' as its next part, which was read"));
  write(scratch / "b.fif", part(5, 2, ".."));
  CHECK(read(scratch / "b.fif").says("found '..' as the next file, expected a name"));
}

TEST_CASE("one file of a split recording alone says that it goes on") {
  const Signals s = parse_fif(part(3, 2, "a-1.fif").bytes(), "x");
  REQUIRE(s.notes == std::vector<std::string>{"continued in 'a-1.fif', which was not read"});
}

}  // namespace tenfold::io
