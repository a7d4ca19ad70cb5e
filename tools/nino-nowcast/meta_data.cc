#include "tools/nino-nowcast/meta_data.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <fmt/format.h>

#include <algorithm>
#include <numeric>

#include "common/core/error.h"
#include "common/core/philox.h"
#include "tools/nino-nowcast/nowcaster.h"
#include "tools/nino-nowcast/scaling.h"

namespace tenfold::nino_nowcast {
namespace {

constexpr int64_t kDrawnWindows = 4;  // the official number; fewer are drawn from these

at::Tensor int_tensor(const std::vector<int64_t>& values) {
  at::Tensor t = at::empty({int64_t(values.size())}, at::TensorOptions().dtype(at::kLong));
  std::copy(values.begin(), values.end(), t.data_ptr<int64_t>());
  return t;
}

// Used states that the sampled windows may need, at the least (the upper end of the start index).
int64_t needed_states(const SamplingOptions& o) {
  return o.ctx + std::min(o.horizons, 2 * o.ctx) + std::max(kDrawnWindows, o.windows);
}

TrajectoryTask open_task(const std::string& folder, const std::string& name,
                         const SamplingOptions& o) {
  TrajectoryTask task;
  task.reader = std::make_unique<TrajectoryReader>(folder, name);
  const TrajectoryInfo& info = task.reader->info();
  if (o.spacing % info.every != 0) {
    throw DataError(
        fmt::format("{}/{}.json: a state every {} steps, expected a divisor of --spacing {}",
                    folder, name, info.every, o.spacing));
  }
  task.step = o.spacing / info.every;
  if (info.states <= needed_states(o) * task.step) {
    throw DataError(fmt::format(
        "{}/{}.json: found {} states, one every {} steps, expected more than {} for --spacing {}, "
        "--ctx {} and --seq-len {}",
        folder, name, info.states, info.every, needed_states(o) * task.step, o.spacing, o.ctx,
        o.horizons));
  }
  task.arch = info.arch;
  const int64_t vocab = task.arch.family == Family::kGpt2 ? task.arch.params.at(0).shape.at(0) : 0;
  if (vocab > o.vocab_sample) {
    task.full_vocab = vocab;
    task.arch.params[0].shape[0] = o.vocab_sample;
  }
  task.graph = build_graph(task.arch, {});
  const LaplacianEncoding lpe = laplacian_encoding(task.graph, o.lpe, o.seed);
  task.pos = at::empty({task.graph.num_nodes, o.lpe});
  std::copy(lpe.pos.begin(), lpe.pos.end(), task.pos.data_ptr<float>());
  task.types = parameter_types(task.arch, {});
  std::vector<int64_t> index, param;
  for (size_t i = 0; i < task.graph.slots.size(); ++i) {
    if (task.graph.slots[i] < 0) continue;
    index.push_back(int64_t(i));
    param.push_back(task.graph.slots[i]);
  }
  task.slot_index = int_tensor(index);
  task.slot_param = int_tensor(param);
  return task;
}

// The entries of the stored vector that a sample uses: all, or the drawn word rows and what follows
// them.
std::vector<int64_t> used_entries(const TrajectoryTask& task, const std::vector<int64_t>& words) {
  const int64_t width = task.arch.params[0].shape[1];
  std::vector<int64_t> out;
  out.reserve(size_t(task.arch.num_params()));
  for (int64_t w : words) {
    for (int64_t d = 0; d < width; ++d) out.push_back(w * width + d);
  }
  const int64_t first_other = task.full_vocab * width;
  for (int64_t i = first_other; i < task.reader->info().arch.num_params(); ++i) out.push_back(i);
  return out;
}

}  // namespace

MetaSampler::MetaSampler(const std::string& folder, const std::vector<std::string>& names,
                         SamplingOptions options)
    : options_(std::move(options)) {
  for (const std::string& name : names) tasks_.push_back(open_task(folder, name, options_));
}

std::vector<MetaSample> MetaSampler::batch(int64_t iteration, int64_t restart) const {
  std::vector<MetaSample> out;
  for (int64_t b = 0; b < options_.trajectories; ++b) {
    draw_trajectory(iteration * options_.trajectories + b, restart, out);
  }
  return out;
}

void MetaSampler::draw_trajectory(int64_t index, int64_t restart,
                                  std::vector<MetaSample>& out) const {
  const SamplingOptions& o = options_;
  const Stream draws(o.seed, fmt::format("meta/{}", restart), uint64_t(index));
  const TrajectoryTask& task = tasks_[draws.below(0, tasks_.size())];
  const TrajectoryInfo& info = task.reader->info();
  const auto run = int64_t(draws.below(1, uint64_t(info.runs)));
  const auto start = int64_t(draws.below(2, uint64_t(info.states - needed_states(o) * task.step)));
  const int64_t used = std::min(o.horizons + o.ctx, (info.states - 1 - start) / task.step + 1);

  std::vector<int64_t> words, entries;
  if (task.full_vocab > 0) {
    words = Stream(o.seed, fmt::format("meta-words/{}", restart), uint64_t(index))
                .sample_sorted(task.full_vocab, o.vocab_sample);
    entries = used_entries(task, words);
  }
  const int64_t p = task.arch.num_params();
  at::Tensor states = at::empty({p, used});
  for (int64_t s = 0; s < used; ++s) {
    float* column = states.data_ptr<float>() + s;
    if (entries.empty()) {
      task.reader->read(run, start + s * task.step, column, used);
    } else {
      task.reader->read_some(run, start + s * task.step, entries, column, used);
    }
  }
  at::Tensor pos = task.pos.clone();
  for (int64_t d = 0; d < o.lpe; ++d) {
    if (draws.bits32(uint64_t(16 + d)) & 1) pos.select(1, d).neg_();
  }
  at::Tensor word_position =
      at::empty({task.graph.num_nodes}, at::TensorOptions().dtype(at::kLong)).zero_();
  for (int64_t i = 0; i < task.graph.num_nodes; ++i) {
    const int64_t word = task.graph.word_position[size_t(i)];
    if (word > 0)
      word_position.data_ptr<int64_t>()[i] = words.empty() ? word : words[size_t(word - 1)] + 1;
  }

  std::vector<int64_t> windows(size_t(o.windows));
  std::iota(windows.begin(), windows.end(), int64_t{0});
  if (o.windows < kDrawnWindows) {
    windows = Stream(o.seed, fmt::format("meta-windows/{}", restart), uint64_t(index))
                  .sample_sorted(kDrawnWindows, o.windows);
  }
  ScaleOptions scale;
  scale.method = parse_scale_method(o.scale_method);
  scale.global = o.global_wte && scales_globally_in_training(task.arch.params);
  for (int64_t i : windows) {
    MetaSample sample;
    sample.task = &task;
    sample.pos = pos;
    sample.word_position = word_position;
    sample.scaled = states.narrow(1, i, o.ctx).contiguous();
    const int64_t horizons = std::min(o.horizons - i, used - i - o.ctx);
    sample.targets = states.narrow(1, i + o.ctx, horizons).contiguous();
    const Scales scales =
        fit_scales(sample.scaled.data_ptr<float>(), o.ctx, task.arch.params, scale);
    apply_scales(scales, sample.scaled.data_ptr<float>(), o.ctx, sample.scaled.data_ptr<float>());
    apply_scales(scales, sample.targets.data_ptr<float>(), horizons,
                 sample.targets.data_ptr<float>());
    out.push_back(std::move(sample));
  }
}

}  // namespace tenfold::nino_nowcast
