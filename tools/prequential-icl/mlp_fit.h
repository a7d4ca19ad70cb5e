// Trains one small MLP from scratch on one small data set, all of it in the cache: the SGD learner
// of arXiv 2410.14086 (sections 2 and 3, App. B; the official code where they differ). Fits are
// independent of each other; many run at once, each in an object and thread of its own.
#pragma once

#include <cstdint>
#include <limits>
#include <memory>
#include <vector>

namespace tenfold::prequential_icl {

enum class Monitor { kNone, kTrain, kValidation };

struct MlpFitOptions {
  int64_t inputs = 1, width = 64, outputs = 1;
  int64_t layers = 5;            // Linear layers, relu between them
  std::vector<int64_t> classes;  // of every label; empty: real outputs and the mean squared error
  double lr = 1e-4;              // Adam, PyTorch's betas and epsilon
  double clip = 0.05;            // largest norm of the gradient over all parameters of the fit
  double l1 = 0;                 // times the sum of |p|
  double l2 = 0;                 // times the sum over weight and bias tensors of the norm of p
  double dropout = 0;            // after every hidden relu, kept values scaled by 1 / (1 - dropout)
  int64_t batch = 64;            // points; the last batch of an epoch may be smaller
  int64_t max_epochs = 2000;
  Monitor monitor = Monitor::kValidation;  // the loss that stops the fit
  double min_delta = 1e-3;
  int64_t patience = 10;  // epochs without progress

  int64_t parameters() const;
};

// Throws UsageError for a value outside its range, by the name of the option.
void check(const MlpFitOptions& options);

// Weights as PyTorch lists them: for every layer W [out, in] row-major, then b [out]. All from
// U(+-1/sqrt(in)), a pure function of (options, seed): every fit of a seed starts from the same.
std::vector<float> mlp_initial_weights(const MlpFitOptions& options, uint64_t seed);

struct MlpFitData {
  const float* x;                // [points, inputs]
  const float* y;                // [points, outputs], where outputs are real
  const int64_t* labels;         // [points, labels] otherwise, each from 0 to its classes - 1
  int64_t points, train_points;  // the training points come first, the others are for validation
};

// Keys of the random streams (order of the points, dropout) of a fit.
struct MlpFitKey {
  uint64_t seed, fit;
};

// The order in which an epoch of this fit visits its training points.
std::vector<int64_t> mlp_fit_order(const MlpFitKey& key, int64_t epoch, int64_t train_points);

// The reference's rule. Note that a value up to min_delta worse than the best counts as progress
// and moves the best up.
struct EarlyStop {
  double best = std::numeric_limits<double>::infinity();
  int64_t wait = 0;

  // Takes the loss of an epoch; true where the fit should stop.
  bool observe(double loss, double min_delta, int64_t patience);
};

// Everything that the next epoch depends on, in the order of mlp_initial_weights.
struct MlpFitState {
  std::vector<float> weights, first_moments, second_moments;
  int64_t step = 0, epoch = 0;
  EarlyStop stop;
  bool done = false;
  double train_loss = 0;  // of the last epoch: mean over batches, without the penalty
};

struct MlpFitResult {
  int64_t epochs;
  double train_loss;       // mean over the training points, at the last weights, dropout off
  double validation_loss;  // mean over the validation points; NaN where there are none
};

class MlpFit {
 public:
  // Throws UsageError as check() does, DataError for another number of weights.
  MlpFit(const MlpFitOptions& options, const std::vector<float>& weights);
  ~MlpFit();
  MlpFit(MlpFit&&) noexcept;
  MlpFit& operator=(MlpFit&&) noexcept;

  // Starts over from these weights, in the memory of the fit before.
  void reset(const std::vector<float>& weights);

  // All epochs that are left. The data of a fit must not change between its epochs. Throws
  // DataError for a label out of range or no training points, UsageError where the monitored loss
  // has no points.
  MlpFitResult run(const MlpFitData& data, const MlpFitKey& key);

  // One epoch; false where the fit was already done.
  bool run_epoch(const MlpFitData& data, const MlpFitKey& key);
  MlpFitResult result(const MlpFitData& data);

  MlpFitState state() const;
  void restore(const MlpFitState& state);
  bool done() const;

  // Mean loss of the points `first` <= i < end, dropout and penalty off.
  double loss(const MlpFitData& data, int64_t first, int64_t end);

  // Gradient of loss and penalty over these points as one batch, before clipping, dropout off; in
  // the order of mlp_initial_weights. Throws DataError for more points than options.batch, or 64
  // where that is larger.
  std::vector<float> gradient(const MlpFitData& data, int64_t first, int64_t end);

 private:
  struct Work;
  std::unique_ptr<Work> work_;
};

}  // namespace tenfold::prequential_icl
