// Times what the tool spends its time on: nowcasts, the training step of FM-16, neural graphs.
// Called by scripts/bench, which can set it beside other people's code (scripts/peers).

#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>

#include <algorithm>
#include <functional>

#include "common/bench/memory.h"
#include "common/bench/report.h"
#include "common/cli/tool.h"
#include "common/io/file.h"
#include "common/log/logger.h"
#include "common/train/flat_optimizer.h"
#include "tools/nino-nowcast/bench_cases.h"
#include "tools/nino-nowcast/bench_export.h"
#include "tools/nino-nowcast/lpe.h"
#include "tools/nino-nowcast/nowcaster.h"

namespace tenfold::nino_nowcast {
namespace {

using bench::Timing;

std::vector<std::string> network_names() {
  std::vector<std::string> names;
  for (const NowcastCase& c : nowcast_cases()) names.push_back(c.name);
  return names;
}

struct BenchConfig {
  std::vector<std::string> parts = {"nowcast", "training", "graph"};
  std::vector<std::string> networks = network_names();
  std::string ckpt, export_folder;
  int64_t runs = 10, steps = 50, warmup_steps = 10, batch_size = 128, k = 5;
  double min_seconds = 1, lr = 6e-3;

  template <class Visitor>
  void visit(Visitor& v) {
    v.list("parts", parts, {"nowcast", "training", "graph"}, "PART", "what to time");
    v.list("networks", networks, network_names(), "NETWORK", "networks of nowcasts and graphs");
    v.text("ckpt", ckpt, "FILE", "NiNo checkpoint (default: initial weights; speed is the same)");
    v.text("export", export_folder, "DIR", "writes inputs and results for other programs");
    v.number("k", k, {1, cli::kNoLimit}, "", "horizon of the nowcasts");
    v.number("runs", runs, {1, 1e6}, "", "timed nowcasts and graphs, at least");
    v.number("min-seconds", min_seconds, {0, 1e6}, "s", "time spent on each of these, at least");
    v.number("steps", steps, {1, 1e4}, "", "timed training steps");
    v.number("warmup-steps", warmup_steps, {0, 1e4}, "", "training steps before them");
    v.number("batch-size", batch_size, {1, 1e5}, "examples", "training batch");
    v.number("lr", lr, {0, 1}, "", "learning rate");
  }
  static std::vector<std::string> presets() { return {}; }
  void apply_preset(const std::string&, cli::CommonOptions&) {}
  void validate(const cli::CommonOptions&) const {}

  bool has(const char* part) const {
    return std::find(parts.begin(), parts.end(), part) != parts.end();
  }
  std::vector<NowcastCase> cases() const {
    std::vector<NowcastCase> chosen;
    for (const NowcastCase& c : nowcast_cases()) {
      if (std::find(networks.begin(), networks.end(), c.name) != networks.end())
        chosen.push_back(c);
    }
    return chosen;
  }
  bench::MeasureOptions repeat() const { return {1, runs, min_seconds}; }
};

// A network with its graph and node encodings, built once.
struct Subject {
  NowcastCase network;
  NeuralGraph graph;
  at::Tensor pos;
};

Subject make_subject(const NowcastCase& c, int64_t lpe, uint64_t seed) {
  Subject s{c, build_graph(c.arch, {}), {}};
  const LaplacianEncoding encoding = laplacian_encoding(s.graph, lpe, seed);
  s.pos = at::empty({s.graph.num_nodes, lpe});
  std::copy(encoding.pos.begin(), encoding.pos.end(), s.pos.data_ptr<float>());
  return s;
}

class Bench {
 public:
  Bench(const BenchConfig& config, cli::Run& run)
      : config_(config), run_(run), seed_(uint64_t(run.options().seed.at(0))) {
    if (!config.export_folder.empty()) io::make_folders(config.export_folder);
  }

  void nowcasts() {
    log::Table table{bench::joined({{"network", "model", "parameters", "nodes", "edges"},
                                    bench::kTimingColumns,
                                    bench::kSpeedColumns,
                                    {"reference_cpu_s", "times_faster"}}),
                     {}};
    const MetaModel nino = bench_meta_model(MetaKind::kNino, config_.ckpt, seed_);
    const MetaModel wnn_plus = bench_meta_model(MetaKind::kWnnPlus, "", seed_);
    report_.result.model = {{"nino", nino.source}, {"wnn+", wnn_plus.source}, {"k", config_.k}};
    if (!config_.export_folder.empty()) export_meta_model(config_.export_folder, nino);
    for (const NowcastCase& c : config_.cases()) {
      const Subject s = make_subject(c, nino.config.lpe, seed_);
      table.rows.push_back(nowcast_row(s, nino, c.reference_nino_s));
      table.rows.push_back(nowcast_row(s, wnn_plus, c.reference_wnn_plus_s));
    }
    report_.result.tables.emplace_back("nowcast", table);
  }

  void training() {
    const c10::InferenceMode guard;
    const NetSpec spec = fm16_spec();
    const TargetNet net(spec);
    const int64_t steps = config_.warmup_steps + config_.steps;
    const TrainingBatches batches = training_batches(steps, config_.batch_size, seed_);
    report_.result.data = {{"name", std::string("FM-16 training batches")},
                           {"origin", batches.data}};
    at::Tensor params = at::zeros({net.num_params()}), gradient = at::zeros({net.num_params()});
    const at::Tensor buffers = at::zeros({0});
    net.initialise(params, buffers, seed_);
    if (!config_.export_folder.empty()) {
      export_training(config_.export_folder, batches, params, config_.lr);
    }
    train::OptimizerOptions options;
    options.lr = config_.lr;
    train::FlatOptimizer optimizer(options, net.num_params(), at::kCPU);
    log::Series losses{"step", {{"step", {}}, {"loss", {}}}};
    int64_t step = 0;
    bench::restart_peak_memory();
    const Timing t = bench::measure({config_.warmup_steps, config_.steps, 0}, [&] {
      const at::Tensor loss =
          net.loss_and_gradient(params, buffers, batches.x[step], batches.y[step], gradient);
      optimizer.step(params, gradient);
      losses.columns[1].second.push_back(double(loss.item<float>()));
      losses.columns[0].second.push_back(double(++step));
    });
    log::Table table{
        bench::joined({{"task", "batch"}, bench::kTimingColumns, bench::kSpeedColumns}),
        {{std::string("FM-16"), config_.batch_size}}};
    bench::Report::add_timing(table.rows[0], t);
    report_.add_speed(table.rows[0], t.cpu.median, training_flops(spec, config_.batch_size));
    log::info(fmt::format("training step: {:.2f} ms", 1e3 * t.cpu.median));
    report_.result.tables.emplace_back("training", table);
    report_.result.series.emplace_back("training", losses);
  }

  void graphs() {
    log::Table table{bench::joined({{"network", "part"}, bench::kTimingColumns}), {}};
    for (const NowcastCase& c : config_.cases()) {
      const NeuralGraph graph = build_graph(c.arch, {});
      const Timing build = bench::measure(config_.repeat(), [&] { build_graph(c.arch, {}); });
      const Timing encode =
          bench::measure(config_.repeat(), [&] { laplacian_encoding(graph, kLpe, seed_); });
      for (const auto& [part, timing] : {std::pair("graph", build), std::pair("lpe", encode)}) {
        table.rows.push_back({c.name, std::string(part)});
        bench::Report::add_timing(table.rows.back(), timing);
      }
      const double total = build.cpu.median + encode.cpu.median;
      report_.metric("graph_cpu_s/" + c.name, total, "s", false);
      log::info(fmt::format("{}: graph and LPE {:.4f} s", c.name, total));
    }
    report_.result.published.push_back(
        {std::string("graph_cpu_s/") + kGpt2Case, kReferenceGraphSeconds, kReferenceSource});
    report_.result.tables.emplace_back("graph", table);
  }

  void emit() { run_.emit(report_.finished(), "bench/1"); }

 private:
  static constexpr int64_t kLpe = 8;

  std::vector<log::Value> nowcast_row(const Subject& s, const MetaModel& model, double reference) {
    NowcastOptions options;
    options.pos = {s.pos};
    const auto nowcaster = make_nowcaster(model, s.network.arch, options);
    const at::Tensor states = drifting_states(s.network.arch, model.config.ctx, seed_);
    at::Tensor prediction;
    bench::restart_peak_memory();
    const Timing t = bench::measure(config_.repeat(),
                                    [&] { prediction = nowcaster->predict(states, config_.k); });
    std::vector<log::Value> row = {s.network.name, nowcaster->name(), s.network.arch.num_params(),
                                   s.graph.num_nodes, s.graph.num_edges()};
    bench::Report::add_timing(row, t);
    report_.add_speed(row, t.cpu.median, nowcaster->flops());
    row.insert(row.end(), {reference, reference / t.cpu.median});
    const std::string name = fmt::format("nowcast_cpu_s/{}/{}", s.network.name, nowcaster->name());
    report_.metric(name, t.cpu.median, "s", false);
    report_.result.published.push_back({name, reference, kReferenceSource});
    log::info(fmt::format("{} {}: {:.5f} s, {:.1f} times faster than the reference", s.network.name,
                          nowcaster->name(), t.cpu.median, reference / t.cpu.median));
    if (model.config.kind == MetaKind::kNino && !config_.export_folder.empty()) {
      export_nowcast(config_.export_folder, s.network, s.graph, s.pos, states, config_.k,
                     prediction);
    }
    return row;
  }

  const BenchConfig& config_;
  cli::Run& run_;
  const uint64_t seed_;
  bench::Report report_;
};

int run_bench(const BenchConfig& config, cli::Run& run) {
  Bench bench(config, run);
  if (config.has("nowcast")) bench.nowcasts();
  if (config.has("training")) bench.training();
  if (config.has("graph")) bench.graphs();
  bench.emit();
  return 0;
}

}  // namespace
}  // namespace tenfold::nino_nowcast

int main(int argc, char** argv) {
  using namespace tenfold::nino_nowcast;
  tenfold::cli::Tool tool("nino-nowcast", "Times the hot paths of nino-nowcast.");
  tool.add<BenchConfig>("bench", "time nowcasts, a training step and graphs",
                        tenfold::cli::Kind::kAnalysis, run_bench);
  return tool.run(argc, argv);
}
