// A tool with every kind of field, run in a process of its own: exit code, stdout, stderr.
#pragma once

#include <map>
#include <string>
#include <vector>

namespace tenfold::cli {

struct Finished {
  int code = -1;  // 1000 + the signal for a killed process
  std::string out, err;

  bool says(const std::string& part) const { return err.find(part) != std::string::npos; }
  bool prints(const std::string& part) const { return out.find(part) != std::string::npos; }
};

// `toy ARGS...` with `environment` added to that of the test. Its subcommands: train (a training),
// score (an analysis), convert (writes one file), empty (an analysis without fields of its own).
Finished run_toy(const std::vector<std::string>& args,
                 const std::map<std::string, std::string>& environment = {});

// A folder that goes away with the object.
class Scratch {
 public:
  Scratch();
  ~Scratch();
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  std::string operator/(const std::string& name) const { return path_ + "/" + name; }
  // Writes a file and returns its path.
  std::string file(const std::string& name, const std::string& text) const;

 private:
  std::string path_;
};

}  // namespace tenfold::cli
