#include "common/log/progress.h"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <string_view>

#include "common/core/clock.h"
#include "common/log/logger.h"

namespace tenfold::log {
namespace {

constexpr double kBarInterval = 0.1, kPlainInterval = 10;  // seconds
constexpr int kBarWidth = 20, kUsualWidth = 80;            // columns

std::string_view variable(const char* name) {
  const char* value = std::getenv(name);
  return value == nullptr ? "" : value;
}

bool stderr_is_a_terminal() { return isatty(STDERR_FILENO) != 0 && variable("TERM") != "dumb"; }

int terminal_width() {
  winsize size{};
  const bool known = ioctl(STDERR_FILENO, TIOCGWINSZ, &size) == 0 && size.ws_col > 0;
  return known ? size.ws_col : kUsualWidth;
}

std::string clock_text(double seconds) {
  constexpr double kLongest = 999 * 3600;
  if (!(seconds < kLongest)) return "?";
  const auto s = static_cast<int64_t>(std::lround(std::max(seconds, 0.0)));
  return s < 3600 ? fmt::format("{}:{:02d}", s / 60, s % 60)
                  : fmt::format("{}:{:02d}:{:02d}", s / 3600, s / 60 % 60, s % 60);
}

std::string rate_text(double rate) {
  return rate < 10 ? fmt::format("{:.2g}/s", rate) : fmt::format("{:.0f}/s", rate);
}

}  // namespace

std::string cut_to_width(const std::string& text, int width) {
  int columns = 0;
  for (size_t i = 0; i < text.size(); ++i) {
    const bool begins_character = (static_cast<unsigned char>(text[i]) & 0xC0) != 0x80;
    if (begins_character && ++columns > width) return text.substr(0, i);
  }
  return text;
}

Progress::Progress(std::string label, int64_t total, std::string unit, int64_t start)
    : label_(std::move(label)),
      unit_(std::move(unit)),
      total_(total),
      start_(start),
      done_(start),
      started_(monotonic_seconds()),
      last_draw_(started_),
      terminal_(stderr_is_a_terminal()),
      color_(terminal_ && variable("NO_COLOR").empty()) {}

Progress::~Progress() {
  if (terminal_ && !finished_) status("");
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
  const double fraction = total_ > 0 ? std::clamp(double(done_) / double(total_), 0.0, 1.0) : 1.0;
  const double elapsed = now - started_;
  const double rate = elapsed > 0 ? double(done_ - start_) / elapsed : 0;
  const std::string time =
      last ? "in " + clock_text(elapsed) : "eta " + clock_text(double(total_ - done_) / rate);
  const std::string text = fmt::format("{}/{} {}  {}  {}{}{}", done_, total_, unit_,
                                       rate_text(rate), time, note_.empty() ? "" : "  ", note_);
  const std::string head = fmt::format("{} {:3.0f}%", label_, std::floor(100 * fraction));
  if (!terminal_) return info(head + "  " + text);
  const auto filled = static_cast<size_t>(fraction * kBarWidth);
  const std::string bar = std::string(filled, '#') + std::string(kBarWidth - filled, '-');
  // The last column stays free: some terminals wrap as soon as it is written.
  std::string line = cut_to_width(head + " " + bar + " " + text, terminal_width() - 1);
  if (last) {
    status("");
    return info(line);
  }
  status(color_ ? "\033[36m" + line + "\033[0m" : line);
}

}  // namespace tenfold::log
