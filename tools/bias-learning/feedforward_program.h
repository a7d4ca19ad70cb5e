// The training of several networks, methods, tasks and seeds as one program: one image set and one
// method after the other, so that the pre-activations of one image set alone are in memory.
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
  std::vector<Network> networks;    // more than one: a sweep; they share nothing
  std::vector<std::string> labels;  // of the networks of a sweep, in names
  std::vector<uint64_t> seeds;
  std::vector<std::string> methods;
  std::vector<TaskName> tasks;
  std::vector<std::string> first_method_only;  // tasks that only methods[0] trains
  int64_t epochs = 20, full_epochs = 20, batch = 100, cache_bytes = 0;
  double rate = 0;  // 0: the method's own
};

// A method on the tasks of one image set, of one network and seed.
struct Job {
  uint64_t seed = 0;
  size_t seed_index = 0, asked = 0;  // which of the networks asked for
  Network network;
  Method method = Method::kBias;
  std::string image_set, label;
  std::vector<TaskName> tasks;
  std::vector<TrainedTask> trained;         // one a task
  std::vector<std::vector<double>> losses;  // [tasks], means of the epochs so far
  std::vector<double> train_accuracy;       // one a task, when done
  std::vector<double> epoch_sum;            // [tasks]
  int64_t first_step = 0, epochs = 0, steps_per_epoch = 0;

  int64_t steps() const { return epochs * steps_per_epoch; }
  bool begun() const { return !losses[0].empty(); }
  bool done() const { return int64_t(losses[0].size()) == epochs; }
  std::string name(size_t task) const;  // TASK/METHOD, and the label of a network of a sweep
};

struct Score {
  double accuracy = 0, loss = 0;
};

// On the images of `z`, whose labels [images] are given.
Score score_of(const TrainedTask& task, const RandomWeights& weights, Preactivations& z,
               const std::vector<int64_t>& labels);

// B x of these images under these weights, within the budget; both, and `storage`, must outlive it.
std::unique_ptr<Preactivations> preactivations_of(const Images& images,
                                                  const RandomWeights& weights, int64_t budget,
                                                  at::Tensor& storage);

class FeedforwardProgram : public train::Program {
 public:
  // `data` must outlive the program.
  FeedforwardProgram(const FeedforwardOptions& options, const std::map<std::string, DataSet>& data);

  int64_t total_steps() const { return total_steps_; }
  void step(int64_t step) override;
  std::vector<std::pair<int64_t, double>> drain_losses() override;
  Row evaluate(int64_t done) override;
  void visit_state(train::Archive& archive) override;
  std::string note() const override;

  const std::vector<Job>& jobs() const { return jobs_; }
  const std::map<std::string, DataSet>& data() const { return data_; }
  int64_t images_trained() const { return images_trained_; }
  double seconds_trained() const { return seconds_trained_; }

  // Drawn anew where the call before was for other ones. Throws NumericError where those have
  // changed since they were drawn.
  const RandomWeights& weights(const Job& job) { return weights_of(job.network, job.seed); }
  const RandomWeights& weights_of(const Network& network, uint64_t seed);

  // How the pre-activations of a network's largest training set are kept.
  std::string kept(const Network& network) const;

  // The test images of a set under a job's weights; those of the last call are kept.
  Preactivations& test_set(const Job& job);
  Score test_score(const Job& job, size_t task);

 private:
  // An image set under the weights of a seed; the set itself where a task sees it as it is. Memory
  // goes from one to the next: freed in between, it would be taken to pieces.
  struct Prepared {
    std::string key;
    const Images* images = nullptr;
    Images viewed;
    std::unique_ptr<Preactivations> z;
  };
  void prepare(const Job& job, bool training);
  void check_frozen() const;  // throws NumericError where the weights are not as they were drawn

  FeedforwardOptions options_;
  const std::map<std::string, DataSet>& data_;
  std::vector<Job> jobs_;
  int64_t total_steps_ = 0, images_trained_ = 0;
  double seconds_trained_ = 0;
  std::vector<std::pair<int64_t, double>> losses_;

  RandomWeights weights_;
  std::string weights_hash_;
  uint64_t weights_seed_ = 0, order_seed_ = 0;
  Prepared prepared_;   // one at a time
  at::Tensor storage_;  // of its pre-activations
  Scratch scratch_;
  std::vector<int64_t> labels_;
  std::vector<double> step_losses_;  // one a task
  std::unique_ptr<data::BatchOrder> order_;
  std::string order_key_;
};

}  // namespace tenfold::bias_learning
