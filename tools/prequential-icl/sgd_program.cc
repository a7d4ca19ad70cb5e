#include "tools/prequential-icl/sgd_program.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/from_blob.h>
#include <fmt/format.h>

#include <algorithm>
#include <cmath>

#include "tools/prequential-icl/batches.h"

namespace tenfold::prequential_icl {
namespace {

constexpr int64_t kWindow = 16;       // fits at once, whatever the number of threads
constexpr int64_t kEpochsAStep = 50;  // so that a signal is heard soon

}  // namespace

struct SgdProgram::Active {
  int64_t number, seed, fit, n;
  std::vector<float> x, y;  // training and validation points, then test points
  std::vector<int64_t> symbols;
  MlpFit learner;

  MlpFitData data(const SgdOptions& o, int64_t first, int64_t count, int64_t train) const {
    const int64_t inputs = o.fit.inputs, outputs = o.fit.outputs,
                  variables = int64_t(o.fit.classes.size());
    return {x.data() + first * inputs, y.empty() ? nullptr : y.data() + first * outputs,
            symbols.empty() ? nullptr : symbols.data() + first * variables, count, train};
  }
  MlpFitData fitted(const SgdOptions& o) const {
    return data(o, 0, n, std::max<int64_t>(1, int64_t(0.8 * double(n))));
  }
  MlpFitData tested(const SgdOptions& o) const { return data(o, n, o.n_test, 1); }
};

int64_t draw_fit_size(uint64_t seed, int64_t fit, int64_t n_max) {
  const double u = Stream(seed, "sgd/size").uniform(uint64_t(fit));
  return int64_t(std::exp(std::log(5.0) + u * (std::log(double(n_max)) - std::log(5.0))));
}

std::vector<double> gaussian_smooth(const std::vector<double>& values, double sigma) {
  const int64_t n = int64_t(values.size()), reach = int64_t(4 * sigma + 0.5);
  std::vector<double> out;
  for (int64_t i = 0; i < n; ++i) {
    double sum = 0, weight = 0;
    for (int64_t d = -reach; d <= reach; ++d) {
      int64_t j = ((i + d) % (2 * n) + 2 * n) % (2 * n);  // the mirrored row has period 2n
      if (j >= n) j = 2 * n - 1 - j;
      const double w = std::exp(-0.5 * double(d * d) / (sigma * sigma));
      sum += w * values[size_t(j)];
      weight += w;
    }
    out.push_back(sum / weight);
  }
  return out;
}

SgdProgram::SgdProgram(const TaskConfig& task, const SgdOptions& options,
                       const std::vector<int64_t>& seeds)
    : options_(options), seeds_(seeds) {
  for (int64_t seed : seeds) sources_.emplace_back(task, uint64_t(seed));
  const DataShape& shape = sources_[0].shape();
  options_.fit.inputs = shape.x_dim();
  options_.fit.outputs = shape.y_dim();
  if (shape.kind == DataKind::kLabels) options_.fit.classes = shape.y_vals;
  check(options_.fit);
  for (int64_t seed : seeds) initial_.push_back(mlp_initial_weights(options_.fit, uint64_t(seed)));
}

SgdProgram::~SgdProgram() = default;

void SgdProgram::start(int64_t number) {
  const size_t s = size_t(number / options_.fits);
  const int64_t seed = seeds_[s], fit = number % options_.fits;
  const int64_t n = draw_fit_size(uint64_t(seed), fit, options_.n_max);
  // The test points are those beyond n_max, whatever n.
  const MetaSplit split =
      sources_[s].draw("sgd", uint64_t(seed), 1, options_.n_max + options_.n_test, false, fit);
  const Batch batch = Batcher(shape(), split, uint64_t(seed), "", at::kCPU).stored(0, 1);
  auto active = std::make_unique<Active>(
      Active{number, seed, fit, n, {}, {}, {}, MlpFit(options_.fit, initial_[s])});
  const auto copy = [&](const at::Tensor& t, auto& into) {
    using Value = std::decay_t<decltype(into[0])>;
    const at::Tensor rows = t.select(0, 0).contiguous();
    const Value* from = rows.data_ptr<Value>();
    const int64_t width = rows.size(1);
    into.assign(from, from + n * width);
    into.insert(into.end(), from + options_.n_max * width,
                from + (options_.n_max + options_.n_test) * width);
  };
  copy(batch.x, active->x);
  if (batch.labels.defined()) {
    copy(batch.labels, active->symbols);
  } else {
    copy(batch.y, active->y);
  }
  active_.push_back(std::move(active));
}

void SgdProgram::finish(Active& a, int64_t step) {
  const MlpFitResult result = a.learner.result(a.fitted(options_));
  FitRecord record{a.seed, a.fit, a.n, result.epochs, 0, result.train_loss};
  record.loss_test = a.learner.loss(a.tested(options_), 0, options_.n_test);
  records_.push_back(record);
  new_losses_.emplace_back(step + 1, record.loss_test);
}

// Fits in the window move on together, and each needs `rounds` steps at most.
int64_t SgdProgram::most_steps() const {
  const int64_t rounds = (options_.fit.max_epochs + kEpochsAStep - 1) / kEpochsAStep;
  return (total() * rounds + kWindow - 1) / kWindow + rounds;
}

void SgdProgram::step(int64_t step) {
  while (int64_t(active_.size()) < kWindow && next_ < total()) start(next_++);
  at::parallel_for(0, int64_t(active_.size()), 1, [&](int64_t first, int64_t end) {
    for (int64_t i = first; i < end; ++i) {
      Active& a = *active_[size_t(i)];
      const MlpFitKey key{uint64_t(a.seed), uint64_t(a.fit)};
      for (int64_t e = 0; e < kEpochsAStep && !a.learner.done(); ++e)
        a.learner.run_epoch(a.fitted(options_), key);
    }
  });
  for (auto& a : active_)
    if (a->learner.done()) finish(*a, step);
  active_.erase(std::remove_if(active_.begin(), active_.end(),
                               [](const auto& a) { return a->learner.done(); }),
                active_.end());
}

std::vector<std::pair<int64_t, double>> SgdProgram::drain_losses() {
  std::vector<std::pair<int64_t, double>> losses;
  losses.swap(new_losses_);
  return losses;
}

train::Program::Row SgdProgram::evaluate(int64_t) { return {{"fits", double(records_.size())}}; }

void SgdProgram::visit_state(train::Archive& archive) {
  archive.number("next", next_);
  train::visit_records(archive, "records", records_,
                       {&FitRecord::loss_test, &FitRecord::loss_train},
                       {&FitRecord::seed, &FitRecord::fit, &FitRecord::n, &FitRecord::epochs});
  std::vector<int64_t> numbers;
  for (const auto& a : active_) numbers.push_back(a->number);
  archive.numbers("active", numbers);
  if (archive.loading()) {
    active_.clear();
    for (int64_t number : numbers) start(number);
  }
  for (const auto& a : active_) {
    const std::string prefix = fmt::format("fit/{}/", a->number);
    MlpFitState s = a->learner.state();
    const auto floats = [&](const std::string& name, std::vector<float>& values) {
      archive.tensor(prefix + name, at::from_blob(values.data(), {int64_t(values.size())}));
    };
    floats("weights", s.weights);
    floats("first_moments", s.first_moments);
    floats("second_moments", s.second_moments);
    archive.number(prefix + "step", s.step);
    archive.number(prefix + "epoch", s.epoch);
    archive.number(prefix + "best", s.stop.best);
    archive.number(prefix + "wait", s.stop.wait);
    archive.truth(prefix + "done", s.done);
    archive.number(prefix + "train_loss", s.train_loss);
    if (archive.loading()) a->learner.restore(s);
  }
}

std::string SgdProgram::note() const {
  return fmt::format("{} of {} fits", records_.size(), total());
}

}  // namespace tenfold::prequential_icl
