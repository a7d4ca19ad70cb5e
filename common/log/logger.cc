#include "common/log/logger.h"

#include <cstdio>

namespace tenfold::log {
namespace {

Level g_level = Level::kNormal;
std::string g_program = "tenfold";

void print(const std::string& line) { std::fprintf(stderr, "%s\n", line.c_str()); }

}  // namespace

void set_level(Level level) { g_level = level; }
void set_program(const std::string& name) { g_program = name; }
Level level() { return g_level; }

void info(const std::string& line) {
  if (g_level != Level::kQuiet) print(line);
}
void detail(const std::string& line) {
  if (g_level == Level::kVerbose) print(line);
}
void warning(const std::string& line) { print(g_program + ": warning: " + line); }
void error(const std::string& line) { print(g_program + ": error: " + line); }

}  // namespace tenfold::log
