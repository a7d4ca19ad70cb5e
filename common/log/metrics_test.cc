#include "common/log/metrics.h"

#include <stdlib.h>
#include <sys/resource.h>

#include <catch2/catch.hpp>
#include <cmath>
#include <csignal>
#include <filesystem>

#include "common/core/error.h"
#include "common/io/file.h"

namespace tenfold::log {
namespace {

struct Scratch {
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "tenfold-log-XXXXXX").string();
    REQUIRE(::mkdtemp(name.data()) != nullptr);
    folder = name;
  }
  ~Scratch() { std::filesystem::remove_all(folder); }
  std::string folder;
  std::string path() const { return folder + "/metrics.jsonl"; }
};

// Keeps files of this process below `bytes` while it lives.
struct FileLimit {
  explicit FileLimit(rlim_t bytes) {
    std::signal(SIGXFSZ, SIG_IGN);
    ::getrlimit(RLIMIT_FSIZE, &before);
    const rlimit lower{bytes, before.rlim_max};
    ::setrlimit(RLIMIT_FSIZE, &lower);
  }
  ~FileLimit() { ::setrlimit(RLIMIT_FSIZE, &before); }
  rlimit before{};
};

}  // namespace

TEST_CASE("a line is one object, step first, with the shortest digits") {
  const Scratch scratch;
  MetricsWriter writer(scratch.path(), 0);
  writer.append(7, {{"train/loss", 0.1}, {"a", 1e-300}, {"b", NAN}, {"c", INFINITY}});
  const std::string line = "{\"step\":7,\"train/loss\":0.1,\"a\":1e-300,\"b\":null,\"c\":null}\n";
  CHECK(io::read_text(scratch.path()) == line);
  CHECK(writer.offset() == int64_t(line.size()));
  writer.sync();
}

TEST_CASE("a resumed writer drops the lines after its checkpoint and goes on") {
  const Scratch scratch;
  int64_t offset = 0;
  {
    MetricsWriter writer(scratch.path(), 0);
    writer.append(1, {{"x", 1}});
    offset = writer.offset();
    writer.append(2, {{"x", 2}});
  }
  const std::string first = io::read_text(scratch.path());
  {
    MetricsWriter writer(scratch.path(), offset);
    CHECK(io::read_text(scratch.path()) == first.substr(0, size_t(offset)));
    writer.append(2, {{"x", 2}});
  }
  CHECK(io::read_text(scratch.path()) == first);
  MetricsWriter fresh(scratch.path(), 0);
  CHECK(io::read_text(scratch.path()).empty());
}

TEST_CASE("a file shorter than the checkpoint says is refused and left alone") {
  const Scratch scratch;
  io::write_file_atomic(scratch.path(), "{}\n");
  CHECK_THROWS_AS(MetricsWriter(scratch.path(), 4), Mismatch);
  CHECK_THROWS_WITH(MetricsWriter(scratch.path(), 4),
                    Catch::Contains("metrics.jsonl: found 3 bytes, expected at least 4"));
  CHECK(io::read_text(scratch.path()) == "{}\n");
}

TEST_CASE("a file that cannot be created is named") {
  const Scratch scratch;
  CHECK_THROWS_AS(MetricsWriter(scratch.folder + "/absent/m", 0), CannotCreate);
  CHECK_THROWS_WITH(MetricsWriter(scratch.folder, 0), Catch::Contains(scratch.folder));
}

TEST_CASE("a failed write names the file and leaves whole lines") {
  const Scratch scratch;
  MetricsWriter writer(scratch.path(), 0);
  writer.append(1, {{"x", 1}});
  const std::string before = io::read_text(scratch.path());
  std::string message;
  {
    const FileLimit limit(before.size() + 5);
    try {
      writer.append(2, {{"x", 2}});
    } catch (const IoError& e) {
      message = e.what();
    }
  }
  CHECK_THAT(message, Catch::Contains("metrics.jsonl: written 5 of 19 bytes of a line: File too"));
  CHECK(io::read_text(scratch.path()) == before);
  CHECK(writer.offset() == int64_t(before.size()));
}

}  // namespace tenfold::log
