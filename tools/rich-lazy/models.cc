#include "tools/rich-lazy/models.h"

#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>
#include <tuple>

#include "common/cli/values.h"
#include "common/core/error.h"
#include "tools/rich-lazy/measures.h"

namespace tenfold::rich_lazy {
namespace {

constexpr int64_t kDefaultHidden = 300;
const std::string kShuffled = "shuffled", kGauss = "gauss", kAligned = "aligned";

// Those swept unless told otherwise (specification, section 4).
std::vector<int64_t> swept_ranks(Task task, int64_t hidden) {
  std::vector<int64_t> ranks = {1, 30};
  if (task == Task::kSequentialDigits) {
    ranks = {5, 30};
  } else if (hidden >= 150) {
    ranks.push_back(100);
    if (hidden > 500) ranks.push_back(300);
  }
  ranks.erase(std::remove_if(ranks.begin(), ranks.end(), [&](int64_t r) { return r >= hidden; }),
              ranks.end());
  ranks.push_back(hidden);
  return ranks;
}

// Along the task there is one direction, unless other singular values are asked for.
int64_t full_rank(const TrainConfig& config, const std::string& init, int64_t hidden) {
  return init == kAligned && config.spectrum == "rank" ? 1 : hidden;
}

std::vector<int64_t> ranks_of(const TrainConfig& config, const std::string& init, Task task,
                              int64_t hidden) {
  const bool sweep = config.init == kGauss && config.spectrum == "rank";
  const int64_t full = full_rank(config, init, hidden);
  if (config.ranks.empty()) return sweep ? swept_ranks(task, hidden) : std::vector<int64_t>{full};
  std::vector<int64_t> ranks;
  for (const std::string& text : config.ranks) {
    const int64_t rank =
        text == "full" ? full : cli::parse_number<int64_t>(text, "--ranks", {1, 20000}, "");
    if (rank > hidden)
      throw UsageError(fmt::format("--ranks: rank {} > {} hidden units", rank, hidden));
    if (rank > full)
      throw UsageError(fmt::format("--ranks: rank {} > {}, the rank of {}", rank, full, init));
    if (std::find(ranks.begin(), ranks.end(), rank) == ranks.end()) ranks.push_back(rank);
  }
  return ranks;
}

std::string short_name(const TrainConfig& config) {
  return config.of_connectome() && config.init != "celegans" ? "file" : config.init;
}

Normalisation normalisation(const std::string& name) {
  if (name == "spectral") return Normalisation::kSpectral;
  if (name == "radius") return Normalisation::kRadius;
  return name == "none" ? Normalisation::kNone : Normalisation::kFrobenius;
}

void fill_uniform(uint64_t seed, const std::string& name, float* out, int64_t rows,
                  int64_t fan_in) {
  const double bound = 1 / std::sqrt(double(fan_in));
  Stream(seed, name).fill_uniform(out, rows * fan_in, -bound, bound);
}

void fill_input_output(const TrainConfig& config, const ModelKey& key, Weights& weights) {
  const NetworkShape& s = weights.shape();
  std::string name = task_name(key.task);
  if (config.fresh_io) name += fmt::format("/{}/{}", key.init, key.rank);
  fill_uniform(uint64_t(key.seed), "input/" + name, weights.input(), s.hidden, s.inputs);
  fill_uniform(uint64_t(key.seed), "output/" + name, weights.output(), s.outputs, s.hidden);
}

void set_recurrent(const Matrix& m, Weights& weights) {
  for (int64_t i = 0; i < m.rows(); ++i) {
    for (int64_t j = 0; j < m.cols(); ++j) weights.recurrent()[i * m.cols() + j] = float(m(i, j));
  }
}

// Draws of one seed, each made once and decomposed once, whatever ranks are asked for.
class Draws {
 public:
  Draws(const Setting& setting, int64_t seed) : setting_(setting), seed_(uint64_t(seed)) {
    gauss_ = std::make_unique<Draw>(
        gaussian(Stream(seed_, "recurrent"), setting.hidden, setting.config.gain_or_default()));
  }

  // Rank and norm as the options have them.
  Matrix matrix(const ModelKey& key) {
    const TrainConfig& c = setting_.config;
    Draw& draw = draw_of(key);
    const std::string name = key.init == "file" ? c.init : key.init;
    const bool whole = key.rank == full_rank(c, key.init, setting_.hidden);
    Matrix m =
        truncated(draw, whole ? setting_.hidden : key.rank, parse_spectrum(c.spectrum), name);
    return normalised(std::move(m), normalisation(c.normalize), gauss_->matrix().norm(),
                      c.gain_or_default(), "--init " + name);
  }

 private:
  Draw& draw_of(const ModelKey& key) {
    if (key.init == kGauss) return *gauss_;
    // Only one along the task depends on it.
    const std::string task = setting_.config.init == kAligned ? task_name(key.task) : "";
    std::unique_ptr<Draw>& draw = others_[key.init + task];
    if (!draw) draw = std::make_unique<Draw>(make(key));
    return *draw;
  }

  Matrix make(const ModelKey& key) {
    const TrainConfig& c = setting_.config;
    if (key.init == kShuffled) {
      ModelKey original = key;
      original.init = short_name(c);
      const Stream stream(seed_, "shuffle");
      const Matrix& m = draw_of(original).matrix();
      if (c.shuffle != "degree") return shuffle_entries(stream, m);
      Matrix control = shuffle_targets(stream, m);
      if (control == m) {
        throw UsageError(
            fmt::format("--shuffle degree: found no two connections of {} that can "
                        "exchange their targets, expected a sparse matrix",
                        c.init));
      }
      return control;
    }
    const Stream stream(seed_, key.init);
    if (key.init == "dale") return dale(stream, setting_.hidden, c.dale_balance);
    if (key.init == "motif")
      return motif(stream, setting_.hidden, c.motif_reciprocal, c.motif_chain);
    if (key.init == "block") return block(stream, setting_.hidden, *setting_.block);
    if (key.init == kAligned) return along_task(key);
    return setting_.connectome->weights;
  }

  // Means over the evaluation trials of the Gaussian network's states at the decision.
  Matrix along_task(const ModelKey& key) {
    Weights weights(setting_.shape(key.task));
    set_recurrent(gauss_->matrix(), weights);
    ModelKey gauss = key;
    gauss.init = kGauss;
    gauss.rank = setting_.hidden;
    fill_input_output(setting_.config, gauss, weights);
    const Trials trials =
        setting_.source(key.task, key.seed).evaluation(setting_.config.eval_batches);
    Network network(weights.shape());
    network.forward(weights, {trials.x.data(), trials.labels.data(), trials.batch});
    const int64_t units = setting_.hidden, last = (trials.steps - 1) * trials.batch;
    std::vector<Vector> means(2, Vector::Zero(units));
    std::vector<double> counts(2, 0.0);
    for (int64_t k = 0; k < trials.batch; ++k) {
      const int64_t label = trials.labels[size_t(last + k)];
      if (label != 1 && label != 2) continue;
      const Eigen::Map<const Eigen::VectorXf> h(network.states().data() + (last + k) * units,
                                                units);
      means[size_t(label - 1)] += h.cast<double>();
      counts[size_t(label - 1)] += 1;
    }
    return aligned(means[0] / std::max(1.0, counts[0]), means[1] / std::max(1.0, counts[1]));
  }

  const Setting& setting_;
  uint64_t seed_;
  std::unique_ptr<Draw> gauss_;
  std::map<std::string, std::unique_ptr<Draw>> others_;
};

void require_trials(const Setting& setting) {
  for (const std::string& name : setting.config.task) {
    const Task task = task_of(name);
    const int64_t trials = setting.ntk_trials(task), most = setting.evaluation_trials(task);
    if (trials > most) {
      throw UsageError(fmt::format(
          "--ntk-trials {} > {} evaluation trials of {} (--eval-batches {} x --batch {})", trials,
          most, name, setting.config.eval_batches, setting.batch(task)));
    }
    require_kernel_fits(setting.shape(task), trials);
  }
}

}  // namespace

bool ModelKey::competes_with(const ModelKey& o) const {
  return std::tie(task, seed, init, rank) == std::tie(o.task, o.seed, o.init, o.rank);
}

std::string ModelKey::group() const {
  return fmt::format("{}/{}rank-{}", task_name(task), control ? init + "/" : "", rank);
}

std::string ModelKey::name() const {
  return fmt::format("{}/{}/rank-{}/seed-{}/lr-{}", task_name(task), init, rank, seed, lr);
}

NetworkShape Setting::shape(Task task) const {
  const TaskSizes sizes = task_sizes(task);
  return {sizes.steps, sizes.inputs, hidden, sizes.outputs, float(config.alpha), sizes.last_only};
}

int64_t Setting::batch(Task task) const { return config.batch.value_or(task_sizes(task).batch); }

int64_t Setting::evaluation_trials(Task task) const {
  return batch(task) * (task == Task::kSequentialDigits ? 1 : config.eval_batches);
}

int64_t Setting::ntk_trials(Task task) const {
  return task == Task::kSequentialDigits ? batch(task) : config.ntk_trials;
}

TrialSource Setting::source(Task task, int64_t seed) const {
  return TrialSource(task, uint64_t(seed), batch(task), images ? &*images : nullptr);
}

std::vector<std::string> Setting::files() const {
  std::vector<std::string> all;
  if (images) all = images->files;
  if (connectome) all.insert(all.end(), connectome->files.begin(), connectome->files.end());
  if (block) all.insert(all.end(), {config.block_types, config.block_pairs});
  return all;
}

void require_kernel_fits(const NetworkShape& shape, int64_t trials) {
  constexpr double kGigabyte = 1e9;
  const double side = double(ntk_size(shape, trials));
  // Two kernels in float32, and what one is made of.
  const double needed =
      4 * (2 * side * side + 3 * side * double(shape.steps) * double(shape.hidden));
  const double there = double(::sysconf(_SC_PHYS_PAGES)) * double(::sysconf(_SC_PAGESIZE));
  if (needed <= 0.8 * there) return;
  throw UsageError(fmt::format(
      "--ntk-trials {}: tangent kernels of {:.0f} x {:.0f} need {:.1f} GB, expected at most {:.1f}",
      trials, side, side, needed / kGigabyte, 0.8 * there / kGigabyte));
}

Setting stored_setting(const TrainConfig& config, const std::vector<int64_t>& seeds,
                       int64_t hidden) {
  Setting setting;
  setting.config = config;
  setting.seeds = seeds;
  setting.hidden = hidden;
  for (const std::string& name : config.task) {
    if (task_of(name) == Task::kSequentialDigits) setting.images = read_images(config.data_dir);
  }
  require_trials(setting);
  return setting;
}

Setting read_setting(const TrainConfig& config, const std::vector<int64_t>& seeds) {
  std::optional<Connectome> connectome;
  int64_t hidden = config.hidden.value_or(kDefaultHidden);
  if (config.of_connectome()) {
    connectome = read_connectome(config.connectome.options(config.init));
    hidden = connectome->weights.rows();
    if (config.hidden.value_or(hidden) != hidden) {
      throw UsageError(fmt::format("--hidden: found {}, expected {}, as many as {} has units",
                                   *config.hidden, hidden, config.init));
    }
  }
  Setting setting = stored_setting(config, seeds, hidden);
  setting.connectome = std::move(connectome);
  if (config.init == "block")
    setting.block = read_block_types(config.block_types, config.block_pairs);
  return setting;
}

std::vector<ModelKey> model_keys(const Setting& setting) {
  const TrainConfig& c = setting.config;
  const std::string own = short_name(c);
  std::vector<std::pair<std::string, bool>> inits = {{own, false}};
  if (own != kGauss) {
    if (c.shuffle != "none") inits.emplace_back(kShuffled, true);
    inits.emplace_back(kGauss, true);
  }
  std::vector<ModelKey> keys;
  for (const std::string& name : c.task) {
    const Task task = task_of(name);
    for (const int64_t seed : setting.seeds) {
      for (const auto& [init, control] : inits) {
        for (const int64_t rank : ranks_of(c, init, task, setting.hidden)) {
          for (const double lr : c.rates()) keys.push_back({task, seed, init, control, rank, lr});
        }
      }
    }
  }
  return keys;
}

std::vector<Weights> initial_weights(const Setting& setting, const std::vector<ModelKey>& keys) {
  std::map<int64_t, std::unique_ptr<Draws>> draws;
  std::vector<Weights> out;
  for (const ModelKey& key : keys) {
    // Rates begin at the same weights.
    if (!out.empty() && key.competes_with(keys[out.size() - 1])) {
      out.push_back(out.back());
      continue;
    }
    std::unique_ptr<Draws>& of_seed = draws[key.seed];
    if (!of_seed) of_seed = std::make_unique<Draws>(setting, key.seed);
    Weights& weights = out.emplace_back(setting.shape(key.task));
    set_recurrent(of_seed->matrix(key), weights);
    fill_input_output(setting.config, key, weights);
  }
  return out;
}

}  // namespace tenfold::rich_lazy
