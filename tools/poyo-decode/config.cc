#include "tools/poyo-decode/config.h"

#include <fmt/format.h>

#include <algorithm>
#include <cstdlib>
#include <set>

#include "common/core/error.h"
#include "common/train/ranks.h"
#include "tools/poyo-decode/dataset.h"
#include "tools/poyo-decode/dataset_description.h"

namespace tenfold::poyo_decode {
namespace {

const char* const kSmallSessions = "co:5,rt:2,units:24,seconds:200,gain:1.2,seed:0";
const char* const kNewSession = "co:1,units:24,seconds:300,gain:1.2,seed:900";

// What the runs of section 8 on generated sessions share.
void small_training(TrainingConfig& t) {
  t.train_windows = "trials";
  t.batch_size = 32;
  t.unit_dropout = "12,20,24,4";
  t.query_stride = 4;
  t.schedule = "half-cosine";
  t.cycle_momentum = false;
}

// Specification, section 8: seven generated sessions, measured with the reference.
void small_generated(TrainConfig& c) {
  c.data.synthetic = kSmallSessions;
  ModelSpec& m = c.model.spec;
  m.window = 1;
  m.latent_step = 0.125;
  m.latents_per_step = 4;
  m.dim = 64;
  m.depth = 2;
  m.dim_head = 32;
  m.cross_heads = 2;
  m.self_heads = 4;
  m.ffn_dropout = m.lin_dropout = 0.1;
  m.atn_dropout = 0;
  TrainingConfig& t = c.training;
  small_training(t);
  t.max_lr = 0.006;
  t.embedding_lr_mult = 10;
  t.steps = 450;
}

// Section 8: one of the real recordings; which one is --data's.
void small_real(TrainConfig& c) {
  small_generated(c);
  c.data.synthetic.clear();
  ModelSpec& m = c.model.spec;
  m.window = 0.9;
  m.latent_step = 0.15;
  m.ffn_dropout = m.lin_dropout = 0.2;
  m.atn_dropout = 0.1;
  TrainingConfig& t = c.training;
  t.train_windows = "uniform";
  t.batch_size = 16;
  t.unit_dropout = "80,174";
  t.query_stride = 1;
  t.embedding_lr_mult = 1;
  t.steps = 300;
  t.loss_weights = "uniform";
}

std::vector<double> numbers_of(const char* name, const std::vector<std::string>& texts) {
  std::vector<double> numbers;
  for (const std::string& text : texts) {
    char* end = nullptr;
    numbers.push_back(std::strtod(text.c_str(), &end));
    if (text.empty() || *end != '\0' || !(numbers.back() >= 0 && numbers.back() <= 10))
      throw UsageError(fmt::format("{}: found '{}', expected numbers of 0 to 10", name, text));
  }
  return numbers;
}

void poyo_mp(TrainConfig& c) {
  ModelSpec& m = c.model.spec;
  m.dim = 128;
  m.depth = 24;
  m.cross_heads = 4;
  m.latents_per_step = 32;
  c.training.unit_dropout = "30,100,300,4";
  c.training.batch_size = 1024;
  c.training.micro_batch = 32;
}

}  // namespace

void DataConfig::check_at_most_one_source() const {
  if (!data.empty() && !synthetic.empty())
    throw UsageError("--data, --synthetic: found both, expected one of the two");
}

void DataConfig::check_one_source() const {
  check_at_most_one_source();
  if (data.empty() && synthetic.empty())
    throw UsageError("--data, --synthetic: found neither, expected one of the two");
}

void DataConfig::resolve() {
  // Recordings of one's own take the place of a preset's.
  if (!data.empty() && (synthetic == kSmallSessions || synthetic == kNewSession)) synthetic.clear();
  check_one_source();
  if (dataset.empty()) dataset = "perich";
  const DatasetDescription description = describe(dataset);
  if (readout.empty()) readout = description.readout;
  if (normalize_std == 0) normalize_std = description.normalize_std;
}

std::vector<std::string> TrainConfig::presets() {
  return {"small", "small-gen", "small-real", "poyo-single", "poyo-mp", "poyo-1", "paper"};
}

void TrainConfig::apply_preset(const std::string& name, cli::CommonOptions& common) {
  common.seed = {0};
  common.checkpoint_every = 100;
  if (name == "small" || name == "small-gen") small_generated(*this);
  if (name == "small-real") small_real(*this);
  if (name == "poyo-mp" || name == "poyo-1" || name == "paper") poyo_mp(*this);
  if (name.rfind("poyo", 0) == 0 || name == "paper") common.seed = {42};
}

void TrainConfig::validate(const cli::CommonOptions&) {
  data.resolve();
  few_shot.numbers();
  training.check(data);
  poyo_decode::check(model.spec);
  if (!training.epochs) training.epochs = 1000;
}

void TrainingConfig::check(const DataConfig& data) const {
  poyo_decode::loss_weights(describe(data.dataset), loss_weights, "");
}

int64_t number_of_trials(const std::string& text) {
  if (text == "all") return kAllTrials;
  char* end = nullptr;
  const long long number = std::strtoll(text.c_str(), &end, 10);
  if (text.empty() || *end != '\0' || number < 1) {
    throw UsageError(fmt::format(
        "--n-trials: found '{}', expected a number of trials, 1 or more, or all", text));
  }
  return number;
}

std::vector<int64_t> FewShotConfig::numbers() const {
  std::set<int64_t> some;
  for (const std::string& text : n_trials) some.insert(number_of_trials(text));
  const bool all = some.erase(kAllTrials) > 0;
  std::vector<int64_t> numbers(some.begin(), some.end());
  if (all) numbers.push_back(kAllTrials);
  return numbers;
}

FinetuneConfig::FinetuneConfig() { training.base_lr = 7.8125e-7; }

bool FinetuneConfig::compares(const std::string& with) const {
  return std::find(compare.begin(), compare.end(), with) != compare.end();
}

void FinetuneConfig::apply_preset(const std::string& name, cli::CommonOptions& common) {
  if (name == "paper") {
    common.seed = {42};
    return;
  }
  common.seed = {0};
  data.synthetic = kNewSession;
  small_training(training);
  // Section 8: 0.1 for the tables, whether the rest learns or not.
  training.max_lr = 0.005;
  training.embedding_lr_mult = 20;
  training.steps = 200;
  scratch_max_lr = 0.006;
  few_shot.n_trials = {"5", "10", "all"};
  compare = {"scratch", "wiener"};
}

void FinetuneConfig::validate(const cli::CommonOptions&) {
  if (checkpoint.empty()) throw UsageError("--checkpoint: missing");
  data.resolve();
  few_shot.numbers();
  training.check(data);
  if (!training.epochs) training.epochs = 100;
}

IdentifyConfig::IdentifyConfig() {
  unit_id = true;
  freeze_until = -1;
}

void IdentifyConfig::validate(const cli::CommonOptions& common) {
  if (!unit_id || freeze_until != -1)
    throw UsageError("--unit-id, --freeze-until: identify never thaws the core; finetune does");
  FinetuneConfig::validate(common);
}

bool TrainConfig::writes() const { return !data_parallel || train::ranks_of_environment().first(); }

void EvalConfig::validate(const cli::CommonOptions&) {
  if (checkpoint.empty()) throw UsageError("--checkpoint: missing");
  data.check_at_most_one_source();
}

void DecodeConfig::validate(const cli::CommonOptions&) {
  if (checkpoint.empty()) throw UsageError("--checkpoint: missing");
  data.check_at_most_one_source();
}

void EmbedConfig::validate(const cli::CommonOptions&) {
  if (checkpoint.empty()) throw UsageError("--checkpoint: missing");
  if (!data.data.empty() || !data.synthetic.empty()) data.resolve();
}

void BaselineConfig::apply_preset(const std::string&, cli::CommonOptions&) {
  data.synthetic = kSmallSessions;
}

void BaselineConfig::validate(const cli::CommonOptions&) {
  data.resolve();
  number_of_trials(n_trials);
  options.lr = numbers_of("--lr", lr);
  options.weight_decay = numbers_of("--weight-decay", weight_decay);
  options.window = window.value_or(options.window);
  const std::string& m = options.method;
  const bool network = m == "mlp" || m == "gru";
  const auto refuse = [&](bool given, bool read, const char* name) {
    if (given && !read) throw UsageError(fmt::format("{}: --method {} has none", name, m));
  };
  refuse(options.bin.has_value(), m != "wiener", "--bin");
  refuse(options.rows != "auto", network || m == "kalman", "--rows");
  refuse(window.has_value(), m == "gru" && options.rows != "samples", "--window");
  refuse(options.epochs.has_value(), network, "--epochs");
  refuse(!options.hidden.empty(), network, "--hidden");
  refuse(!lr.empty(), network, "--lr");
  refuse(!weight_decay.empty(), network, "--weight-decay");
}

void GenConfig::apply_preset(const std::string&, cli::CommonOptions&) {
  synthetic = kSmallSessions;
}

void GenConfig::validate(const cli::CommonOptions& common) {
  if (synthetic.empty()) throw UsageError("--synthetic: missing");
  if (common.seed != cli::CommonOptions().seed) {
    throw UsageError("--seed: gen's sessions are functions of the seed:N of --synthetic alone");
  }
  if (save_path.empty() && !common.dry_run) throw UsageError("--save-path: missing");
}

void InfoConfig::validate(const cli::CommonOptions&) {
  if (data.empty()) throw UsageError("--data: missing");
}

}  // namespace tenfold::poyo_decode
