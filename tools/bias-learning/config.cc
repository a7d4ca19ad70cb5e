#include "tools/bias-learning/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cmath>
#include <cstdlib>
#include <set>

#include "common/core/error.h"
#include "tools/bias-learning/image_tasks.h"

namespace tenfold::bias_learning {
namespace {

void require_distinct(const std::string& option, const std::vector<std::string>& names) {
  if (names.empty()) throw UsageError(fmt::format("--{}: expected at least one", option));
  std::set<std::string> seen;
  for (const std::string& name : names)
    if (!seen.insert(name).second)
      throw UsageError(fmt::format("--{}: {} is there twice", option, name));
}

}  // namespace

void TrainConfig::validate(const cli::CommonOptions&) const {
  throw UsageError("--task: missing; expected image tasks, cosine, vdp, lorenz, reach or csv:FILE");
}

// Seven tasks by biases. small (section 8): mask, readout and full training on mnist beside them;
// paper (section 5.2, 1B): full training on all, at the paper's width.
void TrainFnnConfig::apply_preset(const std::string& name, cli::CommonOptions& common) {
  data = {"mnist", "fashion"};
  tasks = {"mnist",         "fashion",      "mnist-rot90",  "fashion-rot90",
           "mnist-permute", "mnist-invert", "mnist-relabel"};
  if (name == "paper") {
    train = {"bias", "full"};
    common.seed = {0, 1, 2, 3, 4};
    return;
  }
  train = {"bias", "mask", "readout", "full"};
  first_method_only.assign(tasks.begin() + 1, tasks.end());
  hidden = {4000};
  train_images = 20000;
  test_images = 5000;
  full_epochs = 3;
}

void TrainFnnConfig::validate(const cli::CommonOptions&) const {
  require_distinct("tasks", tasks);
  require_distinct("train", train);
  const auto sources = parse_sources(data);
  for (const std::string& task : tasks) parse_task(task, sources);
  for (const std::string& task : first_method_only)
    if (std::count(tasks.begin(), tasks.end(), task) == 0)
      throw UsageError(
          fmt::format("--first-method-only: found {}, expected some of --tasks", task));
  cache_bytes();
  if (const int64_t least = *std::min_element(hidden.begin(), hidden.end()) * layers;
      cluster_count() > least)
    throw UsageError(fmt::format("--clusters: found {}, expected at most {}, the units",
                                 cluster_count(), least));
  if (residual && layers == 1)
    throw UsageError(
        "--residual: needs --layers 2 or more (images and units of one layer differ in number)");
  if (layers > 1 && std::count(train.begin(), train.end(), "full-equal") != 0)
    throw UsageError("--train: full-equal is there for --layers 1 only");
  if (hidden.size() > 1 && range.size() > 1)
    throw UsageError("--range: a sweep of --hidden has one range");
  if (weights == "normal" && range.size() > 1)
    throw UsageError("--range: normal weights have none to sweep");
  if (std::set<int64_t>(hidden.begin(), hidden.end()).size() != hidden.size())
    throw UsageError("--hidden: a width is there twice");
  require_distinct("range", range);
  networks();
  if (solves() && (train != std::vector<std::string>{"bias"} || layers > 1 ||
                   activation != "relu" || hidden.size() > 1 || range.size() > 1))
    throw UsageError(
        "--solver: ntk solves for biases (--train bias) of one layer of relus, of one width and "
        "range");
}

std::vector<Network> TrainFnnConfig::networks() const {
  std::vector<Network> out;
  for (const int64_t width : hidden) {
    for (const std::string& text : range) {
      char* end = nullptr;
      Network network;
      network.weights = {weights, std::strtod(text.c_str(), &end),
                         width,   solves() ? kNtkSide * kNtkSide : kPixels,
                         layers,  residual};
      const double bound = network.weights.range;
      if (end == text.c_str() || *end != '\0' || !(bound >= 1e-9 && bound <= 1e6))
        throw UsageError(
            fmt::format("--range: found '{}', expected a number from 1e-9 to 1e6", text));
      network.activation = unit_activation(activation);
      network.output_bias = output_bias || solves();
      out.push_back(network);
    }
  }
  return out;
}

int64_t TrainFnnConfig::most_test_images() const {
  return solves() && test_images == 0 ? kNtkTestImages : test_images;
}

std::string TrainFnnConfig::label(size_t network) const {
  return hidden.size() > 1  ? fmt::format("hidden-{}", hidden[network])
         : range.size() > 1 ? "range-" + range[network]
                            : "";
}

int64_t TrainFnnConfig::cache_bytes() const {
  char* end = nullptr;
  const double number = std::strtod(cache_memory.c_str(), &end);
  const std::string unit = end;
  const double factor = unit == "G" ? 1 << 30 : unit == "M" ? 1 << 20 : unit == "K" ? 1 << 10 : 1;
  if (end == cache_memory.c_str() || !(number > 0 && number < 1e15) ||
      (factor == 1 && !unit.empty()))
    throw UsageError(fmt::format(
        "--cache-memory: found '{}', expected a number, or one with K, M or G", cache_memory));
  return cache == "off" ? 0 : int64_t(number * factor);
}

int64_t TrainFnnConfig::cluster_count() const {
  if (clusters == "auto") return 0;
  if (clusters == "0") return int64_t(tasks.size());
  char* end = nullptr;
  const long count = std::strtol(clusters.c_str(), &end, 10);
  if (*end != '\0' || count < 2)
    throw UsageError(
        fmt::format("--clusters: found '{}', expected a number from 2 on, 0 or auto", clusters));
  return count;
}

// Section 8, by name: van der Pol at a gain that fails and one that follows, three seeds; Lorenz;
// reaching; the gains of figure 3C at the paper's largest width.
void TrainRnnConfig::apply_preset(const std::string& name, cli::CommonOptions& common) {
  if (name == "small") {
    hidden = 100;
    gain = {"0.5", "1.5"};
    iters = 1500;
    common.seed = {0, 1, 2};
  } else if (name == "paper") {
    hidden = 1024;
    gain = {"0.5", "0.8", "0.9", "1", "1.1", "1.2", "1.5", "2"};
    jacobian_steps = 0;
    common.seed = {0, 1, 2, 3, 4};
  } else {
    system = name;
    iters = name == "lorenz" ? 800 : 1200;
    common.seed = {0, 1};
  }
}

void TrainRnnConfig::validate(const cli::CommonOptions&) const {
  const bool csv = !csv_file().empty();
  const auto is = [&](const char* name) { return system == name; };
  if (!csv && !is("cosine") && !is("vdp") && !is("lorenz") && !is("reach"))
    throw UsageError(fmt::format(
        "--system: found '{}', expected cosine, vdp, lorenz, reach or csv:FILE", system));
  require_distinct("gain", gain);
  gains();
  const auto only = [&](const char* option, bool given, bool used, const char* where) {
    if (given && !used)
      throw UsageError(fmt::format("--{}: {} has none, expected with {}", option, system, where));
  };
  only("period", period.has_value(), is("cosine"), "cosine");
  only("dt", dt.has_value(), !csv && !is("cosine"), "vdp, lorenz or reach");
  only("burn-in", burn_in.has_value(), is("vdp") || is("lorenz"), "vdp or lorenz");
  only("start", !start.empty(), is("vdp") || is("lorenz"), "vdp or lorenz");
  only("tau", tau.has_value(), is("lorenz"), "lorenz");
  only("batch", batch.has_value(), is("lorenz"), "lorenz");
  only("angles", angles.has_value(), is("reach"), "reach");
  only("dump-target", !dump_target.empty(), !is("reach"), "a trajectory");
  if (is("vdp") || is("lorenz")) start_state();
}

std::vector<double> TrainRnnConfig::gains() const {
  std::vector<double> out;
  for (const std::string& text : gain) {
    char* end = nullptr;
    out.push_back(std::strtod(text.c_str(), &end));
    if (end == text.c_str() || *end != '\0' || !(out.back() > 0 && std::isfinite(out.back())))
      throw UsageError(fmt::format("--gain: found '{}', expected a number above 0", text));
  }
  return out;
}

std::vector<double> TrainRnnConfig::start_state() const {
  const size_t wanted = system == "lorenz" ? 3 : 2;
  if (start.empty())
    return system == "lorenz" ? std::vector<double>{1, 1, 1} : std::vector<double>{2, 0};
  std::vector<double> out;
  for (size_t at = 0; at <= start.size();) {
    const size_t comma = std::min(start.find(',', at), start.size());
    const std::string text = start.substr(at, comma - at);
    char* end = nullptr;
    out.push_back(std::strtod(text.c_str(), &end));
    if (end == text.c_str() || *end != '\0' || !std::isfinite(out.back()))
      throw UsageError(fmt::format("--start: found '{}', expected a number", text));
    at = comma + 1;
  }
  if (out.size() != wanted)
    throw UsageError(
        fmt::format("--start: found {} numbers, expected {} for {}", out.size(), wanted, system));
  return out;
}

std::string TrainRnnConfig::csv_file() const {
  return system.rfind("csv:", 0) == 0 ? system.substr(4) : "";
}

void EvalConfig::validate(const cli::CommonOptions&) const {
  if (run.empty()) throw UsageError("--run: missing; expected the folder of a run");
}

void CheckTheoryConfig::validate(const cli::CommonOptions&) const {
  if (std::set<int64_t>(width.begin(), width.end()).size() != width.size())
    throw UsageError("--width: a width is there twice");
  if (check != "ffn" && target != "sin")
    throw UsageError(fmt::format("--target: {} has none, expected with --check ffn", check));
  if (check == "rnn" && activation != "relu")
    throw UsageError("--activation: the networks of --check rnn have relus");
  if (fit == "adam" && (check != "ffn" || activation != "relu"))
    throw UsageError("--fit: adam is there for --check ffn with relus");
}

void CheckTheoryConfig::set_defaults(cli::CommonOptions& common) {
  common.seed.clear();
  for (int64_t s = 0; s < 20; ++s) common.seed.push_back(s);
}

}  // namespace tenfold::bias_learning
