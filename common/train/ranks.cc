#include "common/train/ranks.h"

#include <fmt/format.h>

#include <charconv>
#include <cstdlib>
#include <optional>

#include "common/core/error.h"

namespace tenfold::train {
namespace {

constexpr int64_t kLowestPort = 20000, kPorts = 20000;  // for jobs without MASTER_PORT

std::optional<std::string> variable(const char* name) {
  const char* value = std::getenv(name);
  if (value == nullptr || *value == '\0') return std::nullopt;
  return value;
}

// The number in a variable, lowest .. highest; `absent` where it is not set (none: an error).
int64_t number(const char* name, int64_t lowest, int64_t highest, std::optional<int64_t> absent) {
  const std::optional<std::string> text = variable(name);
  if (!text && absent) return *absent;
  int64_t value = 0;
  const char* end = text ? text->data() + text->size() : nullptr;
  if (!text || std::from_chars(text->data(), end, value).ptr != end || value < lowest ||
      value > highest) {
    throw UsageError(fmt::format("{}: found {}, expected a number from {} to {}", name,
                                 text ? "'" + *text + "'" : "nothing", lowest, highest));
  }
  return value;
}

constexpr int64_t kMostProcesses = 100000, kMostPort = 65535;

}  // namespace

std::string first_host(const std::string& node_list) {
  std::string host;
  for (size_t i = 0; i < node_list.size() && node_list[i] != ',';) {
    if (node_list[i] != '[') {
      host += node_list[i++];
      continue;
    }
    const size_t close = node_list.find(']', i);
    const size_t end = node_list.find_first_of(",-]", i);
    if (close == std::string::npos) break;
    host += node_list.substr(i + 1, end - i - 1);
    i = close + 1;
  }
  return host;
}

Ranks ranks_of_environment() {
  Ranks r;
  if (variable("RANK") || variable("WORLD_SIZE")) {
    r.world = number("WORLD_SIZE", 1, kMostProcesses, std::nullopt);
    r.rank = number("RANK", 0, r.world - 1, std::nullopt);
  } else if (variable("SLURM_PROCID")) {
    const bool step = variable("SLURM_STEP_NUM_TASKS").has_value();
    r.world = number(step ? "SLURM_STEP_NUM_TASKS" : "SLURM_NTASKS", 1, kMostProcesses, 1);
    r.rank = number("SLURM_PROCID", 0, r.world - 1, std::nullopt);
    r.host = first_host(variable("SLURM_JOB_NODELIST").value_or(r.host));
    r.port = kLowestPort + number("SLURM_JOB_ID", 0, INT64_MAX, 0) % kPorts;
  }
  r.host = variable("MASTER_ADDR").value_or(r.host);
  r.port = number("MASTER_PORT", 1, kMostPort, r.port);
  return r;
}

Share share_of(int64_t count, const Ranks& ranks) {
  const auto edge = [&](int64_t rank) { return count * rank / ranks.world; };
  return {edge(ranks.rank), edge(ranks.rank + 1)};
}

}  // namespace tenfold::train
