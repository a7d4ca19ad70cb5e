// Times what the tool spends its time on: training steps, the SGD learner, attention, scans and the
// oracle. Called by scripts/bench, which can set it beside other people's code (scripts/peers).

#include <ATen/Parallel.h>
#include <fmt/format.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>

#include "common/bench/memory.h"
#include "common/bench/report.h"
#include "common/cli/tool.h"
#include "common/io/file.h"
#include "common/log/logger.h"
#include "common/train/flat_optimizer.h"
#include "tools/prequential-icl/bench_cases.h"
#include "tools/prequential-icl/bench_export.h"
#include "tools/prequential-icl/bench_kernels.h"
#include "tools/prequential-icl/learner.h"
#include "tools/prequential-icl/objective.h"

namespace tenfold::prequential_icl {
namespace {

using bench::Timing;

const std::vector<std::string> kCases = {"step",           "sgd",      "attention",
                                         "selective-scan", "ssd-scan", "hmm-oracle"};

struct BenchConfig {
  std::vector<std::string> cases = kCases, models = kBenchModels, shapes = kBenchShapes;
  std::string export_folder;
  int64_t steps = 15, warmup_steps = 5, runs = 3, exported_fits = 8;
  double min_seconds = 1;

  template <class Visitor>
  void visit(Visitor& v) {
    v.list("cases", cases, kCases, "CASE", "what to time");
    v.list("models", models, kBenchModels, "MODEL", "whose training steps");
    v.list("shapes", shapes, kBenchShapes, "SHAPE", "of training steps, attention and scans");
    v.text("export", export_folder, "DIR", "writes inputs and weights for other programs");
    v.number("exported-fits", exported_fits, {1, SgdCase::kFits}, "", "SGD fits among them");
    v.number("steps", steps, {1, 1e4}, "", "timed training steps, at least");
    v.number("warmup-steps", warmup_steps, {0, 1e4}, "", "training steps before them");
    v.number("runs", runs, {1, 1e6}, "", "timed runs of everything else, at least");
    v.number("min-seconds", min_seconds, {0, 1e6}, "s", "time spent on each case, at least");
  }
  static std::vector<std::string> presets() { return {}; }
  void apply_preset(const std::string&, cli::CommonOptions&) {}
  void validate(const cli::CommonOptions&) const {}

  bool has(const std::string& name) const {
    return std::find(cases.begin(), cases.end(), name) != cases.end();
  }
  bench::MeasureOptions repeat() const { return {1, runs, min_seconds}; }
};

class Bench {
 public:
  Bench(const BenchConfig& config, cli::Run& run)
      : config_(config), run_(run), seed_(uint64_t(run.options().seed.at(0))) {
    if (!config.export_folder.empty()) io::make_folders(config.export_folder);
    report_.result.data = {{"name", std::string("linear regression tasks, x_dim 3, noise 0.2")},
                           {"origin", std::string("generated")}};
  }

  void steps() {
    log::Table table{bench::joined({{"model", "shape", "parameters", "points", "batch"},
                                    bench::kTimingColumns,
                                    bench::kSpeedColumns,
                                    {"reference_cpu_s", "times_faster"}}),
                     {}};
    for (const std::string& shape : config_.shapes) {
      for (const std::string& model : config_.models)
        table.rows.push_back(step_row(step_case(model, shape)));
    }
    report_.result.tables.emplace_back("steps", table);
  }

  void sgd() {
    const SgdCase c = sgd_case(seed_);
    if (!config_.export_folder.empty())
      export_sgd(config_.export_folder, c, seed_, config_.exported_fits);
    std::vector<double> losses(size_t(SgdCase::kFits));
    bench::restart_peak_memory();
    const Timing t = bench::measure(config_.repeat(), [&] {
      at::parallel_for(0, SgdCase::kFits, 1, [&](int64_t first, int64_t end) {
        MlpFit fit(c.options, c.initial);
        for (int64_t f = first; f < end; ++f) losses[size_t(f)] = fit_one(c, f, fit);
      });
    });
    log::Table table{
        bench::joined({{"fits", "points", "epochs", "fits_per_cpu_s", "fits_per_wall_s"},
                       bench::kTimingColumns,
                       bench::kSpeedColumns}),
        {{SgdCase::kFits, SgdCase::kPoints, SgdCase::kEpochs, double(SgdCase::kFits) / t.cpu.min,
          double(SgdCase::kFits) / t.wall.min}}};
    bench::Report::add_timing(table.rows[0], t);
    report_.add_speed(table.rows[0], t.cpu.min, double(SgdCase::kFits) * fit_flops(c));
    report_.metric("sgd/fits_per_cpu_s", double(SgdCase::kFits) / t.cpu.min, "1/s", true);
    log::info(fmt::format("SGD: {:.1f} fits a CPU second", double(SgdCase::kFits) / t.cpu.min));
    report_.result.tables.emplace_back("sgd", table);
    log::Series series{"fit", {{"fit", {}}, {"loss_test", {}}}};
    for (size_t f = 0; f < losses.size(); ++f) {
      series.columns[0].second.push_back(double(f));
      series.columns[1].second.push_back(losses[f]);
    }
    report_.result.series.emplace_back("sgd", series);
  }

  void kernels() {
    log::Table table{bench::joined({{"kernel", "shape", "direction", "elements", "ns_per_element"},
                                    bench::kTimingColumns}),
                     {}};
    std::vector<KernelCall> calls;
    for (const char* kernel : {"attention", "selective-scan", "ssd-scan"}) {
      if (!config_.has(kernel)) continue;
      for (const std::string& shape : config_.shapes) {
        for (KernelCall& call : kernel_calls(kernel, shape, seed_)) calls.push_back(call);
      }
    }
    if (config_.has("hmm-oracle")) calls.push_back(oracle_call(seed_));
    for (const KernelCall& k : calls) {
      const Timing t = bench::measure(config_.repeat(), k.call);
      const double ns = 1e9 * t.cpu.min / k.elements;
      table.rows.push_back({k.kernel, k.shape, k.direction, k.elements, ns});
      bench::Report::add_timing(table.rows.back(), t);
      const std::string name = fmt::format("{}/{}/{}", k.kernel, k.shape, k.direction);
      report_.metric("ns_per_element/" + name, ns, "ns", false);
      log::info(fmt::format("{}: {:.3f} ms, {:.3f} ns an element", name, 1e3 * t.cpu.min, ns));
    }
    if (!calls.empty()) report_.result.tables.emplace_back("kernels", table);
  }

  void emit() { run_.emit(report_.finished(), "bench/1"); }

 private:
  static constexpr int64_t kBatches = 8;  // distinct ones, taken in turn

  std::vector<log::Value> step_row(const StepCase& c) {
    const Learner learner(c.spec, seed_, at::kCPU);
    const train::Parameters& p = learner.parameters();
    const std::vector<Batch> batches = step_batches(c, kBatches, seed_);
    if (!config_.export_folder.empty()) export_step(config_.export_folder, c, batches, p);
    const DataShape shape{DataKind::kRegression, {0, 0, 0}, {0}};
    const Contexts contexts = contexts_of(c.spec, shape.kind, 1, c.points);
    train::OptimizerOptions adam;
    adam.lr = c.lr;
    train::FlatOptimizer optimizer(adam, p.values().numel(), at::kCPU);
    log::Series losses{"step", {{"step", {}}, {"loss", {}}}};
    int64_t step = 0;
    bench::restart_peak_memory();
    const Timing t =
        bench::measure({config_.warmup_steps, config_.steps, config_.min_seconds}, [&] {
          p.gradient().zero_();
          const at::Tensor loss =
              context_losses(learner, shape, batches[size_t(step % kBatches)], contexts, {}, {})
                  .next.mean();
          torch::autograd::backward({loss}, {});
          optimizer.step(p.values(), p.gradient());
          losses.columns[1].second.push_back(loss.item<double>());
          losses.columns[0].second.push_back(double(++step));
        });
    std::vector<log::Value> row = {c.spec.arch, c.shape, p.count(), c.points, c.batch};
    bench::Report::add_timing(row, t);
    report_.add_speed(row, t.cpu.min, step_flops(c));
    const std::string name = "step_cpu_s/" + c.name();
    report_.metric(name, t.cpu.min, "s", false);
    if (c.reference_cpu_s > 0) {
      row.insert(row.end(), {c.reference_cpu_s, c.reference_cpu_s / t.cpu.min});
      report_.result.published.push_back({name, c.reference_cpu_s, kReferenceSource});
    } else {
      row.insert(row.end(), {nullptr, nullptr});
    }
    log::info(fmt::format("step {}: {:.2f} ms CPU at least, {:.2f} median", c.name(),
                          1e3 * t.cpu.min, 1e3 * t.cpu.median));
    report_.result.series.emplace_back("loss/" + c.name(), losses);
    return row;
  }

  // Returns the mean loss of the points beyond those of the fit.
  double fit_one(const SgdCase& c, int64_t number, MlpFit& fit) const {
    fit.reset(c.initial);
    const MlpFitData data = {c.x[size_t(number)].data(), c.y[size_t(number)].data(), nullptr,
                             SgdCase::kPoints + SgdCase::kTest, SgdCase::kTrain};
    MlpFitData fitted = data;
    fitted.points = SgdCase::kPoints;
    fit.run(fitted, {seed_, uint64_t(number)});
    return fit.loss(data, SgdCase::kPoints, data.points);
  }

  const BenchConfig& config_;
  cli::Run& run_;
  const uint64_t seed_;
  bench::Report report_;
};

int run_bench(const BenchConfig& config, cli::Run& run) {
  Bench bench(config, run);
  if (config.has("step")) bench.steps();
  if (config.has("sgd")) bench.sgd();
  bench.kernels();
  bench.emit();
  return 0;
}

}  // namespace
}  // namespace tenfold::prequential_icl

int main(int argc, char** argv) {
  using namespace tenfold::prequential_icl;
  tenfold::cli::Tool tool("prequential-icl", "Times the hot paths of prequential-icl.");
  tool.add<BenchConfig>("bench", "time training steps, SGD fits, attention, scans and the oracle",
                        tenfold::cli::Kind::kAnalysis, run_bench);
  return tool.run(argc, argv);
}
