// Times the training of biases: images whose pre-activations are kept, for one vector of biases and
// for many that share them, and iterations of recurrent networks, one alone and many side by side.
// Called by scripts/bench.

#include <ATen/ops/from_blob.h>
#include <fmt/format.h>

#include <algorithm>
#include <memory>
#include <numeric>

#include "common/bench/memory.h"
#include "common/bench/report.h"
#include "common/cli/tool.h"
#include "common/core/error.h"
#include "common/core/philox.h"
#include "common/io/safetensors.h"
#include "common/log/logger.h"
#include "tools/bias-learning/feedforward.h"
#include "tools/bias-learning/image_tasks.h"
#include "tools/bias-learning/rnn_program.h"
#include "tools/bias-learning/trajectory_task.h"

namespace tenfold::bias_learning {
namespace {

using bench::Timing;

const std::vector<std::string> kCases = {"images", "images-batched", "single", "batched"};

struct BenchConfig {
  std::vector<std::string> cases = kCases;
  int64_t units = 4000, images = 5000, batch = 100, vectors = 32;
  int64_t hidden = 100, steps = 200, models = 32, iterations = 20;
  int64_t runs = 5, warmup = 1;
  double min_seconds = 1;
  std::string export_folder;

  template <class Visitor>
  void visit(Visitor& v) {
    v.list(
        "cases", cases, kCases, "CASE",
        "what to time: an epoch of kept images by one vector of biases, by many that share them, "
        "iterations of one recurrent network, of many at once");
    v.number("units", units, {1, 1e6}, "", "hidden ones of the image network");
    v.number("images", images, {1, 1e6}, "", "of an epoch, random ones");
    v.number("batch", batch, {1, 1e5}, "images", "of a step");
    v.number("vectors", vectors, {1, 1e4}, "", "bias vectors side by side, labels of their own");
    v.number("hidden", hidden, {2, 20000}, "", "units of a recurrent network");
    v.number("steps", steps, {2, 1e5}, "", "of the van der Pol trajectory that it follows");
    v.number("models", models, {1, 1e4}, "", "recurrent networks side by side: seeds, four gains");
    v.number("iterations", iterations, {1, 1e6}, "", "of a timed run");
    v.text("export", export_folder, "DIR", "writes inputs, weights and losses for other programs");
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

// Biases on images, every vector with random labels of its own.
class ImageTraining {
 public:
  static constexpr double kRate = 0.02;

  ImageTraining(const BenchConfig& c, int64_t vectors, uint64_t seed)
      : batch_(c.batch),
        images_(c.images),
        weights_(draw_weights({"uniform", 0.1, c.units}, seed)),
        pixels_(size_t(c.images * kPixels)),
        order_(Stream(seed, "bench/order").permutation(c.images)) {
    Stream(seed, "bench/pixels").fill_uniform(pixels_.data(), int64_t(pixels_.size()), 0, 1);
    z_ = std::make_unique<Preactivations>(view(pixels_, c.images), view(weights_.values, c.units),
                                          c.images * c.units * int64_t(sizeof(float)), storage_);
    for (int64_t v = 0; v < vectors; ++v) {
      tasks_.emplace_back(Method::kBias, Network{weights_.spec}, kClasses, weights_, seed);
      std::vector<float> at(size_t(c.images));
      Stream(seed, fmt::format("bench/labels/{}", v)).fill_uniform(at.data(), c.images, 0, 1);
      for (const float x : at) labels_.push_back(std::min(kClasses - 1, int64_t(x * kClasses)));
    }
  }

  int64_t steps() const { return (images_ + batch_ - 1) / batch_; }

  // The same images in the same order in every epoch; losses of the vectors.
  std::vector<double> step(int64_t step) {
    const int64_t first = step % steps() * batch_, count = std::min(batch_, images_ - first);
    const int64_t* rows = order_.data() + first;
    const kernels::HiddenRows z = z_->of(rows, count);
    std::vector<int64_t> labels;
    for (size_t v = 0; v < tasks_.size(); ++v) {
      for (int64_t n = 0; n < count; ++n)
        labels.push_back(labels_[v * size_t(images_) + size_t(rows[n])]);
    }
    return TrainedTask::step_biases(tasks_, weights_, {z, {}, labels.data(), kRate, 1}, scratch_);
  }

  // z [images, units], readout, labels [vectors, images], order [images], losses [vectors, steps]
  // of one epoch, which this trains.
  void write(const std::string& path, int64_t units) {
    const int64_t count = steps(), vectors = int64_t(tasks_.size());
    std::vector<int64_t> all(static_cast<size_t>(images_));
    std::iota(all.begin(), all.end(), 0);
    io::SafeTensors file;
    file.tensors["z"] = io::Tensor::from_float32({images_, units}, z_->of(all.data(), images_).z);
    file.tensors["readout"] = io::Tensor::from_float32({kClasses, units}, weights_.readout());
    file.tensors["labels"] = io::Tensor::from_int64({vectors, images_}, labels_.data());
    file.tensors["order"] = io::Tensor::from_int64({images_}, order_.data());
    std::vector<double> losses(size_t(vectors * count));
    for (int64_t s = 0; s < count; ++s) {
      const std::vector<double> of_step = step(s);
      for (int64_t v = 0; v < vectors; ++v) losses[size_t(v * count + s)] = of_step[size_t(v)];
    }
    file.tensors["losses"] = io::Tensor::from_float64({vectors, count}, losses.data());
    io::write_safetensors(path, file);
  }

 private:
  static at::Tensor view(std::vector<float>& v, int64_t rows) {
    return at::from_blob(v.data(), {rows, kPixels}, at::kFloat);
  }

  int64_t batch_, images_;
  RandomWeights weights_;
  std::vector<float> pixels_;
  std::vector<int64_t> order_, labels_;
  at::Tensor storage_;
  std::unique_ptr<Preactivations> z_;
  std::vector<TrainedTask> tasks_;
  Scratch scratch_;
};

const Integration kVanDerPol = {{2, 0}, 0.1, 400};

// Networks of as many seeds as four gains need; the first has gain 1.5.
RnnOptions rnn_options(const BenchConfig& c, int64_t models, int64_t seed) {
  RnnOptions o;
  o.shape.hidden = c.hidden;
  o.gains = models == 1 ? std::vector<double>{1.5} : std::vector<double>{1.5, 1.2, 0.8, 0.5};
  for (int64_t k = 0; k * int64_t(o.gains.size()) < models; ++k) o.seeds.push_back(seed + k);
  return o;
}

RnnProgram rnn_program(const RnnOptions& options, const Trajectory& trajectory) {
  return RnnProgram(options, trajectory_task(trajectory));
}

// weight [models, hidden, hidden], readout and start [models, hidden], target [steps], losses
// [models, iterations].
void write_networks(const std::string& path, const RnnOptions& options,
                    const Trajectory& trajectory, int64_t iterations) {
  RnnProgram program = rnn_program(options, trajectory);
  const int64_t models = int64_t(program.models().size()), n = options.shape.hidden;
  std::vector<float> weight, readout, start;
  for (const RnnModel& m : program.models()) {
    const RateNetwork& net = m.network;
    weight.insert(weight.end(), net.weight(), net.weight() + n * n);
    readout.insert(readout.end(), net.readout(), net.readout() + n);
    start.insert(start.end(), net.start(), net.start() + n);
  }
  std::vector<double> losses(size_t(models * iterations));
  for (int64_t i = 0; i < iterations; ++i) {
    program.step(i);
    for (int64_t k = 0; k < models; ++k)
      losses[size_t(k * iterations + i)] = program.models()[size_t(k)].loss;
  }
  std::vector<double> target;
  for (const std::vector<double>& row : trajectory.target) target.push_back(row[0]);
  io::SafeTensors file;
  file.tensors["weight"] = io::Tensor::from_float32({models, n, n}, weight.data());
  file.tensors["readout"] = io::Tensor::from_float32({models, n}, readout.data());
  file.tensors["start"] = io::Tensor::from_float32({models, n}, start.data());
  file.tensors["target"] = io::Tensor::from_float64({int64_t(target.size())}, target.data());
  file.tensors["losses"] = io::Tensor::from_float64({models, iterations}, losses.data());
  io::write_safetensors(path, file);
}

class Bench {
 public:
  Bench(const BenchConfig& config, cli::Run& run)
      : config_(config), seed_(run.options().seed.at(0)), threads_(run.threads()) {
    report_.result.seeds = {seed_};
    report_.result.data = {{"name", std::string("random images, van der Pol")},
                           {"origin", std::string("generated")}};
  }

  log::Result run() {
    const BenchConfig& c = config_;
    if (!c.export_folder.empty()) {
      ImageTraining(c, c.vectors, uint64_t(seed_))
          .write(c.export_folder + "/images.safetensors", c.units);
      write_networks(c.export_folder + "/networks.safetensors", rnn_options(c, c.models, seed_),
                     van_der_pol_trajectory(c.steps, kVanDerPol), c.iterations);
    }
    if (c.has("images")) time_images("images", 1);
    if (c.has("images-batched")) time_images("images-batched", c.vectors);
    if (c.has("single")) time_iterations("single", 1);
    if (c.has("batched")) time_iterations("batched", c.models);
    report_.result.tables.emplace_back("cases", table_);
    return report_.finished();
  }

 private:
  bench::MeasureOptions options() const {
    return {config_.warmup, config_.runs, config_.min_seconds};
  }

  void time_images(const std::string& name, int64_t vectors) {
    const BenchConfig& c = config_;
    ImageTraining training(c, vectors, uint64_t(seed_));
    bench::restart_peak_memory();
    int64_t step = 0;
    const Timing t = bench::measure(options(), [&] {
      for (const int64_t end = step + training.steps(); step < end; ++step) training.step(step);
    });
    // Forward and back, a product by A each.
    add(name, "images", c.units, vectors, t, double(c.images * vectors),
        4 * double(c.units * kClasses));
  }

  void time_iterations(const std::string& name, int64_t models) {
    const BenchConfig& c = config_;
    RnnProgram program =
        rnn_program(rnn_options(c, models, seed_), van_der_pol_trajectory(c.steps, kVanDerPol));
    const int64_t found = int64_t(program.models().size());
    bench::restart_peak_memory();
    int64_t done = 0;
    const Timing t = bench::measure(options(), [&] {
      for (const int64_t end = done + c.iterations; done < end;) {
        const int64_t count = std::min(program.most_steps_at_once(), end - done);
        program.steps(done, count);
        done += count;
      }
    });
    // W r and its adjoint in every step, C r and its adjoint.
    add(name, "iterations", c.hidden, found, t, double(c.iterations * found),
        4 * double(c.steps) * double(c.hidden * (c.hidden + 1)));
  }

  void add(const std::string& name, const std::string& of, int64_t units, int64_t models,
           const Timing& t, double count, double flop) {
    const double rate = count / t.cpu.min;
    std::vector<log::Value> row = {name, of, units, models, int64_t(threads_)};
    bench::Report::add_timing(row, t);
    row.emplace_back(rate);
    report_.add_speed(row, t.cpu.min, count * flop);
    table_.rows.push_back(std::move(row));
    report_.metric(fmt::format("{}_per_cpu_s/{}", of, name), rate, "1/s", true);
    log::info(fmt::format("{}, {} units, {} side by side: {:.0f} {} a CPU second", name, units,
                          models, rate, of));
  }

  const BenchConfig& config_;
  int64_t seed_;
  int threads_;
  bench::Report report_;
  log::Table table_{bench::joined({{"case", "of", "units", "models", "threads"},
                                   bench::kTimingColumns,
                                   {"per_cpu_s"},
                                   bench::kSpeedColumns}),
                    {}};
};

int run_bench(const BenchConfig& config, cli::Run& run) {
  if (run.device().cuda) throw Unavailable("--device cuda: bias-learning computes on the CPU");
  run.emit(Bench(config, run).run(), "bench/1");
  return 0;
}

}  // namespace
}  // namespace tenfold::bias_learning

int main(int argc, char** argv) {
  using namespace tenfold::bias_learning;
  tenfold::cli::Tool tool("bias-learning", "Times what bias-learning spends its time on.");
  tool.add<BenchConfig>("bench", "time images and iterations", tenfold::cli::Kind::kAnalysis,
                        run_bench);
  return tool.run(argc, argv);
}
