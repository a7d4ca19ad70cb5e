// `train-nino`: meta-training of NiNo, WNN+ and WNN (specification, sections 4.2 and 6).

#include <ATen/TensorOperators.h>
#include <ATen/autocast_mode.h>
#include <ATen/core/grad_mode.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <fmt/format.h>

#include <cmath>
#include <map>

#include "common/cli/loop_options.h"
#include "common/core/clock.h"
#include "common/core/error.h"
#include "common/core/philox.h"
#include "common/io/file.h"
#include "common/log/logger.h"
#include "common/train/loop.h"
#include "tools/nino-nowcast/commands.h"
#include "tools/nino-nowcast/meta_data.h"
#include "tools/nino-nowcast/meta_loss.h"
#include "tools/nino-nowcast/report.h"
#include "tools/nino-nowcast/training.h"
#include "tools/nino-nowcast/wnn.h"

namespace tenfold::nino_nowcast {
namespace {

constexpr double kFinalLr = 1e-6;     // of the cosine schedule
constexpr int64_t kWnnBatch = 16384;  // scalars
constexpr int64_t kWnnTile = 1024;    // of these at once: a [1024, 64] tensor stays in the cache

// The weights of a model as views of one flat vector, with their gradients as views of another.
struct FlatWeights {
  FlatWeights(MetaModel& model, double decay) {
    const int64_t n = model.num_parameters();
    values = at::empty({n});
    gradient = at::zeros({n});
    weight_decay = at::zeros({n});
    int64_t offset = 0;
    for (auto& [name, tensor] : model.weights) {
      const at::Tensor place = values.narrow(0, offset, tensor.numel()).view(tensor.sizes());
      place.copy_(tensor);
      tensor = place.detach().requires_grad_();
      tensor.mutable_grad() = gradient.narrow(0, offset, tensor.numel()).view(tensor.sizes());
      weight_decay.narrow(0, offset, tensor.numel())
          .fill_(gets_gradient(model.config, name) ? decay : 0.0);
      offset += tensor.numel();
    }
  }

  // The last message passing reaches the output only through a final edge update.
  static bool gets_gradient(const MetaConfig& c, const std::string& name) {
    return c.kind != MetaKind::kNino || c.final_edge_update ||
           name.rfind(fmt::format("gnn.convs.{}.", c.layers - 1), 0) != 0;
  }

  at::Tensor values, gradient, weight_decay;
};

MetaConfig meta_config(const TrainNinoConfig& config) {
  MetaConfig m;
  m.kind = config.model == "nino" ? MetaKind::kNino
                                  : (config.model == "wnn+" ? MetaKind::kWnnPlus : MetaKind::kWnn);
  m.ctx = config.ctx;
  m.hid = config.hid;
  m.layers = config.layers;
  m.max_feat_size = m.kind == MetaKind::kNino ? config.max_feat_size : 1;
  m.seq_len = config.seq_len;
  m.lpe = config.lpe;
  m.vocab_size = config.vocab_size;
  m.horizon = config.wnn_horizon;
  m.wte_pos_enc = config.wte_pos_enc && m.kind == MetaKind::kNino;
  m.final_edge_update = config.final_edge_update;
  m.use_lpe = !config.no_lpe;
  m.use_edge_types = !config.no_edge_types;
  m.upd_scale = config.upd_scale;
  m.scale_method = config.scale_method;
  return m;
}

SamplingOptions sampling(const TrainNinoConfig& config, const cli::Run& run) {
  SamplingOptions o;
  o.ctx = config.ctx;
  o.horizons = config.seq_len;
  o.spacing = config.spacing;
  o.trajectories = config.batch_size;
  o.windows = config.samples_per_traj;
  o.vocab_sample = config.vocab_sample;
  o.lpe = config.lpe;
  o.global_wte = config.train_scale == "global-wte";
  o.scale_method = config.scale_method;
  o.seed = uint64_t(run.options().seed.at(0));
  return o;
}

// While it lives, matrix products take and give bfloat16 (--amp).
class MixedPrecision {
 public:
  explicit MixedPrecision(bool on) {
    at::autocast::set_autocast_dtype(at::kCPU, at::kBFloat16);
    at::autocast::set_autocast_enabled(at::kCPU, on);
  }
  ~MixedPrecision() {
    at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(at::kCPU, false);
  }
  MixedPrecision(const MixedPrecision&) = delete;
  MixedPrecision& operator=(const MixedPrecision&) = delete;
};

// What NiNo, WNN+ and WNN have in common: flat AdamW, clipping, schedule, state.
class MetaProgram : public train::Program {
 public:
  MetaProgram(const TrainNinoConfig& config, const cli::Run& run, train::OptimizerOptions optimizer)
      : config_(config),
        model_(initial_meta_model(meta_config(config), uint64_t(run.options().seed.at(0)))),
        flat_(model_, optimizer.weight_decay),
        optimizer_(optimizer, flat_.values.numel(), at::kCPU, flat_.weight_decay),
        sampler_(config.data_dir, config.tasks, sampling(config, run)) {}

  void step(int64_t step) override {
    flat_.gradient.zero_();
    const double loss = compute_gradient(step);
    const at::NoGradGuard guard;
    const double norm = flat_.gradient.norm().item<double>();
    const double scale =
        config_.grad_clip > 0 ? std::min(1.0, config_.grad_clip / (norm + 1e-6)) : 1.0;
    optimizer_.set_lr(learning_rate(step));
    // A NaN never reaches the weights: the loop sees the loss (or the norm) and stops.
    if (std::isfinite(norm) && std::isfinite(loss))
      optimizer_.step(flat_.values, flat_.gradient, scale);
    losses_.emplace_back(step + 1, std::isfinite(norm) ? loss : norm);
    loss_sum_ += loss;
    norm_sum_ += norm;
    ++count_;
  }

  std::vector<std::pair<int64_t, double>> drain_losses() override {
    std::vector<std::pair<int64_t, double>> out;
    out.swap(losses_);
    return out;
  }

  Row evaluate(int64_t done) override {
    const double n = double(std::max<int64_t>(count_, 1));
    points_.push_back({done, loss_sum_ / n, noop_sum_ / n, norm_sum_ / n, learning_rate(done - 1)});
    loss_sum_ = noop_sum_ = norm_sum_ = 0;
    count_ = 0;
    const Point& p = points_.back();
    return {{"train/loss", p.loss},
            {"train/loss_noop", p.noop},
            {"train/grad_norm", p.norm},
            {"train/lr", p.lr}};
  }

  void visit_state(train::Archive& archive) override {
    for (auto& [name, tensor] : model_.weights) archive.weight(name, tensor.detach());
    optimizer_.visit_state(archive, "optimizer/");
    archive.number("restart", restart_);
    archive.number("loss_sum", loss_sum_);
    archive.number("noop_sum", noop_sum_);
    archive.number("norm_sum", norm_sum_);
    archive.number("count", count_);
    train::visit_records(archive, "points", points_,
                         {&Point::loss, &Point::noop, &Point::norm, &Point::lr}, {&Point::step});
  }

  double score() const override { return points_.empty() ? std::nan("") : -points_.back().loss; }
  std::string note() const override {
    return points_.empty()
               ? ""
               : fmt::format("L1 {:.4f} (no-op {:.4f})", points_.back().loss, points_.back().noop);
  }
  void on_restart(int64_t count) override {
    restart_ = count;
    losses_.clear();
  }

  struct Point {
    int64_t step = 0;
    double loss = 0, noop = 0, norm = 0, lr = 0;  // means since the point before
  };
  const std::vector<Point>& points() const { return points_; }
  MetaModel& model() { return model_; }
  const MetaSampler& sampler() const { return sampler_; }

 protected:
  // Adds to the gradient; returns the loss.
  virtual double compute_gradient(int64_t step) = 0;
  virtual double learning_rate(int64_t step) const {
    const double phase = M_PI * double(step) / double(config_.max_train_steps);
    return kFinalLr + (config_.lr - kFinalLr) * (1 + std::cos(phase)) / 2;
  }

  const TrainNinoConfig& config_;
  MetaModel model_;
  FlatWeights flat_;
  train::FlatOptimizer optimizer_;
  MetaSampler sampler_;
  int64_t restart_ = 0;
  double noop_sum_ = 0;

 private:
  std::vector<std::pair<int64_t, double>> losses_;
  double loss_sum_ = 0, norm_sum_ = 0;
  int64_t count_ = 0;
  std::vector<Point> points_;
};

class GraphProgram : public MetaProgram {
 public:
  using MetaProgram::MetaProgram;

 protected:
  double compute_gradient(int64_t step) override {
    const MetaLoss loss = mixed_loss(step);
    const at::Tensor mean = loss.sum / double(loss.count);
    mean.backward();
    noop_sum_ += loss.noop_sum / double(loss.count);
    return mean.item<double>();
  }

 private:
  // Only the forward pass is under autocast; gradients come in the precision of what they belong
  // to.
  MetaLoss mixed_loss(int64_t step) const {
    const MixedPrecision guard(config_.amp);
    return meta_loss(model_, sampler_.batch(step, restart_), true);
  }
};

// Each kind of parameter has its own network; a step trains every one of them on scalars of its
// kind.
class WnnProgram : public MetaProgram {
 public:
  WnnProgram(const TrainNinoConfig& config, const cli::Run& run, train::OptimizerOptions optimizer)
      : MetaProgram(config, run, optimizer), seed_(uint64_t(run.options().seed.at(0))) {
    for (const TrajectoryTask& task : sampler_.tasks()) {
      std::map<std::string, std::vector<int64_t>> entries;
      for (size_t i = 0; i < task.types.size(); ++i) {
        if (task.types[i] >= 0) entries[wnn_kind(task.types[i])].push_back(int64_t(i));
      }
      for (const char* kind : kKinds) {
        if (!entries[kind].empty()) pools_[kind].push_back({&task, std::move(entries[kind])});
      }
    }
  }

 protected:
  double learning_rate(int64_t) const override { return config_.lr; }
  double compute_gradient(int64_t step) override {
    double total = 0;
    for (const auto& [kind, pools] : pools_) {
      at::Tensor states, target;
      draw(kind, pools, step, states, target);
      for (int64_t i = 0; i < kWnnBatch; i += kWnnTile) {
        const MetaLoss loss =
            wnn_error(model_, kind, states.narrow(0, i, kWnnTile), target.narrow(0, i, kWnnTile));
        const at::Tensor error = loss.sum / double(kWnnBatch);
        error.backward();
        total += error.item<double>();
        noop_sum_ += loss.noop_sum / double(kWnnBatch);
      }
      const at::Tensor penalty = wnn_penalty(model_, kind);
      penalty.backward();
      total += penalty.item<double>();
    }
    return total;
  }

 private:
  static constexpr const char* kKinds[] = {"conv", "linear", "bias"};

  struct Pool {
    const TrajectoryTask* task;
    std::vector<int64_t> entries;  // of the kind
  };

  // Scalars of one kind, uniform over tasks that have it, runs, windows and entries.
  void draw(const std::string& kind, const std::vector<Pool>& pools, int64_t step,
            at::Tensor& states, at::Tensor& target) const {
    const Stream draws(seed_, fmt::format("wnn/{}/{}", kind, restart_), uint64_t(step));
    const int64_t ctx = config_.ctx, span = ctx + config_.wnn_horizon;
    states = at::empty({kWnnBatch, ctx});
    target = at::empty({kWnnBatch});
    float* out = states.data_ptr<float>();
    for (int64_t i = 0; i < kWnnBatch; ++i) {
      const auto below = [&](int64_t part, int64_t n) {
        return int64_t(draws.below(uint64_t(4 * i + part), uint64_t(n)));
      };
      const Pool& pool = pools[size_t(below(0, int64_t(pools.size())))];
      const TrajectoryReader& reader = *pool.task->reader;
      const int64_t run = below(1, reader.info().runs), every = pool.task->step;
      const int64_t start = below(2, reader.info().states - (span - 1) * every);
      const std::vector<int64_t> entry = {
          pool.entries[size_t(below(3, int64_t(pool.entries.size())))]};
      for (int64_t t = 0; t < ctx; ++t) {
        reader.read_some(run, start + t * every, entry, out + i * ctx + t, 1);
      }
      reader.read_some(run, start + (span - 1) * every, entry, target.data_ptr<float>() + i, 1);
    }
  }

  uint64_t seed_;
  std::map<std::string, std::vector<Pool>> pools_;
};

std::unique_ptr<MetaProgram> make_program(const TrainNinoConfig& config, const cli::Run& run) {
  train::OptimizerOptions optimizer;
  optimizer.lr = config.lr;
  optimizer.weight_decay = config.wd;
  if (config.model == "wnn") {
    optimizer.eps = 1e-7;
    optimizer.weight_decay = 0;
    return std::make_unique<WnnProgram>(config, run, optimizer);
  }
  return std::make_unique<GraphProgram>(config, run, optimizer);
}

log::Result meta_result(const TrainNinoConfig& config, const cli::Run& run, MetaProgram& program,
                        const train::Outcome& outcome) {
  log::Result result;
  set_outcome(result, outcome);
  result.seeds = run.options().seed;
  std::vector<std::string> digests;
  for (const TrajectoryTask& task : program.sampler().tasks()) {
    digests.push_back(task.reader->info().name + ".dat=xxh3:" + task.reader->info().digest);
  }
  result.data = {{"name", config.tasks}, {"origin", std::string("user")}, {"digests", digests}};
  result.model = {{"kind", config.model}, {"num_parameters", program.model().num_parameters()}};
  log::Series curve{"step",
                    {{"step", {}}, {"loss", {}}, {"loss_noop", {}}, {"grad_norm", {}}, {"lr", {}}}};
  for (const MetaProgram::Point& p : program.points()) {
    const double row[] = {double(p.step), p.loss, p.noop, p.norm, p.lr};
    for (size_t i = 0; i < 5; ++i) curve.columns[i].second.push_back(row[i]);
  }
  result.series.emplace_back("train", curve);
  const auto metric = [&](const std::string& name, std::optional<double> value) {
    log::Metric m{value};
    if (!value) m.reason = "no evaluation yet";
    result.metrics.emplace_back(name, m);
  };
  const bool any = !program.points().empty();
  metric("loss", any ? std::optional<double>(program.points().back().loss) : std::nullopt);
  metric("loss_noop", any ? std::optional<double>(program.points().back().noop) : std::nullopt);
  metric("nan_restarts", double(outcome.nan_restarts));
  return result;
}

int meta_dry_run(const TrainNinoConfig& config, cli::Run& run) {
  const MetaModel model = initial_meta_model(meta_config(config), 0);
  log::Result result;
  result.seeds = run.options().seed;
  result.data = {{"name", config.tasks}, {"origin", std::string("user")}};
  result.model = {{"kind", config.model}, {"num_parameters", model.num_parameters()}};
  result.metrics.emplace_back("num_parameters", log::Metric{double(model.num_parameters())});
  run.emit(result, "train-nino/1");
  return 0;
}

}  // namespace

int train_nino(const TrainNinoConfig& config, cli::Run& run) {
  if (run.options().dry_run) return meta_dry_run(config, run);
  require_cpu(run);
  if (run.options().resume == "never" && io::exists(config.save_path)) {
    throw CannotCreate("--save-path " + config.save_path +
                       ": exists already; choose another name or remove it");
  }
  io::require_creatable(config.save_path);
  const auto program = make_program(config, run);
  train::LoopOptions loop = cli::loop_options(run, config.max_train_steps, "train-nino");
  loop.nan_restarts = config.nan_restarts;
  const train::Outcome outcome = train::run_loop(*program, loop);
  if (outcome.complete) {
    std::vector<std::pair<std::string, std::string>> notes = {
        {"name", "\"" + config.model + "\""},
        {"options", run.config_json()},
        {"nan_restarts", std::to_string(outcome.nan_restarts)},
        {"wall_s", fmt::format("{:.1f}", outcome.elapsed_s)}};
    const at::NoGradGuard guard;
    save_meta_model(config.save_path, program->model(), notes);
    log::info("wrote " + config.save_path);
  }
  run.emit(meta_result(config, run, *program, outcome), "train-nino/1");
  return outcome.exit_code;
}

}  // namespace tenfold::nino_nowcast
