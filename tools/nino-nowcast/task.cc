#include "tools/nino-nowcast/task.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/core/error.h"

namespace tenfold::nino_nowcast {
namespace {

struct ImageTask {
  const char* name;
  const char* data;
  bool conv;
  std::vector<int64_t> hidden;
  int64_t image_size;
  double lr, target;
};

// Sections 2.1 and 8; targets in percent.
const ImageTask kImageTasks[] = {
    {"FM-16", "fashion-mnist", true, {16, 32, 32}, 28, 6e-3, 89.5},
    {"FM-32", "fashion-mnist", true, {32, 64, 64}, 28, 6e-3, 90.5},
    {"C10-16", "cifar10", true, {16, 32, 32}, 32, 3e-3, 66.0},
    {"C10-32", "cifar10", true, {32, 64, 64}, 32, 3e-3, 72.5},
    {"C100-32", "cifar100", true, {32, 64, 64}, 32, 3e-3, 39.0},
    {"FM14-MLP32", "fashion-mnist", false, {32}, 14, 1e-3, 86.5},
    {"FM14-16", "fashion-mnist", true, {16, 32, 32}, 14, 6e-3, 87.0},
};

struct LanguageTask {
  const char* name;
  int64_t layers, width, heads;
  double target;
};

const LanguageTask kLanguageTasks[] = {
    {"LM1B-3-24", 3, 24, 3, 352}, {"LM1B-2-32", 2, 32, 2, 319},  {"LM1B-3-64", 3, 64, 4, 181},
    {"Wiki-3-64", 3, 64, 4, 147}, {"Wiki-4-128", 4, 128, 4, 77}, {"Wiki-6-384", 6, 384, 6, 38},
};

void fill_image(Task& task, const TaskConfig& config) {
  const bool cifar = task.data != "fashion-mnist";
  task.net.channels = cifar ? 3 : 1;
  task.net.classes = task.data == "cifar100" ? 100 : 10;
  task.training_examples = cifar ? 45834 : 55000;
  if (cifar && task.net.image_size != 32) {
    throw UsageError(
        fmt::format("--image-size: found {}, expected 32 for {}", task.net.image_size, task.data));
  }
  if (!cifar && task.net.image_size != 28 && task.net.image_size != 14) {
    throw UsageError(fmt::format("--image-size: found {}, expected 28 or 14 for fashion-mnist",
                                 task.net.image_size));
  }
  task.arch = TargetNet(task.net).architecture();
  if (config.optimizer == "nesterov" && !config.lr) {
    throw UsageError("--lr: missing; --optimizer nesterov needs a learning rate");
  }
}

Task custom_task(const TaskConfig& config) {
  Task task;
  task.name = "custom";
  if (config.net == "gpt2" || config.net == "llama") {
    task.language = true;
    task.metric = "ppl";
    task.lr = 2e-4;
    const int64_t kv = config.kv_heads == 0 ? config.heads : config.kv_heads;
    task.arch = config.net == "gpt2"
                    ? gpt2_architecture(config.vocab, config.block_size, config.dim, config.heads,
                                        config.layers)
                    : llama_architecture(config.vocab, config.dim, config.heads, kv, config.layers,
                                         config.hidden.at(0), false);
    return task;
  }
  task.data = config.data;
  task.lr = 1e-3;
  task.target = 100;
  task.net.conv = config.net == "conv";
  task.net.hidden = config.hidden;
  task.net.batch_norm = config.batch_norm;
  task.net.bias = !config.no_bias;
  task.net.image_size = config.data == "fashion-mnist" ? config.image_size : 32;
  fill_image(task, config);
  return task;
}

bool language_task(const TaskConfig& config, Task& task) {
  for (const LanguageTask& t : kLanguageTasks) {
    if (config.task != t.name) continue;
    task.arch = gpt2_architecture(50257, 1024, t.width, t.heads, t.layers);
    task.target = t.target;
  }
  if (config.task == "Wiki-6-384-llama") {
    task.arch = llama_architecture(128256, 384, 6, 2, 6, 1536, false);
    task.target = 24;
  }
  if (task.arch.params.empty()) return false;
  task.name = config.task;
  task.language = true;
  task.metric = "ppl";
  task.lr = 2e-4;
  task.wd = 0.01;
  return true;
}

}  // namespace

Task resolve_task(const TaskConfig& config, const cli::CommonOptions& common) {
  Task task;
  if (config.task == "custom") {
    task = custom_task(config);
  } else if (!language_task(config, task)) {
    for (const ImageTask& t : kImageTasks) {
      if (config.task != t.name) continue;
      task.name = t.name;
      task.data = t.data;
      task.net.conv = t.conv;
      task.net.hidden = t.hidden;
      task.net.image_size = t.image_size;
      task.lr = t.lr;
      task.target = t.target;
      fill_image(task, config);
    }
  }
  if (task.language && !common.dry_run) {
    throw Unavailable(
        fmt::format("--task {}: this version trains image networks only; language networks work "
                    "with --dry-run, `graph` and `step`",
                    config.task));
  }
  if (config.lr) task.lr = *config.lr;
  if (config.wd != 0) task.wd = config.wd;
  return task;
}

Architecture gpt2_architecture(int64_t vocab, int64_t positions, int64_t width, int64_t heads,
                               int64_t layers) {
  if (width % heads != 0) {
    throw UsageError(
        fmt::format("--dim: found {}, expected a multiple of --heads {}", width, heads));
  }
  Architecture a;
  a.family = Family::kGpt2;
  a.num_heads = a.num_key_value_heads = heads;
  const auto add = [&](const std::string& name, std::vector<int64_t> shape) {
    a.params.push_back({name, shape});
  };
  add("transformer.wte.weight", {vocab, width});
  add("transformer.wpe.weight", {positions, width});
  for (int64_t l = 0; l < layers; ++l) {
    const std::string h = fmt::format("transformer.h.{}.", l);
    const auto layer = [&](const std::string& name, int64_t in, int64_t out) {
      add(h + name + ".weight", {in, out});
      add(h + name + ".bias", {out});
    };
    const auto norm = [&](const std::string& name) {
      add(h + name + ".weight", {width});
      add(h + name + ".bias", {width});
    };
    norm("ln_1");
    layer("attn.c_attn", width, 3 * width);
    layer("attn.c_proj", width, width);
    norm("ln_2");
    layer("mlp.c_fc", width, 4 * width);
    layer("mlp.c_proj", 4 * width, width);
  }
  add("transformer.ln_f.weight", {width});
  add("transformer.ln_f.bias", {width});
  return a;
}

Architecture llama_architecture(int64_t vocab, int64_t width, int64_t heads, int64_t kv_heads,
                                int64_t layers, int64_t mlp_width, bool tied) {
  if (width % heads != 0 || heads % kv_heads != 0) {
    throw UsageError(fmt::format(
        "--heads: found {}, expected a divisor of --dim {} and a multiple of --kv-heads {}", heads,
        width, kv_heads));
  }
  Architecture a;
  a.family = Family::kLlama;
  a.num_heads = heads;
  a.num_key_value_heads = kv_heads;
  const int64_t kv_width = width / heads * kv_heads;
  const auto add = [&](const std::string& name, std::vector<int64_t> shape) {
    a.params.push_back({name + ".weight", shape});
  };
  add("model.embed_tokens", {vocab, width});
  for (int64_t l = 0; l < layers; ++l) {
    const std::string at = fmt::format("model.layers.{}.", l);
    add(at + "self_attn.q_proj", {width, width});
    add(at + "self_attn.k_proj", {kv_width, width});
    add(at + "self_attn.v_proj", {kv_width, width});
    add(at + "self_attn.o_proj", {width, width});
    add(at + "mlp.gate_proj", {mlp_width, width});
    add(at + "mlp.up_proj", {mlp_width, width});
    add(at + "mlp.down_proj", {width, mlp_width});
    add(at + "input_layernorm", {width});
    add(at + "post_attention_layernorm", {width});
  }
  add("model.norm", {width});
  if (!tied) add("lm_head", {vocab, width});
  return a;
}

}  // namespace tenfold::nino_nowcast
