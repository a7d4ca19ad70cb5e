// The device and the threads of a run.
#pragma once

#include <string>
#include <vector>

namespace tenfold {

struct Device {
  bool cuda = false;
  int index = 0;
  std::string name() const;  // "cpu" or "cuda:0"
};

// "cpu", "cuda" or "cuda:N". Throws UsageError for other text, Unavailable without such a device.
Device open_device(const std::string& text);

// Sets the number of threads of every parallel region (0: as many as the process may use), once,
// before the first tensor. Returns the number.
int set_threads(int threads);

// Makes torch deterministic and denormal-free; call after set_threads.
void make_deterministic();

// "name: value" facts for run.json: cpu model, threads, GEMM backend, torch version, SLURM ids.
std::vector<std::pair<std::string, std::string>> environment_facts(const Device& device,
                                                                   int threads);

}  // namespace tenfold
