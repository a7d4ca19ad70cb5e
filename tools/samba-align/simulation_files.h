// Simulated data as a folder (specification, section 2.4.9): sub-01/{ele,hemo,labels}.npy,
// events.tsv, sub-01/truth/*.npy, and truth.json, which appears last.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/samba-align/simulation.h"

namespace tenfold::samba_align {

struct WrittenFile {
  std::string name;  // within the folder: "sub-01/ele.npy"
  std::vector<int64_t> shape;
  std::string dtype;  // "float32"
  std::string unit;   // "nAm", "mV", "T", "V", "s", "ms" or "none"
  std::string sha256;
};

// What a simulation left behind.
struct WrittenSimulation {
  std::string truth;  // path of truth.json
  std::vector<std::string> subjects;
  std::vector<WrittenFile> files;
};

// Simulates and writes one subject after the other; a subject's folder appears at once, with all
// its files, and truth.json after the last. An earlier simulation in `folder` goes first; with
// other files in it the folder is refused. `config` is text of a JSON object, stored as it is.
// Throws CannotCreate, IoError, NumericError.
WrittenSimulation write_simulation(const Simulation& simulation, const std::string& folder,
                                   const std::string& config);

// The options as text of a JSON object, under their names on the command line.
std::string config_of(const SimulationOptions& options);

}  // namespace tenfold::samba_align
