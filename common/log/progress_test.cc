#include "common/log/progress.h"

#include <fcntl.h>
#include <pty.h>
#include <stdlib.h>
#include <sys/wait.h>
#include <unistd.h>

#include <catch2/catch.hpp>
#include <cstdio>
#include <functional>

#include "common/log/logger.h"

namespace tenfold::log {
namespace {

std::string read_all(int from) {
  std::string text;
  char buffer[4096];
  for (ssize_t n; (n = ::read(from, buffer, sizeof buffer)) > 0;) text.append(buffer, size_t(n));
  ::close(from);
  return text;
}

// What `body` writes to stderr when that is a terminal of `columns`.
std::string on_terminal(uint16_t columns, const std::function<void()>& body) {
  winsize size{24, columns, 0, 0};
  int terminal = -1;
  std::fflush(nullptr);
  const pid_t child = ::forkpty(&terminal, nullptr, nullptr, &size);
  REQUIRE(child >= 0);
  if (child == 0) {
    ::setenv("TERM", "xterm", 1);
    body();
    std::fflush(nullptr);
    ::_exit(0);
  }
  const std::string text = read_all(terminal);
  ::waitpid(child, nullptr, 0);
  return text;
}

std::string on_pipe(const std::function<void()>& body) {
  int ends[2];
  REQUIRE(::pipe(ends) == 0);
  std::fflush(nullptr);
  const pid_t child = ::fork();
  if (child == 0) {
    ::dup2(ends[1], STDERR_FILENO);
    body();
    ::_exit(0);
  }
  ::close(ends[1]);
  const std::string text = read_all(ends[0]);
  ::waitpid(child, nullptr, 0);
  return text;
}

// Long enough for one redraw of a bar, far too short for a plain line.
void half_done() {
  Progress progress("train", 100, "steps");
  progress.set_note("acc 0.5");
  ::usleep(150'000);
  progress.update(50);
}

std::string bar_of(const std::string& text) { return text.substr(0, text.find("steps")); }

}  // namespace

TEST_CASE("a terminal shows a bar in place and loses it at the end") {
  const std::string text = on_terminal(100, half_done);
  CHECK_THAT(bar_of(text),
             Catch::Contains("\r\033[K\033[36mtrain  50% ##########---------- 50/100"));
  CHECK_THAT(text, Catch::Contains("eta 0:00  acc 0.5\033[0m"));
  CHECK(text.find('\n') == std::string::npos);
  CHECK(text.substr(text.size() - 4) == "\r\033[K");
}

TEST_CASE("NO_COLOR takes the colour away, a narrow terminal the end of the line") {
  const std::string plain = on_terminal(100, [] {
    ::setenv("NO_COLOR", "1", 1);
    half_done();
  });
  CHECK(plain.find("\033[36m") == std::string::npos);
  CHECK_THAT(plain, Catch::Contains("train  50% "));
  const std::string narrow = on_terminal(20, half_done);
  CHECK_THAT(narrow, Catch::Contains("\033[36mtrain  50% ########\033[0m"));
}

TEST_CASE("a log line erases the bar first") {
  const std::string text = on_terminal(100, [] {
    Progress progress("train", 100, "steps");
    ::usleep(150'000);
    progress.update(50);
    info("saved");
    progress.finish();
  });
  CHECK_THAT(text, Catch::Contains("\033[0m\r\033[Ksaved\r\n"));
  CHECK_THAT(text, Catch::Contains(" in 0:00\r\n"));
}

TEST_CASE("without a terminal there is no bar, only lines now and then") {
  CHECK(on_pipe(half_done).empty());
  const std::string text = on_pipe([] {
    Progress progress("train", 100, "steps", 40);
    progress.update(100);
    progress.finish();
  });
  CHECK_THAT(text, Catch::StartsWith("train 100%  100/100 steps  "));
  CHECK_THAT(text, Catch::EndsWith("in 0:00\n"));
  CHECK(text.find('\033') == std::string::npos);
}

TEST_CASE("a quiet run shows nothing but warnings and errors, one line each") {
  const std::string text = on_pipe([] {
    set_level(Level::kQuiet);
    set_program("toy");
    Progress progress("train", 1, "steps");
    progress.finish();
    info("info");
    detail("detail");
    warning("look\nhere");
    error("bad");
  });
  CHECK(text == "toy: warning: look here\ntoy: error: bad\n");
}

TEST_CASE("lines are cut at characters, not inside them") {
  CHECK(cut_to_width("abc", 5) == "abc");
  CHECK(cut_to_width("abc", 2) == "ab");
  CHECK(cut_to_width("\xC3\xA9\xC3\xA9", 1) == "\xC3\xA9");
  CHECK(cut_to_width("abc", 0).empty());
}

}  // namespace tenfold::log
