// Times what the tool spends its time on: the convolution with the haemodynamic responses (against
// the direct one), the parts of a training step, whole steps, and how they grow. Called by
// scripts/bench, which can set it beside other people's code (scripts/peers).

#include <ATen/Parallel.h>
#include <ATen/core/grad_mode.h>
#include <fmt/format.h>
#include <sched.h>
#include <torch/csrc/autograd/autograd.h>

#include <algorithm>

#include "common/bench/memory.h"
#include "common/bench/report.h"
#include "common/cli/tool.h"
#include "common/io/file.h"
#include "common/log/logger.h"
#include "common/train/flat_optimizer.h"
#include "tools/samba-align/bench_cases.h"
#include "tools/samba-align/bench_export.h"
#include "tools/samba-align/bench_parts.h"
#include "tools/samba-align/direct_convolution.h"
#include "tools/samba-align/hrf_convolution.h"

namespace tenfold::samba_align {
namespace {

using bench::Timing;

const std::vector<std::string> kCases = {"convolution", "parts", "step", "growth"};
const char* const kSpecification =
    "the released code on another day, one thread of a shared machine (specification, section 9)";

struct BenchConfig {
  std::vector<std::string> cases = kCases;
  bool small = false;
  std::string export_folder;
  int64_t runs = 5, warmup = 1, peer_batch = 2;
  double min_seconds = 1;

  template <class Visitor>
  void visit(Visitor& v) {
    v.list("cases", cases, kCases, "CASE",
           "what to time: the responses' convolution against the direct one, the parts of a "
           "training step, whole steps, their growth with parcels, targets and frames");
    v.flag("small", small, "at the sizes of the preset small, not of the paper");
    v.text("export", export_folder, "DIR", "writes a batch and weights for other programs");
    v.number("peer-batch", peer_batch, {1, 1000}, "windows", "batch that is set beside them");
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

// Those asked for, and all that this process may use.
std::vector<int> thread_counts(int asked) {
  cpu_set_t set;
  const bool known = sched_getaffinity(0, sizeof(set), &set) == 0;
  const int all = known ? CPU_COUNT(&set) : asked;
  return all > asked ? std::vector<int>{asked, all} : std::vector<int>{asked};
}

class Bench {
 public:
  Bench(const BenchConfig& config, cli::Run& run)
      : config_(config),
        run_(run),
        seed_(uint64_t(run.options().seed.at(0))),
        threads_(thread_counts(run.threads())) {
    report_.result.seeds = {int64_t(seed_)};
    report_.result.data = {{"name", std::string("normally distributed recordings")},
                           {"origin", std::string("generated")}};
  }

  // The fast convolution, then the direct one as far as a bench can wait for it: one parcel of one
  // window, and one whole window, whose ratio says whether multiplying is right.
  void convolution() {
    const BenchCase c = bench_case(config_.small, frames());
    const Batch batch = bench_batch(c, seed_);
    const EleToHemo model(c.spec, seed_);
    const at::Tensor x = batch.x, h = responses_of(model).detach().requires_grad_(true);
    const int64_t window = c.spec.window(), taps = h.size(1);
    const double scale = 1 / c.spec.rate;
    const at::Tensor d_y = batch.x.narrow(2, 0, window);
    log::Table table{bench::joined({{"program", "direction", "windows", "parcels"},
                                    bench::kTimingColumns,
                                    {"cpu_s_of_the_batch", "times_slower"}}),
                     {}};
    std::vector<double> fast;  // forward, backward
    const auto add = [&](const char* program, int direction, int64_t windows, int64_t parcels,
                         const Timing& t) {
      const double share = double(windows * parcels) / double(c.batch * c.spec.parcels);
      if (fast.size() < 2) fast.push_back(t.cpu.min / share);
      std::vector<log::Value> row = {std::string(program),
                                     std::string(direction == 0 ? "forward" : "backward"), windows,
                                     parcels};
      bench::Report::add_timing(row, t);
      const double whole = t.cpu.min / share, times = whole / fast[size_t(direction)];
      row.insert(row.end(), {whole, times});
      table.rows.push_back(row);
      const char* way = direction == 0 ? "forward" : "backward";
      const std::string name = fmt::format("{}/{}/{}x{}", program, way, windows, parcels);
      report_.metric("convolution_cpu_s/" + name, t.cpu.min, "s", false);
      log::info(
          fmt::format("convolution {}: {:.1f} ms CPU, {:.2f} s a batch, {:.1f} times the "
                      "fast one",
                      name, 1e3 * t.cpu.min, whole, times));
    };
    const at::Tensor y = convolved(x, h, window, scale);
    const Timing forward = measure([&] {
      const at::NoGradGuard guard;
      convolved(x, h, window, scale);
    });
    add("fourier", 0, c.batch, c.spec.parcels, forward);
    add("fourier", 1, c.batch, c.spec.parcels,
        measure([&] { torch::autograd::backward({y}, {d_y}, true); }));
    for (const int64_t parcels : {int64_t(1), c.spec.parcels}) {
      const at::Tensor few = x.slice(0, 0, 1).slice(1, 0, parcels).contiguous(),
                       d = d_y.slice(0, 0, 1).slice(1, 0, parcels).contiguous(),
                       own = h.detach().slice(0, 0, parcels).contiguous();
      add("loops", 0, 1, parcels, measure([&] { convolved_directly(few, own, window, scale); }));
      add("loops", 1, 1, parcels,
          measure([&] { convolved_directly_backward(few, d, taps, scale); }));
    }
    report_.result.tables.emplace_back("convolution", table);
  }

  void parts() {
    log::Table table{bench::joined({{"part", "direction", "context_frames", "batch", "threads"},
                                    bench::kTimingColumns,
                                    {"peak_rss_mib"}}),
                     {}};
    for (const int64_t context : {int64_t(0), frames()}) {
      const BenchCase c = bench_case(config_.small, context);
      const Parts parts(c, seed_);
      for (const int threads : threads_) {
        at::set_num_threads(threads);
        for (const Part& part : parts.all()) {
          // Only the responses see the context.
          if (context > 0 && part.name.rfind("convolution", 0) != 0) continue;
          bench::restart_peak_memory();
          const Timing t = measure(part.body);
          std::vector<log::Value> row = {part.name, part.direction, context, c.batch,
                                         int64_t(threads)};
          bench::Report::add_timing(row, t);
          row.push_back(double(bench::peak_memory()) / double(1 << 20));
          table.rows.push_back(row);
          const std::string name = fmt::format("{}/{}/context {}/{} threads", part.name,
                                               part.direction, context, threads);
          report_.metric("part_cpu_s/" + name, t.cpu.min, "s", false);
          log::info(fmt::format("{}: {:.1f} ms CPU, {:.1f} ms wall", name, 1e3 * t.cpu.min,
                                1e3 * t.wall.min));
        }
      }
    }
    at::set_num_threads(run_.threads());
    report_.result.tables.emplace_back("parts", table);
  }

  void steps() {
    log::Table table = step_table();
    for (const int threads : threads_) {
      at::set_num_threads(threads);
      for (const int64_t context : {int64_t(0), frames()})
        add_step("causal", bench_case(config_.small, context), threads, table);
    }
    at::set_num_threads(run_.threads());
    std::vector<int64_t> batches = {config_.peer_batch};
    const int64_t usual = bench_case(config_.small, 0).batch;
    if (usual != config_.peer_batch) batches.push_back(usual);
    for (const int64_t batch : batches) {
      const BenchCase c = reference_case(config_.small, batch);
      if (!config_.export_folder.empty()) {
        io::make_folders(config_.export_folder);
        export_case(config_.export_folder, c, seed_);
      }
      add_step("reference", c, run_.threads(), table);
    }
    report_.result.tables.emplace_back("steps", table);
    if (config_.small) return;
    report_.result.published.push_back({"step_cpu_s/reference/batch 2", 57.0, kSpecification});
    report_.result.published.push_back(
        {"step_cpu_s/reference/batch 10", 350.0,
         std::string("lower bound, the convolution alone: ") + kSpecification});
  }

  void growth() {
    log::Table table = step_table();
    BenchCase usual = bench_case(config_.small, 0);
    const ModelSpec& s = usual.spec;
    usual.spec.patches = 10;  // divides all of them
    for (const int64_t times : {1, 2, 4}) {
      BenchCase parcels = usual, targets = usual, width = usual;
      parcels.spec.parcels = times * s.parcels / 2;
      targets.spec.targets = times * s.targets / 2;
      width.spec.frames = times * 15 / 2;
      for (const BenchCase& c : {parcels, targets, width})
        add_step("causal", c, run_.threads(), table);
    }
    report_.result.tables.emplace_back("growth", table);
  }

  void emit() { run_.emit(report_.finished(), "bench/1"); }

 private:
  int64_t frames() const { return ModelSpec().frames; }

  Timing measure(const std::function<void()>& body) const {
    return bench::measure({config_.warmup, config_.runs, config_.min_seconds}, body);
  }

  static log::Table step_table() {
    return {bench::joined({{"convolution", "batch", "parcels", "targets", "frames",
                            "context_frames", "parameters", "threads"},
                           bench::kTimingColumns,
                           {"peak_rss_mib"}}),
            {}};
  }

  // Forward pass with all dropouts, loss, backward pass, Adam.
  void add_step(const char* kind, const BenchCase& c, int threads, log::Table& table) {
    const ModelSpec& s = c.spec;
    const EleToHemo model(s, seed_);
    const Batch batch = bench_batch(c, seed_);
    const train::Parameters& p = model.parameters();
    train::OptimizerOptions adam;
    adam.lr = 3e-4;
    train::FlatOptimizer optimizer(adam, p.values().numel(), at::kCPU);
    uint64_t number = 0;
    bench::restart_peak_memory();
    const Timing t = measure([&] {
      p.gradient().zero_();
      const Activations a = model.forward(batch, Dropouts{DropoutKeys(seed_, number++), true});
      torch::autograd::backward({cosine_loss(a.y_hat, batch.y)}, {});
      optimizer.step(p.values(), p.gradient());
    });
    const double mib = double(bench::peak_memory()) / double(1 << 20);
    std::vector<log::Value> row = {std::string(kind), c.batch,         s.parcels,
                                   s.targets,         s.frames,        s.context() / s.block,
                                   p.count(),         int64_t(threads)};
    bench::Report::add_timing(row, t);
    row.push_back(mib);
    table.rows.push_back(row);
    std::string name = fmt::format("{}/batch {}", kind, c.batch);
    const ModelSpec usual = bench_case(config_.small, 0).spec;
    if (s.parcels != usual.parcels) name += fmt::format("/parcels {}", s.parcels);
    if (s.targets != usual.targets) name += fmt::format("/targets {}", s.targets);
    if (s.frames != usual.frames) name += fmt::format("/frames {}", s.frames);
    if (s.context() > 0) name += fmt::format("/context {}", s.context() / s.block);
    if (threads != run_.threads()) name += fmt::format("/threads {}", threads);
    report_.metric("step_cpu_s/" + name, t.cpu.min, "s", false);
    report_.metric("peak_rss_mib/" + name, mib, "MiB", false);
    log::info(fmt::format("step {}: {:.0f} ms CPU at least, {:.0f} wall, peak memory {:.0f} MiB",
                          name, 1e3 * t.cpu.min, 1e3 * t.wall.min, mib));
  }

  const BenchConfig& config_;
  cli::Run& run_;
  const uint64_t seed_;
  const std::vector<int> threads_;
  bench::Report report_;
};

int run_bench(const BenchConfig& config, cli::Run& run) {
  Bench bench(config, run);
  if (config.has("convolution")) bench.convolution();
  if (config.has("parts")) bench.parts();
  if (config.has("step")) bench.steps();
  if (config.has("growth")) bench.growth();
  bench.emit();
  return 0;
}

}  // namespace
}  // namespace tenfold::samba_align

int main(int argc, char** argv) {
  using namespace tenfold::samba_align;
  tenfold::cli::Tool tool("samba-align", "Times the hot paths of samba-align.");
  tool.add<BenchConfig>("bench", "time the convolution, the parts of a training step, whole steps",
                        tenfold::cli::Kind::kAnalysis, run_bench);
  return tool.run(argc, argv);
}
