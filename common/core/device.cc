#include "common/core/device.h"

#include <ATen/Context.h>
#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <malloc.h>
#include <sched.h>
#include <torch/csrc/api/include/torch/version.h>

#include <charconv>
#include <cstdlib>
#include <fstream>

#include "common/core/error.h"
#include "common/core/gemm_backend.h"

namespace tenfold {
namespace {

int usable_processors() {
  cpu_set_t set;
  CPU_ZERO(&set);
  return sched_getaffinity(0, sizeof set, &set) == 0 ? CPU_COUNT(&set) : 1;
}

std::string processor_model() {
  std::ifstream file("/proc/cpuinfo");
  for (std::string line; std::getline(file, line);) {
    if (line.rfind("model name", 0) == 0) return line.substr(line.find(':') + 2);
  }
  return "unknown";
}

// Activations above 128 KiB would be mapped and unmapped by the kernel at every step (a third of
// the time of a small ConvNet); this keeps freed memory in the process.
void keep_freed_memory() {
  mallopt(M_MMAP_THRESHOLD, 1 << 30);
  mallopt(M_TRIM_THRESHOLD, 2'000'000'000);
}

// With more than one thread oneDNN's AVX-512 weight gradient of a convolution may never end (a
// ConvNet of nino-nowcast on a Zen 4, LibTorch 2.11); AVX2 is as fast there. The variable is read
// at the first convolution, and one that is set already is left as it is.
void keep_onednn_from_hanging() { setenv("ONEDNN_MAX_CPU_ISA", "AVX2", 0); }

}  // namespace

std::string Device::name() const { return cuda ? "cuda:" + std::to_string(index) : "cpu"; }

Device open_device(const std::string& text) {
  Device device;
  if (text == "cpu") return device;
  const std::string digits =
      text.rfind("cuda:", 0) == 0 ? text.substr(5) : (text == "cuda" ? "0" : "");
  const char* end = digits.data() + digits.size();
  if (digits.empty() || std::from_chars(digits.data(), end, device.index).ptr != end) {
    throw UsageError(fmt::format("--device: found '{}', expected cpu, cuda or cuda:N", text));
  }
  device.cuda = true;
  if (!at::hasCUDA()) {
    throw Unavailable(
        fmt::format("--device {}: no CUDA device here (the default build is CPU only: build with "
                    "--config=cuda)",
                    text));
  }
  return device;
}

int set_threads(int threads) {
  keep_freed_memory();
  keep_onednn_from_hanging();
  if (threads == 0) threads = usable_processors();
  at::set_num_threads(threads);
  at::set_num_interop_threads(1);
  return threads;
}

void make_deterministic() {
  at::globalContext().setDeterministicAlgorithms(true, false);
  // Nothing reads memory that it has not written; filling it cost 2 to 3 % of a training step.
  at::globalContext().setDeterministicFillUninitializedMemory(false);
  at::globalContext().setBenchmarkCuDNN(false);
  at::globalContext().setFlushDenormal(true);
}

std::vector<std::pair<std::string, std::string>> environment_facts(const Device& device,
                                                                   int threads) {
  std::vector<std::pair<std::string, std::string>> facts = {
      {"device", device.name()}, {"threads", std::to_string(threads)}, {"gemm", gemm_backend()},
      {"torch", TORCH_VERSION},  {"cpu", processor_model()},
  };
  for (const char* name :
       {"SLURM_JOB_ID", "SLURM_ARRAY_JOB_ID", "SLURM_ARRAY_TASK_ID", "SLURM_PROCID"}) {
    if (const char* value = std::getenv(name)) facts.emplace_back(name, value);
  }
  return facts;
}

}  // namespace tenfold
