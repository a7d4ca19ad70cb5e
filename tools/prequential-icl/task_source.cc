#include "tools/prequential-icl/task_source.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/where.h>
#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "common/core/error.h"
#include "common/io/hash.h"

namespace tenfold::prequential_icl {
namespace {

at::Tensor floats(const std::vector<int64_t>& shape) {
  return at::empty(shape, at::TensorOptions().dtype(at::kFloat));
}

at::Tensor bytes(const std::vector<int64_t>& shape) {
  return at::empty(shape, at::TensorOptions().dtype(at::kByte));
}

// Section 2.7, over the samples of one task and every input dimension by itself.
at::Tensor moved_away(const at::Tensor& x, const std::string& style) {
  const at::Tensor mean = x.mean(1, true);
  if (style == "shift_scale") return mean + 2 + 3 * (x - mean);
  const at::Tensor low = x.amin(1, true), high = x.amax(1, true);
  return at::where(x < mean, low + mean - x, high + mean - x);
}

std::string options_json(const TaskConfig& c) {
  nlohmann::ordered_json j = {{"task", c.task}, {"n-samples", *c.n_samples}, {"noise", *c.noise}};
  const auto add = [&](const char* name, const auto& value) {
    if (value) j[name] = *value;
  };
  add("x-dim", c.x_dim);
  add("y-dim", c.y_dim);
  add("intrinsic-dim", c.intrinsic_dim);
  if (c.task == "linear") j["data-dist"] = c.data_dist;
  if (c.task == "chebyshev") j["degree"] = c.degree;
  if (c.task == "mlp") j["activation"] = c.activation;
  if (c.task == "mastermind") {
    add("code-length", c.code_length);
    add("colours", c.colours);
    add("code-colours", c.code_colours);
  }
  if (c.task == "hmm") {
    j["hmm-size"] = c.hmm_size;
    j["hmm-compat"] = c.hmm_compat;
  } else if (c.task != "mastermind") {
    j["ood-style"] = c.ood_style;
  }
  return j.dump();
}

at::Tensor from_doubles(const std::vector<double>& values, const std::vector<int64_t>& shape) {
  at::Tensor t = at::empty(shape, at::TensorOptions().dtype(at::kDouble));
  std::copy(values.begin(), values.end(), t.data_ptr<double>());
  return t;
}

std::map<std::string, at::Tensor> hmm_tensors(const HmmFamily& f) {
  const HmmSizes& s = f.sizes;
  const int64_t digits = int64_t(hmm_radices(s).size());
  at::Tensor latents = at::empty({s.latents(), digits}, at::TensorOptions().dtype(at::kLong));
  for (int64_t i = 0; i < s.latents(); ++i) {
    const std::vector<int64_t> d = hmm_digits(s, i);
    std::copy(d.begin(), d.end(), latents.data_ptr<int64_t>() + i * digits);
  }
  return {{"hmm.transitions", from_doubles(f.transitions, {s.transitions(), s.states, s.states})},
          {"hmm.emissions", from_doubles(f.emissions, {s.emissions(), s.states, s.observations})},
          {"hmm.latents", latents}};
}

}  // namespace

MastermindSizes mastermind_sizes(const TaskConfig& config) {
  return {*config.code_length, *config.colours, *config.code_colours};
}

TaskSource::TaskSource(const TaskConfig& config, uint64_t seed) : config_(config), seed_(seed) {
  if (config.task == "mastermind") {
    check(mastermind_sizes(config));
    shape_.kind = DataKind::kLabels;
    shape_.x_vals.assign(size_t(*config.code_length), *config.colours);
    shape_.y_vals.assign(2, *config.code_length + 1);
  } else if (config.task == "hmm") {
    hmm_ = std::make_shared<HmmFamily>(
        make_hmm_family(hmm_sizes(config.hmm_size), seed, config.hmm_compat));
    shape_.kind = DataKind::kTokens;
    shape_.y_vals = {hmm_->sizes.observations};
  } else {
    shape_.x_vals.assign(size_t(*config.x_dim), 0);
    shape_.y_vals.assign(size_t(*config.y_dim), 0);
  }
}

std::unique_ptr<Family> TaskSource::family(const std::string& split) const {
  const TaskConfig& c = config_;
  if (c.task == "linear") {
    const std::string rows = c.intrinsic_rows_shared ? "rows" : "rows/" + split;
    return linear_family({*c.x_dim, *c.y_dim, *c.intrinsic_dim, *c.noise, c.data_dist == "uniform"},
                         Stream(seed_, rows));
  }
  if (c.task == "sinusoid") return sinusoid_family(*c.x_dim, *c.noise, c.fixed_freq);
  if (c.task == "chebyshev") return chebyshev_family(c.degree, *c.noise);
  if (c.task == "mlp") return mlp_family(*c.x_dim, *c.y_dim, *c.noise, c.activation == "tanh");
  if (c.task == "lowrank") return lowrank_family(*c.x_dim, *c.y_dim, *c.noise, seed_);
  return dynamics_family(*c.noise);
}

MetaSplit TaskSource::draw_regression(const std::string& split, uint64_t seed, int64_t from,
                                      int64_t tasks, int64_t points, bool with_ood) const {
  const std::unique_ptr<Family> family = this->family(split);
  const bool ood = with_ood && family->has_ood();
  const int64_t parameters = family->parameter_count();
  MetaSplit out;
  out.x = floats({tasks, points, family->x_dim});
  out.y = floats({tasks, points, family->y_dim});
  std::vector<int64_t> shape = {tasks};
  shape.insert(shape.end(), family->parameter_shape.begin(), family->parameter_shape.end());
  const at::Tensor theta = floats(shape);
  const int64_t x_size = points * family->x_dim, y_size = points * family->y_dim;
  at::parallel_for(0, tasks, 16, [&](int64_t first, int64_t end) {
    for (int64_t t = first; t < end; ++t) {
      family->sample(TaskStreams(seed, split, from + t), points,
                     theta.data_ptr<float>() + t * parameters, out.x.data_ptr<float>() + t * x_size,
                     out.y.data_ptr<float>() + t * y_size);
    }
  });
  if (ood) {
    out.x_ood = moved_away(out.x, config_.ood_style).contiguous();
    out.y_ood = floats({tasks, points, family->y_dim});
    at::parallel_for(0, tasks, 16, [&](int64_t first, int64_t end) {
      for (int64_t t = first; t < end; ++t) {
        family->evaluate(theta.data_ptr<float>() + t * parameters,
                         out.x_ood.data_ptr<float>() + t * x_size, points,
                         out.y_ood.data_ptr<float>() + t * y_size);
      }
    });
  }
  if (config_.task == "chebyshev" && config_.standardise) {
    const at::Tensor mean = out.y.mean(0, true), deviation = out.y.std(0, true, true);
    out.y = ((out.y - mean) / deviation).contiguous();
    if (ood) out.y_ood = ((out.y_ood - mean) / deviation).contiguous();
  }
  if (!family->parameter_name.empty()) out.param[family->parameter_name] = theta;
  return out;
}

MetaSplit TaskSource::draw_mastermind_split(const std::string& split, uint64_t seed, int64_t from,
                                            int64_t tasks, int64_t points) const {
  const MastermindSizes sizes = mastermind_sizes(config_);
  const int64_t length = sizes.code_length;
  MetaSplit out;
  out.x = bytes({tasks, points, length});
  out.y = bytes({tasks, points, 2});
  const at::Tensor codes = at::empty({tasks, length}, at::TensorOptions().dtype(at::kLong));
  at::parallel_for(0, tasks, 16, [&](int64_t first, int64_t end) {
    for (int64_t t = first; t < end; ++t) {
      const MastermindTask task =
          draw_mastermind(sizes, seed, "mastermind/" + split, uint64_t(from + t), points);
      std::copy(task.code.begin(), task.code.end(), codes.data_ptr<int64_t>() + t * length);
      std::copy(task.guesses.begin(), task.guesses.end(),
                out.x.data_ptr<uint8_t>() + t * points * length);
      std::copy(task.labels.begin(), task.labels.end(), out.y.data_ptr<uint8_t>() + t * points * 2);
    }
  });
  out.param["code"] = codes;
  return out;
}

MetaSplit TaskSource::draw_hmm(const std::string& split, uint64_t seed, int64_t from, int64_t tasks,
                               int64_t points) const {
  const std::vector<int64_t>& latents =
      split == "train" ? hmm_->train_latents : hmm_->held_out_latents;
  const HmmSampler sampler(*hmm_);
  MetaSplit out;
  out.y = bytes({tasks, points, 1});
  const at::Tensor drawn = at::empty({tasks}, at::TensorOptions().dtype(at::kLong));
  at::parallel_for(0, tasks, 16, [&](int64_t first, int64_t end) {
    std::vector<int64_t> tokens(static_cast<size_t>(points));
    for (int64_t t = first; t < end; ++t) {
      drawn.data_ptr<int64_t>()[t] =
          sampler.draw(latents, seed, "hmm/" + split, uint64_t(from + t), points, tokens.data());
      std::copy(tokens.begin(), tokens.end(), out.y.data_ptr<uint8_t>() + t * points);
    }
  });
  out.param["latent"] = drawn;
  return out;
}

MetaSplit TaskSource::draw(const std::string& split, uint64_t seed, int64_t tasks, int64_t points,
                           bool with_ood, int64_t from) const {
  if (shape_.kind == DataKind::kLabels)
    return draw_mastermind_split(split, seed, from, tasks, points);
  if (shape_.kind == DataKind::kTokens) return draw_hmm(split, seed, from, tasks, points);
  return draw_regression(split, seed, from, tasks, points, with_ood);
}

MetaDataset TaskSource::dataset(bool ood_of_training) const {
  MetaDataset data;
  data.task = config_.task;
  data.shape = shape_;
  data.noise = *config_.noise;
  data.seed = int64_t(seed_);
  data.options = options_json(config_);
  data.train = draw("train", seed_, *config_.n_tasks, *config_.n_samples, ood_of_training);
  data.val = draw("val", seed_, *config_.n_val_tasks, *config_.n_samples, true);
  if (hmm_) data.shared = hmm_tensors(*hmm_);
  return data;
}

RunData load_run_data(const TaskConfig& config, uint64_t seed) {
  RunData run;
  if (config.data.empty()) {
    const TaskSource source(config, seed);
    run.data = source.dataset(false);
    run.hmm = source.hmm();
    return run;
  }
  run.data = read_meta_dataset(config.data);
  run.digest = io::xxh3_file(config.data);
  return run;
}

}  // namespace tenfold::prequential_icl
