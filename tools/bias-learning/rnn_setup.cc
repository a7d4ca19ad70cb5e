#include "tools/bias-learning/rnn_setup.h"

#include <fmt/format.h>

#include <algorithm>

#include "common/core/error.h"
#include "common/io/file.h"
#include "common/io/hash.h"
#include "tools/bias-learning/forecasting_task.h"
#include "tools/bias-learning/reaching_task.h"
#include "tools/bias-learning/trajectory_task.h"

namespace tenfold::bias_learning {
namespace {

Integration integration_of(const TrainRnnConfig& c) {
  const bool lorenz = c.system == "lorenz";
  return {c.start_state(), c.dt.value_or(lorenz ? 0.01 : 0.1),
          c.burn_in.value_or(lorenz ? 10000 : 400)};
}

Trajectory trajectory_of(const TrainRnnConfig& c) {
  if (c.system == "cosine") return cosine_trajectory(c.steps.value_or(200), c.period.value_or(50));
  if (c.system == "vdp") return van_der_pol_trajectory(c.steps.value_or(200), integration_of(c));
  return csv_trajectory(c.csv_file(), c.steps.value_or(0));
}

// A part of a network's values that a file may hold.
struct Part {
  const char* name;
  int64_t at;
  std::vector<int64_t> shape;
  bool kept;

  int64_t count() const {
    int64_t all = 1;
    for (const int64_t size : shape) all *= size;
    return all;
  }
};

std::vector<Part> parts_of(const TrainRnnConfig& config, const RateNetwork& net) {
  const int64_t n = net.shape.hidden;
  const bool full = config.train == "full";
  return {{"W", 0, {n, n}, full},
          {"B", net.input_at(), {n, net.shape.inputs}, full && net.shape.inputs > 0},
          {"C", net.readout_at(), {net.shape.outputs, n}, full},
          {"b", net.bias_at(), {n}, true},
          {"r0", net.start_at(), {n}, config.train_r0}};
}

}  // namespace

std::shared_ptr<const RnnTask> rnn_task(const TrainRnnConfig& c) {
  if (c.system == "lorenz")
    return forecasting_task(lorenz_view(integration_of(c)),
                            {c.steps.value_or(200), c.batch.value_or(32), c.tau.value_or(27)});
  if (c.system == "reach")
    return reaching_task({c.steps.value_or(50), c.angles.value_or(32), c.dt.value_or(0.1)});
  return trajectory_task(trajectory_of(c));
}

RnnOptions rnn_options(const TrainRnnConfig& c, const std::vector<int64_t>& seeds) {
  RnnOptions o;
  const bool driven = c.externally_driven();
  o.shape.hidden = c.hidden;
  o.shape.alpha = c.alpha.value_or(driven ? -0.8 : -0.9);
  o.shape.beta = c.beta.value_or(driven ? 0.2 : 0.1);
  o.shape.activation = activation_named(c.activation);
  o.draw.uniform = c.weights == "uniform";
  o.draw.range = c.range;
  o.clip = c.clip;
  o.full = c.train == "full";
  o.train_start = c.train_r0;
  o.rate = c.lr.value_or(o.full ? 0.001 : 0.01);
  const bool falls = c.schedule == "linear" || (c.schedule == "auto" && c.system == "lorenz");
  o.iterations = falls ? c.iters : 0;
  o.gains = c.gains();
  for (const int64_t seed : seeds) o.seeds.push_back(uint64_t(seed));
  return o;
}

std::string network_name(const RateNetwork& net) {
  return fmt::format("{:g}/{}", net.gain, net.seed);
}

io::SafeTensors networks_of(const TrainRnnConfig& config, const std::vector<RnnModel>& models) {
  io::SafeTensors out;
  for (const RnnModel& m : models) {
    if (m.diverged) continue;
    for (const Part& part : parts_of(config, m.network))
      if (part.kept)
        out.tensors[fmt::format("{}/{}", network_name(m.network), part.name)] =
            io::Tensor::from_float32(part.shape, m.network.values.data() + part.at);
  }
  out.metadata = {{"system", config.system},
                  {"train", config.train},
                  {"hidden", fmt::format("{}", config.hidden)}};
  return out;
}

std::vector<RnnModel> models_from(const TrainRnnConfig& config, const std::vector<int64_t>& seeds,
                                  std::shared_ptr<const RnnTask> task, const std::string& path) {
  const io::SafeTensors file = io::read_safetensors(path);
  std::vector<RnnModel> models = RnnProgram(rnn_options(config, seeds), std::move(task)).models();
  for (RnnModel& m : models) {
    m.diverged = !file.has(network_name(m.network) + "/b");
    if (m.diverged) continue;
    for (const Part& part : parts_of(config, m.network)) {
      if (!part.kept) continue;
      const std::string name = fmt::format("{}/{}", network_name(m.network), part.name);
      const std::vector<float> values = file.at(name, path).to_float32(name);
      if (int64_t(values.size()) != part.count())
        throw Mismatch(fmt::format("{}: {} has {} numbers, expected {}", path, name, values.size(),
                                   part.count()));
      std::copy(values.begin(), values.end(), m.network.values.begin() + part.at);
    }
  }
  return models;
}

void write_target(const TrainRnnConfig& c) {
  Trajectory t;
  if (c.system == "lorenz") {
    LorenzView view = lorenz_view(integration_of(c));
    t.states = std::move(view.states);
    t.state_names = {"x", "y", "z"};
    const auto rows = size_t(c.steps.value_or(200)), tau = size_t(c.tau.value_or(27));
    if (rows + tau > view.signal.size())
      throw UsageError(
          fmt::format("--steps: found {}, expected at most {}", rows, view.signal.size() - tau));
    for (size_t i = 0; i < rows; ++i) t.target.push_back({view.signal[i + tau]});
  } else {
    t = trajectory_of(c);
  }
  std::string text = "t";
  for (const std::string& name : t.state_names) text += "," + name;
  for (size_t k = 0; k < t.target[0].size(); ++k)
    text += t.target[0].size() == 1 ? ",target" : fmt::format(",target{}", k + 1);
  for (size_t k = 0; !t.x.empty() && k < t.x[0].size(); ++k) text += fmt::format(",x{}", k + 1);
  text += '\n';
  for (size_t i = 0; i < t.target.size(); ++i) {
    text += fmt::format("{}", i + 1);
    for (size_t k = 0; k < t.state_names.size(); ++k) text += fmt::format(",{}", t.states[i][k]);
    for (const double y : t.target[i]) text += fmt::format(",{}", y);
    for (size_t k = 0; !t.x.empty() && k < t.x[i].size(); ++k)
      text += fmt::format(",{}", t.x[i][k]);
    text += '\n';
  }
  io::write_file_atomic(c.dump_target, text);
}

std::string weights_hash(const std::vector<RnnModel>& models) {
  std::vector<float> all;
  for (const RnnModel& m : models)
    all.insert(all.end(), m.network.values.begin(), m.network.values.begin() + m.network.bias_at());
  return io::xxh3_hex(all.data(), all.size() * sizeof(float));
}

}  // namespace tenfold::bias_learning
