// Typed errors. Every failure a user can cause carries its exit code (sysexits) and one line of
// text that names the file, option or field, what was found and what was expected.
#pragma once

#include <stdexcept>
#include <string>

namespace tenfold {

enum class ExitCode : int {
  kDone = 0,
  kTargetMissed = 1,   // only where a tool offers --require-target
  kUsage = 64,         // wrong command line or configuration file
  kBadData = 65,       // a file was read and its contents are wrong
  kInputMissing = 66,  // a file or folder is not there or not readable
  kUnavailable = 69,   // device or library
  kNumeric = 70,       // NaN or inf, or an internal check that failed
  kCannotCreate = 73,  // output cannot be created, or belongs to another process
  kIo = 74,            // reading or writing failed half-way
  kInterrupted = 75,   // stopped after a checkpoint: run again with --resume auto
  kMismatch = 78,      // configuration or checkpoint does not fit
  kCtrlC = 130,
};

class Error : public std::runtime_error {
 public:
  Error(ExitCode code, const std::string& message) : std::runtime_error(message), code_(code) {}
  ExitCode code() const { return code_; }

 private:
  ExitCode code_;
};

struct UsageError : Error {
  explicit UsageError(const std::string& m) : Error(ExitCode::kUsage, m) {}
};
struct DataError : Error {
  explicit DataError(const std::string& m) : Error(ExitCode::kBadData, m) {}
};
struct MissingInput : Error {
  explicit MissingInput(const std::string& m) : Error(ExitCode::kInputMissing, m) {}
};
struct Unavailable : Error {
  explicit Unavailable(const std::string& m) : Error(ExitCode::kUnavailable, m) {}
};
struct NumericError : Error {
  explicit NumericError(const std::string& m) : Error(ExitCode::kNumeric, m) {}
};
struct CannotCreate : Error {
  explicit CannotCreate(const std::string& m) : Error(ExitCode::kCannotCreate, m) {}
};
struct IoError : Error {
  explicit IoError(const std::string& m) : Error(ExitCode::kIo, m) {}
};
struct Mismatch : Error {
  explicit Mismatch(const std::string& m) : Error(ExitCode::kMismatch, m) {}
};

}  // namespace tenfold
