// The networks that are trained: MLP and ConvNet (specification, section 3.1), on one flat
// parameter vector, with hand-written backward passes.
#pragma once

#include <ATen/core/Tensor.h>

#include <cstdint>
#include <string>
#include <vector>

#include "tools/nino-nowcast/arch.h"

namespace tenfold::nino_nowcast {

struct NetSpec {
  bool conv = false;
  std::vector<int64_t> hidden;  // widths of the hidden layers (conv: output channels)
  bool batch_norm = false;      // conv only
  bool bias = true;             // of the conv layers; the last linear layer always has one
  int64_t channels = 1, image_size = 28, classes = 10;
};

class TargetNet {
 public:
  // Throws UsageError for no hidden layers, or batch norm on an MLP.
  explicit TargetNet(const NetSpec& spec);

  const Architecture& architecture() const { return arch_; }
  int64_t num_params() const { return num_params_; }
  int64_t num_buffers() const { return num_buffers_; }  // running means and variances

  // PyTorch's default initialisation: weights and biases U(+-1/sqrt(fan_in)), norms 1 and 0;
  // numbers from the stream (seed, "init"), one substream a tensor. params [P], buffers
  // [num_buffers] float32.
  void initialise(const at::Tensor& params, const at::Tensor& buffers, uint64_t seed) const;

  // Mean cross-entropy of a batch and its gradient.
  //   params [P], gradient [P] (overwritten), buffers (running statistics are updated),
  //   x [batch, channel, row, column], y [batch] int64
  // Returns the loss, 0-dimensional.
  at::Tensor loss_and_gradient(const at::Tensor& params, const at::Tensor& buffers,
                               const at::Tensor& x, const at::Tensor& y,
                               const at::Tensor& gradient) const;

  // Logits [batch, classes]; `training` uses batch statistics (without updating the running ones).
  at::Tensor logits(const at::Tensor& params, const at::Tensor& buffers, const at::Tensor& x,
                    bool training = false) const;

  // Mean loss over a data set and the fraction of right answers, in batches, in evaluation mode.
  struct Score {
    double loss, accuracy;
  };
  Score evaluate(const at::Tensor& params, const at::Tensor& buffers, const at::Tensor& x,
                 const at::Tensor& y) const;

  // "running_mean", ... of every norm layer with offset and length in the buffer vector.
  struct Buffer {
    std::string name;
    int64_t offset, size;
  };
  const std::vector<Buffer>& buffer_layout() const { return buffer_layout_; }

 private:
  enum class Kind { kConv, kLinear, kNorm, kRelu, kPool, kFlatten };
  struct Layer {
    Kind kind;
    int64_t weight = -1, bias = -1;  // offsets into the parameter vector; -1: none
    std::vector<int64_t> weight_shape;
    int64_t stride = 1, padding = 0;
    int64_t running = -1;  // norm: offset of the mean; the variance follows
  };
  struct Trace;  // what the backward pass needs of the forward pass

  void add_weight(const std::string& name, Layer layer, bool bias);
  void add_norm(const std::string& name, int64_t channels);
  at::Tensor forward(const at::Tensor& params, const at::Tensor& buffers, at::Tensor x,
                     bool training, bool update_running, Trace* trace) const;
  at::Tensor backward_layer(size_t index, const at::Tensor& params, const Trace& trace,
                            const at::Tensor& grad_output, const at::Tensor& gradient) const;

  Architecture arch_;
  std::vector<Layer> layers_;
  std::vector<Buffer> buffer_layout_;
  int64_t num_params_ = 0, num_buffers_ = 0;
};

}  // namespace tenfold::nino_nowcast
