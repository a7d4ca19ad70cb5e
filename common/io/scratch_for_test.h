// What the tests of common/io share: a folder that goes away, and errors as values.
#pragma once

#include <stdlib.h>

#include <filesystem>
#include <string>

#include "common/core/error.h"
#include "common/io/file.h"

namespace tenfold::io {

class Scratch {
 public:
  Scratch() {
    std::string name = (std::filesystem::temp_directory_path() / "tenfold-io-XXXXXX").string();
    if (::mkdtemp(name.data()) == nullptr) throw IoError(name + ": cannot create");
    path_ = name;
  }
  ~Scratch() {
    std::error_code ignored;
    std::filesystem::remove_all(path_, ignored);
  }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  const std::string& path() const { return path_; }

 private:
  std::string path_;
};

struct Outcome {
  ExitCode code = ExitCode::kDone;
  std::string message;

  bool ok() const { return code == ExitCode::kDone; }
  bool says(const std::string& part) const { return message.find(part) != std::string::npos; }
};

// What `action` throws; anything but a tenfold::Error passes through and fails the test.
template <class Action>
Outcome outcome_of(Action action) {
  try {
    action();
    return {};
  } catch (const Error& error) {
    return {error.code(), error.what()};
  }
}

inline Bytes bytes_of(const std::string& text) { return Bytes(text.begin(), text.end()); }

}  // namespace tenfold::io
