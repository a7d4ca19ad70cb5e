#include "common/bench/memory.h"

#include <malloc.h>

#include <fstream>
#include <string>

namespace tenfold::bench {

bool restart_peak_memory() {
  malloc_trim(0);  // what is free does not count
  // "5" resets VmHWM (proc_pid_clear_refs(5)).
  std::ofstream file("/proc/self/clear_refs");
  file << "5" << std::flush;
  return file.good();
}

int64_t peak_memory() {
  std::ifstream file("/proc/self/status");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("VmHWM:", 0) == 0) return std::stoll(line.substr(6)) * 1024;
  }
  return 0;
}

}  // namespace tenfold::bench
