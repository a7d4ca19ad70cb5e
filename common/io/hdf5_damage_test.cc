// What damaged HDF5 files, and libhdf5 where it crashes on them, do to a program that reads them.
#include <sys/wait.h>
#include <unistd.h>

#include <atomic>
#include <catch2/catch.hpp>
#include <cerrno>
#include <csignal>
#include <cstdlib>
#include <random>
#include <thread>

#include "common/io/hdf5_process.h"
#include "common/io/hdf5_walk_for_test.h"
#include "common/io/hdf5_writer.h"
#include "common/io/scratch_for_test.h"

namespace tenfold::io {
namespace {

constexpr uint64_t kLimit = uint64_t{1} << 24;

// The seeds of the fuzzer that can be read.
std::vector<Bytes> readable_seeds() {
  std::vector<Bytes> seeds;
  const std::string folder = "tests/fuzz/hdf5";
  for (const std::string& name : list_folder(folder)) {
    Bytes file = read_file(folder + "/" + name);
    if (outcome_of([&] { Hdf5File::parse(file, "x"); }).ok()) seeds.push_back(std::move(file));
  }
  return seeds;
}

struct DamageTally {
  int64_t read = 0, refused = 0, crashed = 0;
};

// Reads everything in the file with one bit flipped.
void read_flipped(Bytes file, uint64_t bit, DamageTally& tally) {
  file[bit / 8] ^= uint8_t(1u << bit % 8);
  bool opened = false;
  const Outcome outcome = outcome_of([&] {
    const Hdf5File flipped = Hdf5File::parse(file, "x", kLimit);
    opened = true;
    walk(flipped);
    flipped.has("/");
  });
  if (!outcome.ok()) {
    REQUIRE(outcome.code == ExitCode::kBadData);
    REQUIRE(outcome.says("x: "));
  }
  tally.read += outcome.ok();
  tally.refused += !opened;
  tally.crashed += outcome.says("damaged HDF5 file (");
}

Bytes small_file() {
  Hdf5Writer writer;
  writer.write("/a", std::vector<double>{1, 2, 3});
  return writer.finish();
}

bool has_children() {
  int status = 0;
  return ::waitpid(-1, &status, WNOHANG) != -1 || errno != ECHILD;
}

}  // namespace

TEST_CASE("HDF5 files with any bit flipped are read or refused") {
  const std::vector<Bytes> seeds = readable_seeds();
  REQUIRE(seeds.size() >= 5);
  const int64_t flips = std::getenv("TENFOLD_LONG") != nullptr ? 20000 : 300;
  std::mt19937_64 random(20240613);
  DamageTally tally;
  for (int64_t i = 0; i < flips; ++i) {
    const Bytes& seed = seeds[random() % seeds.size()];
    read_flipped(seed, random() % (8 * seed.size()), tally);
  }
  WARN("of " << flips << " flips " << tally.read << " were read, " << tally.refused
             << " refused when opened, and libhdf5 crashed in " << tally.crashed);
  CHECK(tally.read > flips / 10);
  CHECK(tally.refused > flips / 100);
}

TEST_CASE("a crash of libhdf5 is an error, then and later") {
  const Bytes file = small_file();
  const Outcome opening = outcome_of([] {
    Hdf5Process("x.h5", kLimit, 10, []() -> Hdf5Reader {
      ::raise(SIGSEGV);
      ::_exit(0);
    });
  });
  CHECK(opening.code == ExitCode::kBadData);
  CHECK(opening.message == "x.h5: damaged HDF5 file (libhdf5 stopped with signal 11)");

  pid_t child = 0;
  Hdf5Process later("y.h5", kLimit, 10, [&] { return Hdf5Reader::parse(file, "y.h5"); });
  child = later.child();
  CHECK(later.ask<bool>(Hdf5Call::kHas, "/a"));
  REQUIRE(::kill(child, SIGBUS) == 0);
  for (int i = 0; i < 2; ++i) {
    CHECK(outcome_of([&] { later.ask<Hdf5Array<double>>(Hdf5Call::kDoubles, "/a"); }).message ==
          "y.h5: damaged HDF5 file (libhdf5 stopped with signal 7)");
  }
}

TEST_CASE("a file on which libhdf5 goes on for ever is given up") {
  const Outcome outcome = outcome_of([] {
    Hdf5Process("x.h5", kLimit, 1, []() -> Hdf5Reader {
      for (volatile uint64_t i = 0;; i = i + 1) {
      }
    });
  });
  CHECK(outcome.message == "x.h5: damaged HDF5 file (libhdf5 went on for 1 s of CPU time)");
}

TEST_CASE("no process is left when a file is closed") {
  const Bytes bytes = small_file();
  {
    const Hdf5File first = Hdf5File::parse(bytes, "x"), second = Hdf5File::parse(bytes, "y");
    CHECK(has_children());
    CHECK(first.doubles("/a").values == second.doubles("/a").values);
  }
  CHECK(outcome_of([] { Hdf5File::parse({1, 2, 3}, "z"); }).code == ExitCode::kBadData);
  CHECK_FALSE(has_children());
}

TEST_CASE("files are opened while other threads allocate") {
  const Bytes bytes = small_file();
  std::atomic<bool> stop{false};
  std::thread busy([&] {
    while (!stop) std::vector<std::string>(100, std::string(200, 'x'));
  });
  int64_t values = 0;
  for (int i = 0; i < 50; ++i) {
    values += int64_t(Hdf5File::parse(bytes, "x").doubles("/a").values.size());
  }
  stop = true;
  busy.join();
  CHECK(values == 150);
}

}  // namespace tenfold::io
