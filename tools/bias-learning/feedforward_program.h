// The training of several methods, tasks and seeds as one program: one image set and one method
// after the other, so that the pre-activations of one image set alone are in memory.
#pragma once

#include <cstdint>
#include <map>
#include <memory>
#include <string>
#include <utility>
#include <vector>

#include "common/data/batch_order.h"
#include "common/train/loop.h"
#include "tools/bias-learning/feedforward.h"
#include "tools/bias-learning/image_tasks.h"

namespace tenfold::bias_learning {

struct FeedforwardOptions {
  WeightSpec weights;
  std::vector<uint64_t> seeds;
  std::vector<std::string> methods;
  std::vector<TaskName> tasks;
  std::vector<std::string> first_method_only;  // tasks that only methods[0] trains
  int64_t epochs = 20, full_epochs = 20, batch = 100, cache_bytes = 0;
  double rate = 0;  // 0: the method's own
};

// A method on the tasks of one image set, of one seed.
struct Job {
  uint64_t seed = 0;
  size_t seed_index = 0;
  Method method = Method::kBias;
  std::string image_set;
  std::vector<TaskName> tasks;
  std::vector<TrainedTask> trained;    // one a task
  std::vector<double> losses;          // means of the epochs so far, over the tasks
  std::vector<double> train_accuracy;  // one a task, when done
  double epoch_sum = 0;
  int64_t first_step = 0, epochs = 0, steps_per_epoch = 0;

  int64_t steps() const { return epochs * steps_per_epoch; }
  std::string name() const;
};

struct Score {
  double accuracy = 0, loss = 0;
};

// On the images of `z`, whose labels [images] are given.
Score score_of(const TrainedTask& task, Preactivations& z, const std::vector<int64_t>& labels);

// float32 as a matrix of so many columns, without a copy.
at::Tensor matrix(const std::vector<float>& v, int64_t columns);

class FeedforwardProgram : public train::Program {
 public:
  FeedforwardProgram(const FeedforwardOptions& options, std::map<std::string, DataSet> data);

  int64_t total_steps() const { return total_steps_; }
  void step(int64_t step) override;
  std::vector<std::pair<int64_t, double>> drain_losses() override;
  Row evaluate(int64_t done) override;
  void visit_state(train::Archive& archive) override;
  std::string note() const override;

  const std::vector<Job>& jobs() const { return jobs_; }
  const RandomWeights& weights(size_t seed) const { return weights_[seed]; }
  const std::string& kept() const { return kept_; }  // of the largest set's pre-activations
  int64_t images_trained() const { return images_trained_; }
  double seconds_trained() const { return seconds_trained_; }

  // The test images of a set under a seed's weights; those of the last call are kept.
  Preactivations& test_set(const Job& job);
  const Images& test_images(const Job& job);
  Score test_score(const Job& job, size_t task);

 private:
  void prepare(const Job& job);

  FeedforwardOptions options_;
  std::map<std::string, DataSet> data_;
  std::vector<RandomWeights> weights_;
  std::vector<Job> jobs_;
  int64_t total_steps_ = 0, images_trained_ = 0;
  double seconds_trained_ = 0;
  std::vector<std::pair<int64_t, double>> losses_;
  std::string kept_;

  struct Prepared {
    std::string key;
    Images images;
    std::unique_ptr<Preactivations> z;
  } training_, testing_;
  std::unique_ptr<data::BatchOrder> order_;
  std::string order_key_;
};

}  // namespace tenfold::bias_learning
