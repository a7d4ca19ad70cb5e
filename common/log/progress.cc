#include "common/log/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cstdio>
#include <cstdlib>

#include "common/core/clock.h"
#include "common/log/logger.h"

namespace tenfold::log {
namespace {

constexpr double kBarInterval = 0.1, kPlainInterval = 10;  // seconds
constexpr int kBarWidth = 20;

int terminal_width() {
  winsize size{};
  return ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

std::string clock_text(double seconds) {
  const auto s = static_cast<int64_t>(seconds + 0.5);
  return s < 3600 ? fmt::format("{}:{:02d}", s / 60, s % 60)
                  : fmt::format("{}:{:02d}:{:02d}", s / 3600, s / 60 % 60, s % 60);
}

}  // namespace

Progress::Progress(std::string label, int64_t total, std::string unit, int64_t start)
    : label_(std::move(label)), unit_(std::move(unit)), total_(total), start_(start), done_(start),
      started_(monotonic_seconds()), last_draw_(started_), terminal_(isatty(STDERR_FILENO) != 0),
      color_(terminal_ && std::getenv("NO_COLOR") == nullptr) {}

Progress::~Progress() {
  if (terminal_ && !finished_ && level() != Level::kQuiet) std::fputs("\r\033[K", stderr);
}

void Progress::set_note(std::string note) { note_ = std::move(note); }

void Progress::update(int64_t done) {
  done_ = done;
  if (level() == Level::kQuiet) return;
  const double now = monotonic_seconds();
  if (now - last_draw_ >= (terminal_ ? kBarInterval : kPlainInterval)) draw(now, false);
}

void Progress::finish() {
  if (level() != Level::kQuiet && !finished_) draw(monotonic_seconds(), true);
  finished_ = true;
}

void Progress::draw(double now, bool last) {
  last_draw_ = now;
  const double fraction = total_ > 0 ? double(done_) / double(total_) : 1;
  const double rate = now > started_ ? double(done_ - start_) / (now - started_) : 0;
  const std::string eta = rate > 0 ? clock_text(double(total_ - done_) / rate) : "?";
  const std::string tail = last ? "in " + clock_text(now - started_) : "eta " + eta;
  const std::string text = fmt::format("{}/{} {}  {:.0f}/s  {}  {}", done_, total_, unit_, rate, tail, note_);
  if (!terminal_) {
    std::fprintf(stderr, "%s %3.0f%%  %s\n", label_.c_str(), 100 * fraction, text.c_str());
    return;
  }
  const int filled = std::clamp(static_cast<int>(fraction * kBarWidth), 0, kBarWidth);
  const std::string bar = std::string(size_t(filled), '#') + std::string(size_t(kBarWidth - filled), '-');
  std::string line = fmt::format("{} {:3.0f}% {}  {}", label_, 100 * fraction, bar, text);
  line.resize(std::min<size_t>(line.size(), size_t(terminal_width() - 1)));
  std::fprintf(stderr, "\r%s%s%s\033[K%s", color_ ? "\033[36m" : "", line.c_str(), color_ ? "\033[0m" : "",
               last ? "\n" : "");
}

}  // namespace tenfold::log
