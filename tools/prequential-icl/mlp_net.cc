#include "tools/prequential-icl/mlp_net.h"

#include <algorithm>
#include <cmath>

#include "common/kernels/philox_fill.h"

namespace tenfold::prequential_icl::mlp {
namespace {

constexpr int64_t kSmallestPass = 64;  // points, however small the batches are

std::vector<Layer> make_layers(const MlpFitOptions& o) {
  std::vector<Layer> layers;
  int64_t offset = 0, transposed_offset = 0;
  for (int64_t l = 0; l < o.layers; ++l) {
    Layer layer;
    layer.inputs = l == 0 ? o.inputs : o.width;
    layer.outputs = l + 1 == o.layers ? o.outputs : o.width;
    layer.depth = l == 0 ? o.inputs : padded(o.width);
    layer.shape = {layer.depth + 1, padded(layer.outputs)};
    layer.transposed = {layer.shape.columns, l == 0 ? 0 : layer.depth};
    layer.offset = offset;
    layer.transposed_offset = transposed_offset;
    layer.input_step = padded(layer.depth + 1);
    offset += layer.shape.size();
    transposed_offset += layer.transposed.size();
    layers.push_back(layer);
  }
  return layers;
}

int64_t total_size(const std::vector<Layer>& layers) {
  return layers.back().offset + layers.back().shape.size();
}

int64_t total_transposed(const std::vector<Layer>& layers) {
  return layers.back().transposed_offset + layers.back().transposed.size();
}

// Calls body(first, count) for the contiguous runs of a layer's weight (bias: false) or bias.
template <class Body>
void for_runs(const Layer& layer, bool bias, const Body& body) {
  for (int64_t first = 0; first < layer.shape.columns; first += kPanel) {
    const int64_t width = Panels::width(first, layer.shape.columns);
    const int64_t panel = layer.offset + first * layer.shape.depth;
    if (bias) {
      body(panel + layer.depth * width, width);
    } else {
      body(panel, layer.depth * width);
    }
  }
}

double sum_of_squares(const float* p, int64_t n) {
  Vector sum[4] = {};
  int64_t i = 0;
  for (; i + 4 * kLanes <= n; i += 4 * kLanes) {
    for (int v = 0; v < 4; ++v) {
      const Vector x = load(p + i + v * kLanes);
      sum[v] += x * x;
    }
  }
  const Vector lanes = (sum[0] + sum[1]) + (sum[2] + sum[3]);
  double total = 0;
  for (int64_t v = 0; v < kLanes; ++v) total += lanes[v];
  for (; i < n; ++i) total += double{p[i]} * p[i];
  return total;
}

}  // namespace

Net::Net(const MlpFitOptions& options)
    : layers_(make_layers(options)),
      capacity_(std::max(options.batch, kSmallestPass)),
      weights_(total_size(layers_)),
      gradients_(weights_.size()),
      first_(weights_.size()),
      second_(weights_.size()),
      transposed_(total_transposed(layers_)) {
  for (const Layer& layer : layers_) {
    activations_.emplace_back(capacity_ * layer.input_step);
    float* input = activations_.back().data();
    for (int64_t i = 0; i < capacity_; ++i) input[i * layer.input_step + layer.depth] = 1;
  }
  activations_.emplace_back(capacity_ * output_step());
}

void Net::scatter(const std::vector<float>& from, LineVector<float>* to) const {
  std::fill(to->begin(), to->end(), 0.0f);
  const float* next = from.data();
  for (const Layer& layer : layers_) {
    float* block = to->data() + layer.offset;
    for (int64_t o = 0; o < layer.outputs; ++o) {
      for (int64_t i = 0; i < layer.inputs; ++i) block[layer.shape.at(i, o)] = *next++;
    }
    for (int64_t o = 0; o < layer.outputs; ++o) block[layer.shape.at(layer.depth, o)] = *next++;
  }
}

std::vector<float> Net::gather(const LineVector<float>& from) const {
  std::vector<float> to;
  for (const Layer& layer : layers_) {
    const float* block = from.data() + layer.offset;
    for (int64_t o = 0; o < layer.outputs; ++o) {
      for (int64_t i = 0; i < layer.inputs; ++i) to.push_back(block[layer.shape.at(i, o)]);
    }
    for (int64_t o = 0; o < layer.outputs; ++o) to.push_back(block[layer.shape.at(layer.depth, o)]);
  }
  return to;
}

void Net::clear_moments() {
  std::fill(first_.begin(), first_.end(), 0.0f);
  std::fill(second_.begin(), second_.end(), 0.0f);
}

void Net::weights_changed() {
  for (const Layer& layer : layers_) {
    const float* block = weights_.data() + layer.offset;
    float* to = transposed_.data() + layer.transposed_offset;
    for (int64_t o = 0; o < layer.transposed.depth; ++o) {
      for (int64_t i = 0; i < layer.transposed.columns; ++i) {
        to[layer.transposed.at(o, i)] = block[layer.shape.at(i, o)];
      }
    }
  }
}

float* Net::forward(const float* x, const int64_t* rows, int64_t points, const Dropout* dropout) {
  const Layer& first = layers_.front();
  for (int64_t i = 0; i < points; ++i) {
    std::copy_n(x + rows[i] * first.inputs, first.inputs,
                activations_[0].data() + i * first.input_step);
  }
  const int64_t last = static_cast<int64_t>(layers_.size()) - 1;
  for (int64_t l = 0; l <= last; ++l) {
    const Layer& layer = layers_[l];
    const Left input = {activations_[l].data(), layer.input_step, 1};
    const float* w = weights_.data() + layer.offset;
    float* out = activations_[l + 1].data();
    const int64_t step = l == last ? output_step() : layers_[l + 1].input_step;
    if (l == last) {
      multiply_panels(input, points, w, layer.shape, layer.depth,
                      [=](int64_t row, int64_t column, const Vector& sum) {
                        store(out + row * step + column, sum);
                      });
    } else {  // a comparison that lets NaN through
      multiply_panels(input, points, w, layer.shape, layer.depth,
                      [=](int64_t row, int64_t column, const Vector& sum) {
                        store(out + row * step + column, sum < 0 ? Vector{} : sum);
                      });
      if (dropout != nullptr) drop(l, points, *dropout);
    }
  }
  return activations_.back().data();
}

void Net::drop(int64_t l, int64_t points, const Dropout& dropout) {
  constexpr int64_t kGroup = 4 * kernels::kPhiloxGroup;  // units
  const int64_t hidden = static_cast<int64_t>(layers_.size()) - 1, width = layers_[l].outputs;
  const int64_t groups = (width + kGroup - 1) / kGroup;
  const std::array<uint32_t, 2> key = {static_cast<uint32_t>(dropout.key),
                                       static_cast<uint32_t>(dropout.key >> 32)};
  for (int64_t i = 0; i < points; ++i) {
    float* values = activations_[l + 1].data() + i * layers_[l + 1].input_step;
    const int64_t row = (dropout.first_point + i) * hidden + l;
    for (int64_t g = 0; g < groups; ++g, values += kGroup) {
      uint32_t bits[kGroup];
      kernels::philox_fill(static_cast<uint64_t>((row * groups + g) * kernels::kPhiloxGroup), key,
                           bits);
      const int64_t n = std::min(kGroup, width - g * kGroup);
      for (int64_t u = 0; u < n; ++u) {
        values[u] = bits[u] >= dropout.threshold ? values[u] * dropout.scale : 0.0f;
      }
    }
  }
}

void Net::backward(int64_t points, float hidden_scale) {
  for (int64_t l = static_cast<int64_t>(layers_.size()) - 1; l >= 0; --l) {
    const Layer& layer = layers_[l];
    float* input = activations_[l].data();
    const float* above = activations_[l + 1].data();
    const int64_t step =
        l + 1 < static_cast<int64_t>(layers_.size()) ? layers_[l + 1].input_step : output_step();
    multiply_into_panels({input, 1, layer.input_step}, above, step, points, layer.shape,
                         gradients_.data() + layer.offset);
    if (l == 0) continue;
    // The gradient takes the place of the input, whose sign it needs for the last time here.
    multiply_panels({above, step, 1}, points, transposed_.data() + layer.transposed_offset,
                    layer.transposed, layer.outputs,
                    [=](int64_t row, int64_t column, const Vector& sum) {
                      float* at = input + row * layer.input_step + column;
                      store(at, load(at) > 0 ? sum * hidden_scale : Vector{});
                    });
  }
}

void Net::add_penalty(double l1, double l2) {
  const float* p = weights_.data();
  float* g = gradients_.data();
  for (const Layer& layer : layers_) {
    for (const bool bias : {false, true}) {
      double squares = 0;
      for_runs(layer, bias, [&](int64_t i, int64_t n) { squares += sum_of_squares(p + i, n); });
      const float pull = squares > 0 ? static_cast<float>(l2 / std::sqrt(squares)) : 0.0f;
      const float push = static_cast<float>(l1);
      for_runs(layer, bias, [&](int64_t first, int64_t n) {
        for (int64_t i = first; i < first + n; ++i) {
          g[i] += pull * p[i] + (p[i] > 0 ? push : p[i] < 0 ? -push : 0.0f);
        }
      });
    }
  }
}

double Net::gradient_norm() const {
  return std::sqrt(sum_of_squares(gradients_.data(), gradients_.size()));
}

void Net::step(int64_t number, double lr, float gradient_scale) {
  const double t = static_cast<double>(number);
  const float step_size = static_cast<float>(lr / (1 - std::pow(0.9, t)));
  const float root_scale = static_cast<float>(1 / std::sqrt(1 - std::pow(0.999, t)));
  const auto update = [&](int64_t at, int64_t n) {
    adam_step(n, gradients_.data() + at, gradient_scale, step_size, root_scale,
              weights_.data() + at, first_.data() + at, second_.data() + at);
  };
  for (const Layer& layer : layers_) {
    if (layer.transposed.columns == 0) {
      update(layer.offset, layer.shape.size());
      continue;
    }
    // Transposing fills the gaps that the divisions of the update leave.
    float* transposed = transposed_.data() + layer.transposed_offset;
    for (int64_t first = 0; first < layer.shape.columns; first += kPanel) {
      const int64_t width = Panels::width(first, layer.shape.columns);
      int64_t at = layer.offset + first * layer.shape.depth;
      for (int64_t row = 0; row < layer.depth; row += 8, at += 8 * width) {
        update(at, 8 * width);
        for (int64_t c = 0; c < width; c += 8) {
          const int64_t to_step = Panels::width(row / kPanel * kPanel, layer.depth);
          transpose_block(weights_.data() + at + c, width,
                          transposed + layer.transposed.at(first + c, row), to_step);
        }
      }
      update(at, width);
    }
  }
}

}  // namespace tenfold::prequential_icl::mlp
