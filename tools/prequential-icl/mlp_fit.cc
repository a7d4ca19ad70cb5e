#include "tools/prequential-icl/mlp_fit.h"

#include <algorithm>
#include <cmath>
#include <numeric>
#include <string>

#include "common/core/error.h"
#include "common/core/philox.h"
#include "tools/prequential-icl/mlp_net.h"

namespace tenfold::prequential_icl {
namespace {

template <class T>
void check_range(const char* name, T found, T low, T high) {
  if (found >= low && found <= high) return;
  throw UsageError(std::string(name) + ": found " + std::to_string(found) + ", expected " +
                   std::to_string(low) + " to " + std::to_string(high));
}

// Values below the smallest normal number cost a hundred cycles each: Adam's moments of dead units
// decay to them. They count as zero while a fit runs.
class FlushDenormals {
 public:
  FlushDenormals() : before_(__builtin_ia32_stmxcsr()) {
    __builtin_ia32_ldmxcsr(before_ | kFlushToZero | kDenormalsAreZero);
  }
  ~FlushDenormals() { __builtin_ia32_ldmxcsr(before_); }
  FlushDenormals(const FlushDenormals&) = delete;
  FlushDenormals& operator=(const FlushDenormals&) = delete;

 private:
  static constexpr unsigned kFlushToZero = 0x8000, kDenormalsAreZero = 0x0040;
  unsigned before_;
};

int64_t labels_of(const MlpFitOptions& o) { return static_cast<int64_t>(o.classes.size()); }

// Sum over points of the mean cross-entropy of their labels. The outputs become its gradient times
// `factor`.
double label_loss(const MlpFitOptions& o, const int64_t* labels, const int64_t* rows,
                  int64_t points, int64_t step, double factor, float* outputs) {
  const double share = 1.0 / static_cast<double>(labels_of(o));
  double total = 0;
  for (int64_t i = 0; i < points; ++i) {
    float* logits = outputs + i * step;
    for (int64_t k = 0; k < labels_of(o); ++k) {
      const int64_t n = o.classes[k], label = labels[rows[i] * labels_of(o) + k];
      const float most = *std::max_element(logits, logits + n), right = logits[label] - most;
      float sum = 0;
      for (int64_t c = 0; c < n; ++c) sum += logits[c] = std::exp(logits[c] - most);
      total += share * (std::log(sum) - right);
      const float scale = static_cast<float>(share * factor);
      for (int64_t c = 0; c < n; ++c) logits[c] *= scale / sum;
      logits[label] -= scale;
      logits += n;
    }
  }
  return total;
}

// The same for the mean squared error over the outputs.
double squared_loss(const MlpFitOptions& o, const float* y, const int64_t* rows, int64_t points,
                    int64_t step, double factor, float* outputs) {
  const double share = 1.0 / static_cast<double>(o.outputs);
  const float scale = static_cast<float>(2 * share * factor);
  double total = 0;
  for (int64_t i = 0; i < points; ++i) {
    for (int64_t c = 0; c < o.outputs; ++c) {
      float& out = outputs[i * step + c];
      const float error = out - y[rows[i] * o.outputs + c];
      total += share * error * error;
      out = scale * error;
    }
  }
  return total;
}

void check_data(const MlpFitOptions& o, const MlpFitData& data) {
  if (data.train_points < 1 || data.train_points > data.points) {
    throw DataError("fit: found " + std::to_string(data.train_points) + " training points of " +
                    std::to_string(data.points) + ", expected 1 or more");
  }
  if (o.monitor == Monitor::kValidation && data.train_points == data.points) {
    throw UsageError("fit: found no validation points, expected 1 or more to stop by");
  }
  for (int64_t i = 0; i < data.points * labels_of(o); ++i) {
    const int64_t label = data.labels[i], classes = o.classes[i % labels_of(o)];
    if (label >= 0 && label < classes) continue;
    throw DataError("fit: label of point " + std::to_string(i / labels_of(o) + 1) + ": found " +
                    std::to_string(label) + ", expected 0 to " + std::to_string(classes - 1));
  }
}

}  // namespace

int64_t MlpFitOptions::parameters() const {
  if (layers == 1) return (inputs + 1) * outputs;
  return (inputs + 1) * width + (layers - 2) * (width + 1) * width + (width + 1) * outputs;
}

void check(const MlpFitOptions& o) {
  constexpr int64_t kMost = 1 << 20;
  check_range<int64_t>("inputs", o.inputs, 1, kMost);
  check_range<int64_t>("outputs", o.outputs, 1, kMost);
  check_range<int64_t>("--h-dim", o.width, 1, 1 << 14);
  check_range<int64_t>("--pred-layers", o.layers, 1, 1 << 10);
  check_range<int64_t>("--batch-size", o.batch, 1, kMost);
  check_range<int64_t>("--epochs", o.max_epochs, 0, int64_t{1} << 40);
  check_range<int64_t>("--patience", o.patience, 1, int64_t{1} << 40);
  check_range("--lr", o.lr, 0.0, 1e3);
  check_range("--lambda", o.l1, 0.0, 1e6);
  check_range("--lambda", o.l2, 0.0, 1e6);
  check_range("--dropout", o.dropout, 0.0, 0.999);
  if (!(o.clip > 0)) {
    throw UsageError("--clip: found " + std::to_string(o.clip) + ", expected a number above 0");
  }
  int64_t logits = 0;
  for (const int64_t n : o.classes) {
    check_range<int64_t>("classes of a label", n, 1, kMost);
    logits += n;
  }
  if (!o.classes.empty() && logits != o.outputs) {
    throw UsageError("outputs: found " + std::to_string(o.outputs) + ", expected " +
                     std::to_string(logits) + ", one a class");
  }
}

std::vector<float> mlp_initial_weights(const MlpFitOptions& o, uint64_t seed) {
  check(o);
  std::vector<float> weights(o.parameters());
  float* next = weights.data();
  for (int64_t l = 0; l < o.layers; ++l) {
    const int64_t inputs = l == 0 ? o.inputs : o.width;
    const int64_t outputs = l + 1 == o.layers ? o.outputs : o.width;
    const double bound = 1 / std::sqrt(static_cast<double>(inputs));
    const Stream stream(seed, "sgd.init", static_cast<uint64_t>(l));
    stream.fill_uniform(next, (inputs + 1) * outputs, -bound, bound);
    next += (inputs + 1) * outputs;
  }
  return weights;
}

std::vector<int64_t> mlp_fit_order(const MlpFitKey& key, int64_t epoch, int64_t train_points) {
  const Stream stream(key.seed, "sgd.order/" + std::to_string(key.fit),
                      static_cast<uint64_t>(epoch));
  return stream.permutation(train_points);
}

bool EarlyStop::observe(double loss, double min_delta, int64_t patience) {
  if (loss - min_delta < best) {
    best = loss;
    wait = 0;
    return false;
  }
  return ++wait >= patience;
}

struct MlpFit::Work {
  explicit Work(const MlpFitOptions& o) : options(o), net(o), rows(net.capacity()) {}

  MlpFitOptions options;
  mlp::Net net;
  std::vector<int64_t> rows;
  // All but the weights and moments, which lie in the net.
  MlpFitState progress;

  // Mean loss of a batch; the outputs become its gradient.
  double batch_loss(const MlpFitData& data, const int64_t* batch, int64_t points,
                    const mlp::Net::Dropout* dropout) {
    float* outputs = net.forward(data.x, batch, points, dropout);
    const double factor = 1.0 / static_cast<double>(points);
    const auto sum =
        options.classes.empty()
            ? squared_loss(options, data.y, batch, points, net.output_step(), factor, outputs)
            : label_loss(options, data.labels, batch, points, net.output_step(), factor, outputs);
    return sum * factor;
  }

  void set_weights(const std::vector<float>& weights) {
    if (static_cast<int64_t>(weights.size()) != options.parameters()) {
      throw DataError("weights of a fit: found " + std::to_string(weights.size()) + ", expected " +
                      std::to_string(options.parameters()));
    }
    net.scatter(weights, &net.weights());
    net.weights_changed();
  }

  double train_epoch(const MlpFitData& data, const MlpFitKey& key) {
    const std::string fit = std::to_string(key.fit);
    const uint64_t epoch = static_cast<uint64_t>(progress.epoch);
    const auto order = mlp_fit_order(key, progress.epoch, data.train_points);
    mlp::Net::Dropout dropout = {Stream(key.seed, "sgd.dropout/" + fit).bits64(epoch),
                                 static_cast<uint32_t>(options.dropout * 0x1p32),
                                 static_cast<float>(1 / (1 - options.dropout)), 0};
    const bool drops = options.dropout > 0;
    double total = 0;
    int64_t batches = 0;
    for (int64_t first = 0; first < data.train_points; first += options.batch, ++batches) {
      const int64_t points = std::min(options.batch, data.train_points - first);
      dropout.first_point = first;
      total += batch_loss(data, order.data() + first, points, drops ? &dropout : nullptr);
      net.backward(points, drops ? dropout.scale : 1.0f);
      if (options.l1 > 0 || options.l2 > 0) net.add_penalty(options.l1, options.l2);
      const double scale = std::min(1.0, options.clip / (net.gradient_norm() + 1e-6));
      net.step(++progress.step, options.lr, static_cast<float>(scale));
    }
    return total / static_cast<double>(batches);
  }

  double mean_loss(const MlpFitData& data, int64_t first, int64_t end) {
    double total = 0;
    for (int64_t i = first; i < end; i += net.capacity()) {
      const int64_t points = std::min(net.capacity(), end - i);
      std::iota(rows.begin(), rows.begin() + points, i);
      total += static_cast<double>(points) * batch_loss(data, rows.data(), points, nullptr);
    }
    return total / static_cast<double>(end - first);
  }
};

MlpFit::MlpFit(const MlpFitOptions& options, const std::vector<float>& weights) {
  check(options);
  work_ = std::make_unique<Work>(options);
  reset(weights);
}

MlpFit::~MlpFit() = default;
MlpFit::MlpFit(MlpFit&&) noexcept = default;
MlpFit& MlpFit::operator=(MlpFit&&) noexcept = default;

void MlpFit::reset(const std::vector<float>& weights) {
  work_->set_weights(weights);
  work_->net.clear_moments();
  work_->progress = MlpFitState();
  work_->progress.done = work_->options.max_epochs == 0;
}

MlpFitResult MlpFit::run(const MlpFitData& data, const MlpFitKey& key) {
  while (run_epoch(data, key)) {
  }
  return result(data);
}

bool MlpFit::run_epoch(const MlpFitData& data, const MlpFitKey& key) {
  MlpFitState& p = work_->progress;
  const MlpFitOptions& o = work_->options;
  if (p.done) return false;
  check_data(o, data);
  const FlushDenormals flush;
  p.train_loss = work_->train_epoch(data, key);
  ++p.epoch;
  p.done = p.epoch >= o.max_epochs;
  if (o.monitor != Monitor::kNone) {
    const double loss = o.monitor == Monitor::kTrain
                            ? p.train_loss
                            : work_->mean_loss(data, data.train_points, data.points);
    if (p.stop.observe(loss, o.min_delta, o.patience)) p.done = true;
  }
  return true;
}

MlpFitResult MlpFit::result(const MlpFitData& data) {
  check_data(work_->options, data);
  MlpFitResult r;
  r.epochs = work_->progress.epoch;
  r.train_loss = work_->mean_loss(data, 0, data.train_points);
  r.validation_loss = data.points > data.train_points
                          ? work_->mean_loss(data, data.train_points, data.points)
                          : std::numeric_limits<double>::quiet_NaN();
  return r;
}

MlpFitState MlpFit::state() const {
  MlpFitState s = work_->progress;
  s.weights = work_->net.gather(work_->net.weights());
  s.first_moments = work_->net.gather(work_->net.first_moments());
  s.second_moments = work_->net.gather(work_->net.second_moments());
  return s;
}

void MlpFit::restore(const MlpFitState& state) {
  const size_t n = state.weights.size();
  if (state.first_moments.size() != n || state.second_moments.size() != n) {
    throw DataError("state of a fit: found " + std::to_string(n) + " weights and " +
                    std::to_string(state.first_moments.size()) + " and " +
                    std::to_string(state.second_moments.size()) +
                    " moments, expected the same number");
  }
  work_->set_weights(state.weights);
  work_->net.scatter(state.first_moments, &work_->net.first_moments());
  work_->net.scatter(state.second_moments, &work_->net.second_moments());
  work_->progress = state;
  for (auto* v : {&work_->progress.weights, &work_->progress.first_moments,
                  &work_->progress.second_moments}) {
    v->clear();
  }
}

bool MlpFit::done() const { return work_->progress.done; }

double MlpFit::loss(const MlpFitData& data, int64_t first, int64_t end) {
  check_data(work_->options, data);
  return work_->mean_loss(data, first, end);
}

std::vector<float> MlpFit::gradient(const MlpFitData& data, int64_t first, int64_t end) {
  check_data(work_->options, data);
  if (end <= first || end - first > work_->net.capacity()) {
    throw DataError("gradient of a fit: found " + std::to_string(end - first) +
                    " points, expected 1 to " + std::to_string(work_->net.capacity()));
  }
  std::iota(work_->rows.begin(), work_->rows.begin() + (end - first), first);
  work_->batch_loss(data, work_->rows.data(), end - first, nullptr);
  work_->net.backward(end - first, 1.0f);
  if (work_->options.l1 > 0 || work_->options.l2 > 0) {
    work_->net.add_penalty(work_->options.l1, work_->options.l2);
  }
  return work_->net.gather(work_->net.gradients());
}

}  // namespace tenfold::prequential_icl
