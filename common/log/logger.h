// Logs go to stderr, one line each; stdout carries the result alone.
#pragma once

#include <string>

namespace tenfold::log {

enum class Level { kQuiet, kNormal, kVerbose };

void set_level(Level level);
Level level();
void set_program(const std::string& name);  // stands before errors and warnings

void info(const std::string& line);     // kNormal and above
void detail(const std::string& line);   // kVerbose
void warning(const std::string& line);  // always
void error(const std::string& line);    // always: "nino-nowcast: error: ..."

// A line of a terminal that the next one overwrites (a progress bar); the other functions erase it
// first. "" erases it.
void status(const std::string& line);

}  // namespace tenfold::log
