// Thousands of small fits as one program (specification, section 4, "SGD learner per fit"): a
// window of fits advances by some epochs a step, in parallel; what is finished makes room for the
// next. Each fit equals its single run.
#pragma once

#include <cstdint>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/train/loop.h"
#include "tools/prequential-icl/mlp_fit.h"
#include "tools/prequential-icl/task_source.h"

namespace tenfold::prequential_icl {

struct SgdOptions {
  MlpFitOptions fit;
  int64_t fits = 1000, n_max = 2000, n_test = 5000;  // fits of every seed
};

struct FitRecord {
  int64_t seed = 0, fit = 0, n = 0, epochs = 0;
  double loss_test = 0, loss_train = 0;
};

class SgdProgram : public train::Program {
 public:
  SgdProgram(const TaskConfig& task, const SgdOptions& options, const std::vector<int64_t>& seeds);
  ~SgdProgram() override;

  void step(int64_t step) override;
  std::vector<std::pair<int64_t, double>> drain_losses() override;
  Row evaluate(int64_t done) override;
  bool finished() const override { return int64_t(records_.size()) == total(); }
  void visit_state(train::Archive& archive) override;
  std::string note() const override;

  // Finished fits, in the order in which they ended.
  const std::vector<FitRecord>& records() const { return records_; }
  const DataShape& shape() const { return sources_[0].shape(); }
  int64_t total() const { return int64_t(seeds_.size()) * options_.fits; }
  int64_t most_steps() const;  // an upper bound

 private:
  struct Active;

  void start(int64_t number);
  void finish(Active& fit, int64_t step);

  SgdOptions options_;
  std::vector<int64_t> seeds_;
  std::vector<TaskSource> sources_;          // one a seed
  std::vector<std::vector<float>> initial_;  // weights, one a seed
  std::vector<std::unique_ptr<Active>> active_;
  std::vector<FitRecord> records_;
  std::vector<std::pair<int64_t, double>> new_losses_;
  int64_t next_ = 0;  // the next fit to start, of all seeds
};

// n = floor(exp(U(log 5, log n_max))) of a fit: a pure function of seed and fit.
int64_t draw_fit_size(uint64_t seed, int64_t fit, int64_t n_max);

// Gaussian filter along the index, truncated at 4 sigma, mirrored at the edges (d c b a | a b c d).
std::vector<double> gaussian_smooth(const std::vector<double>& values, double sigma);

}  // namespace tenfold::prequential_icl
