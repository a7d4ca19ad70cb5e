// Times training iterations, one network alone and many side by side, and tangent kernels. Called
// by scripts/bench.

#include <fmt/format.h>

#include <algorithm>

#include "common/bench/memory.h"
#include "common/bench/report.h"
#include "common/cli/tool.h"
#include "common/core/error.h"
#include "common/io/safetensors.h"
#include "common/log/logger.h"
#include "tools/rich-lazy/ensemble.h"

namespace tenfold::rich_lazy {
namespace {

using bench::Timing;

const std::vector<std::string> kCases = {"single", "batched", "kernel"};

struct BenchConfig {
  std::vector<std::string> cases = kCases, task = {"2AF"};
  std::vector<int64_t> hidden = {100, 300};
  int64_t models = 32, iterations = 100, runs = 5, warmup = 1;
  double min_seconds = 1;
  std::string export_folder;

  template <class Visitor>
  void visit(Visitor& v) {
    v.list("cases", cases, kCases, "CASE",
           "what to time: iterations of one network, of many at once, the kernel of its measures");
    v.list("task", task, {"2AF", "DMS", "CXT"}, "TASK", "tasks");
    v.list("hidden", hidden, {2, 20000}, "recurrent units");
    v.text("export", export_folder, "DIR", "writes networks, trials and losses for other programs");
    v.number("models", models, {1, 1e4}, "", "networks side by side, each with its own seed");
    v.number("iterations", iterations, {1, 1e6}, "", "of a timed run");
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

// Multiplications and additions of the recurrence, forward and both ways back, and of what comes in
// and goes out.
double iteration_flop(const NetworkShape& s, int64_t batch) {
  const double rows = double(batch) * double(s.hidden);
  return 2 * rows *
         (3 * double(s.steps - 1) * double(s.hidden) +
          double(s.steps) * (2 * double(s.inputs) + 3 * double(s.outputs)));
}

// Networks of the first task and size, the trials of their iterations, and the losses that come of
// them: recurrent, input, output, x [models, iterations, steps, batch, inputs], labels, losses.
void write_export(const std::string& path, const Setting& s, int64_t iterations) {
  Ensemble ensemble(s);
  const int64_t models = int64_t(ensemble.models().size());
  const NetworkShape shape = ensemble.models()[0].weights.shape();
  const int64_t batch = s.batch(ensemble.models()[0].key.task);
  std::vector<float> recurrent, input, output, x;
  std::vector<int64_t> labels;
  std::vector<double> losses;
  Trials trials;
  for (int64_t step = 0; step < iterations; ++step) ensemble.step(step);
  for (const Model& m : ensemble.models()) {
    const float *w = m.initial.recurrent(), *in = m.initial.input(), *out = m.initial.output();
    recurrent.insert(recurrent.end(), w, in);
    input.insert(input.end(), in, out);
    output.insert(output.end(), out, out + shape.outputs * shape.hidden);
    for (int64_t step = 0; step < iterations; ++step) {
      s.source(m.key.task, m.key.seed).training(step, trials);
      x.insert(x.end(), trials.x.begin(), trials.x.end());
      labels.insert(labels.end(), trials.labels.begin(), trials.labels.end());
    }
    losses.insert(losses.end(), m.losses.begin(), m.losses.end());
  }
  const int64_t h = shape.hidden, t = shape.steps;
  io::SafeTensors file;
  file.tensors["recurrent"] = io::Tensor::from_float32({models, h, h}, recurrent.data());
  file.tensors["input"] = io::Tensor::from_float32({models, h, shape.inputs}, input.data());
  file.tensors["output"] = io::Tensor::from_float32({models, shape.outputs, h}, output.data());
  file.tensors["x"] =
      io::Tensor::from_float32({models, iterations, t, batch, shape.inputs}, x.data());
  file.tensors["labels"] = io::Tensor::from_int64({models, iterations, t, batch}, labels.data());
  file.tensors["losses"] = io::Tensor::from_float64({models, iterations}, losses.data());
  io::write_safetensors(path, file);
}

class Bench {
 public:
  Bench(const BenchConfig& config, cli::Run& run)
      : config_(config), seed_(run.options().seed.at(0)), threads_(run.threads()) {
    report_.result.seeds = {seed_};
    report_.result.data = {{"name", std::string("trials of the tasks")},
                           {"origin", std::string("generated")}};
  }

  log::Result run() {
    if (!config_.export_folder.empty()) {
      write_export(config_.export_folder + "/networks.safetensors",
                   setting(config_.task[0], config_.hidden[0], config_.models), config_.iterations);
    }
    log::Table iterations{bench::joined({{"case", "task", "hidden", "models", "threads"},
                                         bench::kTimingColumns,
                                         {"iterations_per_cpu_s"},
                                         bench::kSpeedColumns}),
                          {}};
    log::Table kernels{bench::joined({{"task", "hidden", "ntk_size"}, bench::kTimingColumns}), {}};
    for (const std::string& task : config_.task) {
      for (const int64_t hidden : config_.hidden) {
        if (config_.has("single")) time_iterations("single", task, hidden, 1, iterations);
        if (config_.has("batched"))
          time_iterations("batched", task, hidden, config_.models, iterations);
        if (config_.has("kernel")) time_kernel(task, hidden, kernels);
      }
    }
    if (!iterations.rows.empty()) report_.result.tables.emplace_back("iterations", iterations);
    if (!kernels.rows.empty()) report_.result.tables.emplace_back("kernels", kernels);
    return report_.finished();
  }

 private:
  Setting setting(const std::string& task, int64_t hidden, int64_t models) const {
    TrainConfig c;
    c.task = {task};
    c.hidden = hidden;
    c.ranks = {"full"};
    std::vector<int64_t> seeds;
    for (int64_t k = 0; k < models; ++k) seeds.push_back(seed_ + k);
    return read_setting(c, seeds);
  }

  bench::MeasureOptions options() const {
    return {config_.warmup, config_.runs, config_.min_seconds};
  }

  // Trials included, of `iterations` iterations of every network.
  void time_iterations(const char* name, const std::string& task, int64_t hidden, int64_t models,
                       log::Table& table) {
    const Setting s = setting(task, hidden, models);
    Ensemble ensemble(s);
    int64_t done = 0;
    bench::restart_peak_memory();
    const Timing t = bench::measure(options(), [&] {
      for (const int64_t end = done + config_.iterations; done < end;) {
        const int64_t count = std::min(ensemble.most_steps_at_once(), end - done);
        ensemble.steps(done, count);
        done += count;
      }
    });
    const double count = double(config_.iterations * models), rate = count / t.cpu.min;
    const Task of = task_of(task);
    std::vector<log::Value> row = {std::string(name), task, hidden, models, int64_t(threads_)};
    bench::Report::add_timing(row, t);
    row.emplace_back(rate);
    report_.add_speed(row, t.cpu.min, count * iteration_flop(s.shape(of), s.batch(of)));
    table.rows.push_back(std::move(row));
    report_.metric(fmt::format("iterations_per_cpu_s/{}/{}/{}", name, task, hidden), rate, "1/s",
                   true);
    log::info(fmt::format("{} {}, {} units, {} networks: {:.0f} iterations a CPU second", name,
                          task, hidden, models, rate));
  }

  void time_kernel(const std::string& task, int64_t hidden, log::Table& table) {
    const Setting s = setting(task, hidden, 1);
    const Ensemble ensemble(s);
    const Task of = task_of(task);
    const Trials trials = s.source(of, seed_).evaluation(1);
    const TrialsView view{trials.x.data(), trials.labels.data(), trials.batch};
    const Timing t =
        bench::measure(options(), [&] { tangent_kernel(ensemble.models()[0].weights, view); });
    std::vector<log::Value> row = {task, hidden, ntk_size(s.shape(of), trials.batch)};
    bench::Report::add_timing(row, t);
    table.rows.push_back(std::move(row));
    report_.metric(fmt::format("kernel_cpu_s/{}/{}", task, hidden), t.cpu.min, "s", false);
    log::info(fmt::format("kernel {}, {} units: {:.1f} ms CPU", task, hidden, 1e3 * t.cpu.min));
  }

  const BenchConfig& config_;
  int64_t seed_;
  int threads_;
  bench::Report report_;
};

int run_bench(const BenchConfig& config, cli::Run& run) {
  if (run.device().cuda) throw Unavailable("--device cuda: bench times the CPU");
  run.emit(Bench(config, run).run(), "bench/1");
  return 0;
}

}  // namespace
}  // namespace tenfold::rich_lazy

int main(int argc, char** argv) {
  using namespace tenfold::rich_lazy;
  tenfold::cli::Tool tool("rich-lazy", "Times what rich-lazy spends its time on.");
  tool.add<BenchConfig>("bench", "time iterations and tangent kernels",
                        tenfold::cli::Kind::kAnalysis, run_bench);
  return tool.run(argc, argv);
}
