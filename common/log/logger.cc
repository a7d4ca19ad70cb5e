#include "common/log/logger.h"

#include <algorithm>
#include <cstdio>

namespace tenfold::log {
namespace {

Level g_level = Level::kNormal;
std::string g_program = "tenfold";
bool g_status_shown = false;

constexpr const char* kEraseLine = "\r\033[K";

void print(std::string line) {
  // One line each, whatever a library puts into its messages.
  std::replace(line.begin(), line.end(), '\n', ' ');
  std::fprintf(stderr, "%s%s\n", g_status_shown ? kEraseLine : "", line.c_str());
  g_status_shown = false;
}

}  // namespace

void set_level(Level level) { g_level = level; }
Level level() { return g_level; }
void set_program(const std::string& name) { g_program = name; }

void info(const std::string& line) {
  if (g_level != Level::kQuiet) print(line);
}
void detail(const std::string& line) {
  if (g_level == Level::kVerbose) print(line);
}
void warning(const std::string& line) { print(g_program + ": warning: " + line); }
void error(const std::string& line) { print(g_program + ": error: " + line); }

void status(const std::string& line) {
  if (line.empty() && !g_status_shown) return;
  std::fprintf(stderr, "%s%s", kEraseLine, line.c_str());
  std::fflush(stderr);
  g_status_shown = !line.empty();
}

}  // namespace tenfold::log
