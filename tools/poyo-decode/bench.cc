// Times what the tool spends its time on: forward passes and training steps by model, by spikes and
// by sessions, and whole steps of a training run. Called by scripts/bench, which can set it beside
// other people's code (scripts/peers).

#include <ATen/core/grad_mode.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>

#include "common/bench/memory.h"
#include "common/bench/report.h"
#include "common/cli/tool.h"
#include "common/io/file.h"
#include "common/log/logger.h"
#include "tools/poyo-decode/bench_cases.h"
#include "tools/poyo-decode/bench_export.h"
#include "tools/poyo-decode/config.h"
#include "tools/poyo-decode/decoder_program.h"
#include "tools/poyo-decode/objective.h"
#include "tools/poyo-decode/recordings.h"
#include "tools/poyo-decode/training_run.h"

namespace tenfold::poyo_decode {
namespace {

const std::vector<std::string> kCases = {"model", "spikes", "sessions", "run"};
const char* const kReferenceSource =
    "torch_brain 0.2.1 on torch 2.11, one thread of a shared machine (specification, section 9)";

struct BenchConfig {
  std::vector<std::string> cases = kCases, models = kBenchModels;
  std::string export_folder;
  int64_t runs = 5, warmup = 1;
  double min_seconds = 1;

  template <class Visitor>
  void visit(Visitor& v) {
    v.list("cases", cases, kCases, "CASE",
           "what to time: models, their cost by spikes and by sessions, a whole training step");
    v.list("models", models, kBenchModels, "MODEL", "whose passes");
    v.text("export", export_folder, "DIR", "writes batches and weights for other programs");
    v.number("runs", runs, {1, 1e6}, "", "timed runs, at least");
    v.number("warmup", warmup, {0, 1e4}, "", "runs before them");
    v.number("min-seconds", min_seconds, {0, 1e6}, "s", "time spent on each case, at least");
  }
  static std::vector<std::string> presets() { return {}; }
  void apply_preset(const std::string&, cli::CommonOptions&) {}
  void validate(const cli::CommonOptions&) const {}

  bool has(const std::string& name) const {
    return std::find(cases.begin(), cases.end(), name) != cases.end();
  }
};

const std::vector<std::string> kColumns =
    bench::joined({{"model", "spikes", "tokens", "sessions", "parameters", "direction"},
                   bench::kTimingColumns,
                   bench::kSpeedColumns,
                   {"reference_cpu_s", "times_faster"}});

class Bench {
 public:
  Bench(const BenchConfig& config, cli::Run& run)
      : config_(config), run_(run), seed_(uint64_t(run.options().seed.at(0))) {
    if (!config.export_folder.empty()) io::make_folders(config.export_folder);
    report_.result.seeds = {int64_t(seed_)};
    report_.result.data = {
        {"name", std::string("random spikes, 40 units a session, batches of 32")},
        {"origin", std::string("generated")}};
  }

  void models() {
    log::Table table{kColumns, {}};
    for (const std::string& model : config_.models) both(bench_case(model), true, table);
    report_.result.tables.emplace_back("models", table);
  }

  void by_spikes() {
    log::Table table{kColumns, {}};
    for (const std::string& model : config_.models) {
      for (const int64_t spikes : {130, 520, 2080}) {
        BenchCase c = varied(model);
        c.spikes = spikes;
        both(c, false, table);
      }
    }
    report_.result.tables.emplace_back("spikes", table);
  }

  void by_sessions() {
    log::Table table{kColumns, {}};
    for (const std::string& model : config_.models) {
      for (const int64_t sessions : {1, 7, 28, 100}) {
        BenchCase c = varied(model);
        c.sessions = sessions;
        both(c, false, table);
      }
    }
    report_.result.tables.emplace_back("sessions", table);
  }

  // The preset small-gen as `train` runs it.
  void whole_run() {
    TrainConfig config;
    cli::CommonOptions common;
    config.apply_preset("small-gen", common);
    config.validate(common);
    DecoderOptions o = decoder_options(config.model.spec, config.training, at::kCPU);
    o.schedule.steps = 1000000;
    const Dataset dataset(load_recordings(config.data), dataset_options(config.data, "paper"));
    std::vector<MemberPlan> plans(1);
    plans[0].name = "0";
    plans[0].seed = seed_;
    plans[0].max_lr = config.training.highest_lr();
    plans[0].embedding_lr_mult = config.training.embedding_lr_mult;
    plans[0].model = std::make_unique<Model>(config.model.spec, dataset.units.size(),
                                             dataset.sessions.size(), seed_);
    DecoderProgram program(dataset, o, std::move(plans));
    int64_t step = 0;
    bench::restart_peak_memory();
    const bench::Timing t = measure([&] { program.step(step++); });
    program.drain_losses();
    const double tokens = double(program.members()[0].tokens) / double(step);
    log::Table table{
        {"preset", "windows", "tokens_per_window", "runs", "cpu_min_s", "cpu_median_s",
         "wall_min_s", "wall_median_s", "peak_rss_mib", "reference_cpu_s", "times_faster"},
        {{std::string("small-gen"), o.batch_size, tokens / double(o.batch_size), t.runs, t.cpu.min,
          t.cpu.median, t.wall.min, t.wall.median, double(bench::peak_memory()) / double(1 << 20),
          kReferenceRun, kReferenceRun / t.cpu.min}}};
    report_.metric("step_cpu_s/small-gen", t.cpu.min, "s", false);
    report_.result.published.push_back({"step_cpu_s/small-gen", kReferenceRun, kReferenceSource});
    log::info(fmt::format("whole step of small-gen: {:.2f} ms CPU at least, {:.2f} median",
                          1e3 * t.cpu.min, 1e3 * t.cpu.median));
    report_.result.tables.emplace_back("run", table);
  }

  void emit() { run_.emit(report_.finished(), "bench/1"); }

 private:
  static constexpr double kReferenceRun = 0.080;  // seconds

  bench::Timing measure(const std::function<void()>& body) const {
    return bench::measure({config_.warmup, config_.runs, config_.min_seconds}, body);
  }
  static BenchCase varied(const std::string& model) {
    BenchCase c = bench_case(model);
    c.reference_forward_s = c.reference_step_s = 0;
    return c;
  }

  // Adds the rows of a forward pass without dropout and of a training step with it.
  void both(const BenchCase& c, bool exported, log::Table& table) {
    const Model model(c.spec, c.units * c.sessions, c.sessions, seed_);
    const TokenBatch batch = bench_batch(c, seed_);
    const train::Parameters& p = model.parameters();
    if (exported && !config_.export_folder.empty())
      export_case(config_.export_folder, c, batch, model);
    bench::restart_peak_memory();
    const bench::Timing forward = measure([&] {
      const at::NoGradGuard guard;
      model.forward(batch, std::nullopt);
    });
    add_row(c, p.count(), "forward", forward, forward_flops(c), c.reference_forward_s, table);
    SparseLamb optimizer(p, {});
    uint64_t number = 0;
    bench::restart_peak_memory();
    const bench::Timing step = measure([&] {
      p.gradient().zero_();
      const at::Tensor loss =
          weighted_loss(model.forward(batch, DropoutSource{seed_, number++}), batch);
      torch::autograd::backward({loss}, {});
      optimizer.step({0.004, 0.004, 0.9});
    });
    add_row(c, p.count(), "step", step, 3 * forward_flops(c), c.reference_step_s, table);
  }

  // Other users of the machine only ever add to a time, so the least one counts.
  void add_row(const BenchCase& c, int64_t parameters, const std::string& direction,
               const bench::Timing& t, double flop, double reference, log::Table& table) {
    const double speed = flop / t.cpu.min;
    std::vector<log::Value> row = {c.model,    c.spikes,   c.tokens(),
                                   c.sessions, parameters, direction};
    bench::Report::add_timing(row, t);
    report_.add_speed(row, t.cpu.min, flop);
    const std::string name = fmt::format("{}_cpu_s/{}", direction, c.name());
    if (reference > 0) {
      row.insert(row.end(), {reference, reference / t.cpu.min});
      report_.result.published.push_back({name, reference, kReferenceSource});
    } else {
      row.insert(row.end(), {nullptr, nullptr});
    }
    table.rows.push_back(row);
    report_.metric(name, t.cpu.min, "s", false);
    log::info(fmt::format("{} {}: {:.2f} ms CPU at least, {:.2f} median, {:.0f} % of the peak",
                          direction, c.name(), 1e3 * t.cpu.min, 1e3 * t.cpu.median,
                          100 * speed / report_.peak()));
  }

  const BenchConfig& config_;
  cli::Run& run_;
  const uint64_t seed_;
  bench::Report report_;
};

int run_bench(const BenchConfig& config, cli::Run& run) {
  Bench bench(config, run);
  if (config.has("model")) bench.models();
  if (config.has("spikes")) bench.by_spikes();
  if (config.has("sessions")) bench.by_sessions();
  if (config.has("run")) bench.whole_run();
  bench.emit();
  return 0;
}

}  // namespace
}  // namespace tenfold::poyo_decode

int main(int argc, char** argv) {
  using namespace tenfold::poyo_decode;
  tenfold::cli::Tool tool("poyo-decode", "Times the hot paths of poyo-decode.");
  tool.add<BenchConfig>("bench", "time forward passes, training steps and a run's whole step",
                        tenfold::cli::Kind::kAnalysis, run_bench);
  return tool.run(argc, argv);
}
