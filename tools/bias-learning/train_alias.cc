#include "tools/bias-learning/train_alias.h"

#include <algorithm>

namespace tenfold::bias_learning {

std::vector<std::string> dispatched(const std::vector<std::string>& arguments) {
  if (arguments.size() < 2 || arguments[1] != "train") return arguments;
  std::vector<std::string> out = arguments;
  for (size_t i = 2; i < out.size(); ++i) {
    const bool joined = out[i].rfind("--task=", 0) == 0;
    if (!joined && (out[i] != "--task" || i + 1 == out.size())) continue;
    const std::string task = joined ? out[i].substr(7) : out[i + 1];
    const std::vector<std::string> systems = {"cosine", "vdp", "lorenz", "reach"};
    const bool recurrent = task.rfind("csv:", 0) == 0 ||
                           std::find(systems.begin(), systems.end(), task) != systems.end();
    out[1] = recurrent ? "train-rnn" : "train-fnn";
    const std::string option = recurrent ? "--system" : "--tasks";
    out[i] = joined ? option + "=" + task : option;
    break;
  }
  return out;
}

}  // namespace tenfold::bias_learning
