// Target tasks (specification, sections 2.1 and 8): a network, a data set, an optimiser setting, a
// target.
#pragma once

#include <cstdint>
#include <string>

#include "tools/nino-nowcast/arch.h"
#include "tools/nino-nowcast/config.h"
#include "tools/nino-nowcast/target_net.h"

namespace tenfold::nino_nowcast {

struct Task {
  std::string name, data;
  bool language = false;  // dry-run only
  NetSpec net;            // image tasks
  Architecture arch;
  int64_t training_examples = 0;  // 0: depends on the user's files
  double lr = 0, wd = 0, target = 0;
  std::string metric = "test_acc";  // or "ppl"
};

// The task of the options; what they leave open comes from the task. Throws UsageError.
Task resolve_task(const TaskConfig& config, const cli::CommonOptions& common);

// Parameters of a GPT-2 or Llama in registration order (specification, section 3.1).
Architecture gpt2_architecture(int64_t vocab, int64_t positions, int64_t width, int64_t heads,
                               int64_t layers);
Architecture llama_architecture(int64_t vocab, int64_t width, int64_t heads, int64_t kv_heads,
                                int64_t layers, int64_t mlp_width, bool tied);

}  // namespace tenfold::nino_nowcast
