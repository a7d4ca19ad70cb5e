// Training by tensor operators, all networks of a task at once, on whatever device: what --device
// cuda runs. The numbers are those of network.h up to rounding.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <vector>

#include "tools/rich-lazy/network.h"
#include "tools/rich-lazy/tasks.h"

namespace tenfold::rich_lazy {

class TensorTraining {
 public:
  // One network's part: where its numbers are on the host, and which trials it sees.
  struct Member {
    Weights* weights;
    Optimizer* optimizer;
    size_t source;
  };

  // `members` are of one shape, and their optimisers of one rule and momentum; `sources` is how
  // many different trials an iteration has.
  TensorTraining(const NetworkShape& shape, std::vector<Member> members, size_t sources,
                 at::Device device);

  // Between the host and the device: weights, velocities, squares.
  void upload(const std::vector<bool>& alive);
  void download();

  // Losses [members, iterations], before each update, of iterations first, first + 1, ...: batches
  // [iterations][sources] of `batch` trials. A network whose loss is not finite keeps its weights
  // from then on. The host waits for the device once, for the losses.
  std::vector<float> train(const std::vector<std::vector<const Trials*>>& batches, int64_t first);

 private:
  void copy(bool to_device);
  at::Tensor losses(const at::Tensor& x, const at::Tensor& labels) const;  // [members]
  void update(const std::vector<at::Tensor>& gradients, int64_t step);

  NetworkShape shape_;
  std::vector<Member> members_;
  size_t sources_;
  at::Device device_;
  std::vector<at::Tensor> weights_, velocity_, square_;  // W_rec, W_in, W_out [members, ...]
  at::Tensor alive_, source_of_, rate_;                  // [members]
};

}  // namespace tenfold::rich_lazy
