#include "common/io/file.h"

#include <signal.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <filesystem>
#include <thread>

#include "common/io/scratch_for_test.h"

namespace tenfold::io {
namespace {

// Files may not grow beyond `bytes` while this lives; SIGXFSZ is ignored as install_signal_handlers
// does.
class FileSizeLimit {
 public:
  explicit FileSizeLimit(rlim_t bytes) : handler_(::signal(SIGXFSZ, SIG_IGN)) {
    ::getrlimit(RLIMIT_FSIZE, &before_);
    const rlimit limit{bytes, before_.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &limit);
  }
  ~FileSizeLimit() {
    ::setrlimit(RLIMIT_FSIZE, &before_);
    ::signal(SIGXFSZ, handler_);
  }

 private:
  rlimit before_{};
  sighandler_t handler_;
};

}  // namespace

TEST_CASE("a written file reads back and leaves no other name beside it") {
  const Scratch scratch;
  write_file_atomic(scratch / "a", "first");
  write_file_atomic(scratch / "a", std::string("se\0cond", 7));
  REQUIRE(read_text(scratch / "a") == std::string("se\0cond", 7));
  write_file_atomic(scratch / "empty", "");
  REQUIRE(read_file(scratch / "empty").empty());
  REQUIRE(list_folder(scratch.path()) == std::vector<std::string>{"a", "empty"});
}

TEST_CASE("a missing file and a folder are missing input") {
  const Scratch scratch;
  const Outcome missing = outcome_of([&] { read_file(scratch / "none"); });
  REQUIRE(missing.code == ExitCode::kInputMissing);
  REQUIRE(missing.says((scratch / "none") + ": cannot read: No such file"));
  const Outcome folder = outcome_of([&] { read_file(scratch.path()); });
  REQUIRE(folder.code == ExitCode::kInputMissing);
  REQUIRE(folder.message == scratch.path() + ": found a folder, expected a file");
  write_file_atomic(scratch / "file", "x");
  REQUIRE(outcome_of([&] { read_file(scratch / "file/below"); }).code == ExitCode::kInputMissing);
}

TEST_CASE("a file above the limit is refused before it is read") {
  const Scratch scratch;
  write_file_atomic(scratch / "a", "12345");
  REQUIRE(read_file(scratch / "a", 5).size() == 5);
  const Outcome outcome = outcome_of([&] { read_file(scratch / "a", 4); });
  REQUIRE(outcome.code == ExitCode::kBadData);
  REQUIRE(outcome.says("found 5 bytes or more, expected at most 4"));
  std::filesystem::resize_file(scratch / "a", uintmax_t{1} << 41);  // sparse
  REQUIRE(outcome_of([&] { read_file(scratch / "a"); }).code == ExitCode::kBadData);
}

TEST_CASE("files that tell no size are read to their end") {
  REQUIRE(!read_file("/proc/self/status").empty());
  const Scratch scratch;
  REQUIRE(::mkfifo((scratch / "pipe").c_str(), 0600) == 0);
  const std::string text(3 << 20, 'x');
  std::thread writer([&] { write_file_atomic(scratch / "pipe", text); });
  const std::string found = read_text(scratch / "pipe");
  writer.join();
  REQUIRE(found == text);
  REQUIRE(outcome_of([] { read_file("/dev/zero", 1 << 22); }).code == ExitCode::kBadData);
}

TEST_CASE("what cannot be created says so and leaves nothing") {
  const Scratch scratch;
  write_file_atomic(scratch / "file", "x");
  make_folders(scratch / "folder");
  for (const char* name : {"file/x", "none/x", "folder", "folder/"}) {
    CAPTURE(name);
    const Outcome outcome = outcome_of([&] { write_file_atomic(scratch / name, "y"); });
    REQUIRE(outcome.code == ExitCode::kCannotCreate);
    REQUIRE(outcome.says((scratch / name) + ": cannot create: "));
  }
  REQUIRE(outcome_of([] { write_file_atomic("/proc/x", "y"); }).code == ExitCode::kCannotCreate);
  REQUIRE(outcome_of([] { write_file_atomic("", "y"); }).code == ExitCode::kCannotCreate);
  REQUIRE(list_folder(scratch.path()) == std::vector<std::string>{"file", "folder"});
  REQUIRE(list_folder(scratch / "folder").empty());
}

TEST_CASE("a write that fails half-way keeps the old file and removes its part") {
  const Scratch scratch;
  write_file_atomic(scratch / "a", "old");
  Outcome outcome;
  {
    const FileSizeLimit limit(1000);
    outcome = outcome_of([&] { write_file_atomic(scratch / "a", std::string(5000, 'n')); });
  }
  REQUIRE(outcome.code == ExitCode::kIo);
  REQUIRE(outcome.message == (scratch / "a") + ": written 1,000 of 5,000 bytes: File too large");
  REQUIRE(read_text(scratch / "a") == "old");
  REQUIRE(list_folder(scratch.path()) == std::vector<std::string>{"a"});
}

TEST_CASE("a full disk is an input-output error, and devices are written in place") {
  const Outcome full = outcome_of([] { write_file_atomic("/dev/full", "x"); });
  REQUIRE(full.code == ExitCode::kIo);
  REQUIRE(full.says("/dev/full: written 0 of 1 bytes: No space left on device"));
  write_file_atomic("/dev/null", "x");
  REQUIRE(std::filesystem::is_character_file("/dev/null"));
}

TEST_CASE("a symbolic link is followed, not replaced") {
  const Scratch scratch;
  make_folders(scratch / "there");
  write_file_atomic(scratch / "there/a", "old");
  std::filesystem::create_symlink("there/a", scratch / "link");
  write_file_atomic(scratch / "link", "new");
  REQUIRE(std::filesystem::is_symlink(scratch / "link"));
  REQUIRE(read_text(scratch / "there/a") == "new");
}

TEST_CASE("threads that write one name leave one whole file") {
  const Scratch scratch;
  std::vector<std::thread> writers;
  for (char c = 'a'; c < 'e'; ++c) {
    writers.emplace_back([&scratch, c] {
      for (int i = 0; i < 20; ++i) write_file_atomic(scratch / "a", std::string(10000, c));
    });
  }
  for (std::thread& writer : writers) writer.join();
  const std::string text = read_text(scratch / "a");
  REQUIRE(text == std::string(10000, text.at(0)));
  REQUIRE(list_folder(scratch.path()) == std::vector<std::string>{"a"});
}

TEST_CASE("whether a file can be created is known before, and nothing is left behind") {
  const Scratch scratch;
  require_creatable(scratch / "new");
  require_creatable("/dev/null");
  write_file_atomic(scratch / "there", "x");
  require_creatable(scratch / "there");
  REQUIRE(read_text(scratch / "there") == "x");
  REQUIRE(list_folder(scratch.path()) == std::vector<std::string>{"there"});
  for (const std::string& path : {scratch / "no/file", scratch.path(), std::string("/proc/file")}) {
    const Outcome refused = outcome_of([&] { require_creatable(path); });
    REQUIRE(refused.code == ExitCode::kCannotCreate);
    REQUIRE(refused.says(path));
  }
}

}  // namespace tenfold::io
