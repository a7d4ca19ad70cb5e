#include "tools/poyo-decode/config.h"

#include "common/core/error.h"

namespace tenfold::poyo_decode {
namespace {

const char* const kSmallSessions = "co:5,rt:2,units:24,seconds:200,gain:1.2,seed:0";

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
  c.train_windows = "trials";
  c.batch_size = 32;
  c.unit_dropout = "12,20,24,4";
  c.query_stride = 4;
  c.max_lr = 0.006;
  c.embedding_lr_mult = 10;
  c.schedule = "half-cosine";
  c.cycle_momentum = false;
  c.steps = 450;
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
  c.train_windows = "uniform";
  c.batch_size = 16;
  c.unit_dropout = "80,174";
  c.query_stride = 1;
  c.embedding_lr_mult = 1;
  c.steps = 300;
  c.loss_weights = "uniform";
}

void poyo_mp(TrainConfig& c) {
  ModelSpec& m = c.model.spec;
  m.dim = 128;
  m.depth = 24;
  m.cross_heads = 4;
  m.latents_per_step = 32;
  c.unit_dropout = "30,100,300,4";
  c.batch_size = 1024;
}

}  // namespace

void DataConfig::resolve() {
  // Recordings of one's own take the place of a preset's.
  if (!data.empty() && synthetic == kSmallSessions) synthetic.clear();
  if (data.empty() == synthetic.empty())
    throw UsageError("--data, --synthetic: expected one of the two");
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
  poyo_decode::check(model.spec);
  if (!epochs) epochs = 1000;
}

void EvalConfig::validate(const cli::CommonOptions&) {
  if (checkpoint.empty()) throw UsageError("--checkpoint: missing");
  if (!data.data.empty() || !data.synthetic.empty()) data.resolve();
}

void BaselineConfig::apply_preset(const std::string&, cli::CommonOptions&) {
  data.synthetic = kSmallSessions;
}

void BaselineConfig::validate(const cli::CommonOptions&) { data.resolve(); }

void GenConfig::apply_preset(const std::string&, cli::CommonOptions&) {
  synthetic = kSmallSessions;
}

void GenConfig::validate(const cli::CommonOptions& common) {
  if (synthetic.empty()) throw UsageError("--synthetic: missing");
  if (save_path.empty() && !common.dry_run) throw UsageError("--save-path: missing");
}

void InfoConfig::validate(const cli::CommonOptions&) {
  if (data.empty()) throw UsageError("--data: missing");
}

}  // namespace tenfold::poyo_decode
