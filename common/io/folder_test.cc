#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <array>
#include <catch2/catch.hpp>
#include <filesystem>

#include "common/io/file.h"
#include "common/io/scratch_for_test.h"

namespace tenfold::io {
namespace {

// A process that takes the lock of `folder`, tells so, and holds it until it is killed.
pid_t start_owner(const std::string& folder) {
  std::array<int, 2> ready{};
  REQUIRE(::pipe(ready.data()) == 0);
  const pid_t child = ::fork();
  if (child == 0) {
    try {
      const FolderLock lock(folder);
      if (::write(ready[1], "y", 1) == 1) ::pause();
    } catch (...) {
    }
    ::_exit(1);
  }
  ::close(ready[1]);
  char told = 0;
  const ssize_t n = ::read(ready[0], &told, 1);
  ::close(ready[0]);
  REQUIRE(n == 1);
  return child;
}

std::string host_name() {
  std::array<char, 256> host{};
  ::gethostname(host.data(), host.size() - 1);
  return host.data();
}

}  // namespace

TEST_CASE("folders are made with their parents and again without harm") {
  const Scratch scratch;
  make_folders(scratch / "a/b/c/");
  make_folders(scratch / "a/b/c");
  REQUIRE(exists(scratch / "a/b/c"));
  write_file_atomic(scratch / "file", "x");
  for (const char* name : {"file", "file/x"}) {
    const Outcome outcome = outcome_of([&] { make_folders(scratch / name); });
    REQUIRE(outcome.code == ExitCode::kCannotCreate);
    REQUIRE(outcome.says((scratch / name) + ": cannot create folder: "));
  }
  REQUIRE(outcome_of([] { make_folders("/proc/x"); }).code == ExitCode::kCannotCreate);
}

TEST_CASE("listing and removing nothing is no error") {
  const Scratch scratch;
  write_file_atomic(scratch / "file", "x");
  for (const char* name : {"none", "none/x", "file/x"}) {
    REQUIRE(list_folder(scratch / name).empty());
    REQUIRE_NOTHROW(remove_tree(scratch / name));
  }
  make_folders(scratch / "a/b");
  remove_tree(scratch / "a");
  REQUIRE(list_folder(scratch.path()) == std::vector<std::string>{"file"});
}

TEST_CASE("a folder appears at its commit and not before") {
  const Scratch scratch;
  AtomicFolder folder((scratch / "runs/step/"));
  write_file_atomic(folder.path() + "/a", "new");
  make_folders(folder.path() + "/sub");
  write_file_atomic(folder.path() + "/sub/b", "deep");
  REQUIRE_FALSE(exists(scratch / "runs/step"));
  folder.commit();
  REQUIRE(read_text(scratch / "runs/step/sub/b") == "deep");
  REQUIRE(list_folder(scratch / "runs") == std::vector<std::string>{"step"});
}

TEST_CASE("a folder without commit is removed and the old one stays") {
  const Scratch scratch;
  make_folders(scratch / "step");
  write_file_atomic(scratch / "step/old", "old");
  {
    const AtomicFolder folder(scratch / "step");
    write_file_atomic(folder.path() + "/new", "new");
  }
  REQUIRE(list_folder(scratch.path()) == std::vector<std::string>{"step"});
  REQUIRE(list_folder(scratch / "step") == std::vector<std::string>{"old"});
}

TEST_CASE("a commit replaces an old folder whole, and leftovers of a killed process too") {
  const Scratch scratch;
  make_folders(scratch / "step/sub");
  write_file_atomic(scratch / "step/old", "old");
  make_folders(scratch / ".tmp-step");
  write_file_atomic(scratch / ".tmp-step/left", "left");
  AtomicFolder folder(scratch / "step");
  write_file_atomic(folder.path() + "/new", "new");
  folder.commit();
  REQUIRE(list_folder(scratch / "step") == std::vector<std::string>{"new"});
  REQUIRE(list_folder(scratch.path()) == std::vector<std::string>{"step"});
}

TEST_CASE("a folder is not made in place of a file or below one") {
  const Scratch scratch;
  write_file_atomic(scratch / "file", "x");
  const auto below = [&] { AtomicFolder(scratch / "file/x"); };
  REQUIRE(outcome_of(below).code == ExitCode::kCannotCreate);
  const Outcome replaced = outcome_of([&] { AtomicFolder(scratch / "file").commit(); });
  REQUIRE(replaced.code == ExitCode::kCannotCreate);
  REQUIRE(read_text(scratch / "file") == "x");
  REQUIRE(list_folder(scratch.path()) == std::vector<std::string>{"file"});
}

TEST_CASE("a second process is told who owns the folder, until the owner is killed") {
  const Scratch scratch;
  const pid_t owner = start_owner(scratch.path());
  const Outcome refused = outcome_of([&] { FolderLock lock(scratch.path()); });
  REQUIRE(refused.code == ExitCode::kCannotCreate);
  REQUIRE(refused.says("--out " + scratch.path() + ": belongs to a running process"));
  REQUIRE(refused.says("process " + std::to_string(owner) + " on " + host_name()));
  ::kill(owner, SIGKILL);
  ::waitpid(owner, nullptr, 0);
  REQUIRE_NOTHROW(FolderLock(scratch.path()));
}

TEST_CASE("a lock is free again after its scope, and its file stays") {
  const Scratch scratch;
  {
    const FolderLock lock(scratch.path());
    // flock tells two openings apart even in one process.
    REQUIRE(outcome_of([&] { FolderLock again(scratch.path()); }).says(std::to_string(::getpid())));
  }
  REQUIRE_NOTHROW(FolderLock(scratch.path()));
  REQUIRE(list_folder(scratch.path()) == std::vector<std::string>{".lock"});
}

TEST_CASE("a lock in a folder that is not there cannot be created") {
  const Scratch scratch;
  const Outcome outcome = outcome_of([&] { FolderLock lock(scratch / "none"); });
  REQUIRE(outcome.code == ExitCode::kCannotCreate);
  REQUIRE(outcome.says((scratch / "none/.lock") + ": cannot create: No such file"));
}

}  // namespace tenfold::io
