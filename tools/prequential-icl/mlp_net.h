// The network of one fit in padded panels: forward, backward and the optimiser's step.
#pragma once

#include <cstdint>
#include <vector>

#include "tools/prequential-icl/line_vector.h"
#include "tools/prequential-icl/mlp_fit.h"
#include "tools/prequential-icl/mlp_kernel.h"

namespace tenfold::prequential_icl::mlp {

// Where one Linear layer lies. Padded rows and columns are zero and stay zero.
struct Layer {
  int64_t inputs, outputs;  // as the user counts them
  int64_t depth;      // inputs, padded for hidden layers; row `depth` of the shape is the bias
  Panels shape;       // [depth + 1, padded outputs]
  Panels transposed;  // [padded outputs, depth], for the gradient of the layer's input
  int64_t offset, transposed_offset;
  int64_t input_step;  // from one point of the layer's input to the next; entry `depth` is 1
};

class Net {
 public:
  explicit Net(const MlpFitOptions& options);

  // Between the order of mlp_initial_weights and panels.
  void scatter(const std::vector<float>& from, LineVector<float>* to) const;
  std::vector<float> gather(const LineVector<float>& from) const;

  LineVector<float>& weights() { return weights_; }
  LineVector<float>& gradients() { return gradients_; }
  LineVector<float>& first_moments() { return first_; }
  LineVector<float>& second_moments() { return second_; }
  int64_t capacity() const { return capacity_; }  // points in one pass
  void clear_moments();
  void weights_changed();  // refreshes what is derived from them

  // Keeps unit u of hidden layer l of an epoch's point i where its 32 random bits reach
  // `threshold`: word (i (layers - 1) + l) w + u of the Philox stream of this key, w the width
  // rounded up to 64.
  struct Dropout {
    uint64_t key;
    uint32_t threshold;
    float scale;
    int64_t first_point;
  };

  // Outputs [points, output_step()] of the points rows[0..points-1] of x; null: no dropout.
  float* forward(const float* x, const int64_t* rows, int64_t points, const Dropout* dropout);
  int64_t output_step() const { return layers_.back().shape.columns; }

  // The gradients, from those of the outputs, which lie where forward() left the outputs;
  // hidden_scale is the dropout's scale, else 1.
  void backward(int64_t points, float hidden_scale);
  void add_penalty(double l1, double l2);
  double gradient_norm() const;
  void step(int64_t number, double lr, float gradient_scale);

 private:
  void drop(int64_t layer, int64_t points, const Dropout& dropout);

  std::vector<Layer> layers_;
  int64_t capacity_;
  LineVector<float> weights_, gradients_, first_, second_, transposed_;
  std::vector<LineVector<float>> activations_;  // input of every layer, then the outputs
};

}  // namespace tenfold::prequential_icl::mlp
