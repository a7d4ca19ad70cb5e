// The arithmetic of graph_attention.h, compiled once for every instruction set.
#pragma once

#include "common/kernels/graph_attention_dense.h"

namespace tenfold::kernels::TENFOLD_ISA {

// Features of a head lie in whole vectors, zero beyond the last: [nodes][heads][pitch].
struct NodeRows {
  const GraphAttentionShape& shape;
  int64_t pitch;

  explicit NodeRows(const GraphAttentionShape& s)
      : shape(s), pitch(round_up(s.features, kFloatLanes)) {}

  int64_t floats() const { return shape.nodes * shape.heads * pitch; }
  int64_t at(int64_t node, int64_t head) const { return (node * shape.heads + head) * pitch; }

  void fill(const float* from, int64_t rows, float* to) const {
    for (int64_t r = 0; r < rows; ++r, from += shape.features, to += pitch) {
      for (int64_t f = 0; f < shape.features; ++f) to[f] = from[f];
      for (int64_t f = shape.features; f < pitch; ++f) to[f] = 0;
    }
  }
  void take_back(const float* from, int64_t rows, float* to) const {
    for (int64_t r = 0; r < rows; ++r, from += pitch, to += shape.features)
      for (int64_t f = 0; f < shape.features; ++f) to[f] = from[f];
  }
};

static inline Floats leaky(const Floats& u, float slope) {
  const Floats low = u * slope;
  return u > low ? u : low;
}

static int64_t most_neighbours(const GraphAttentionShape& shape, const Neighbours& graph) {
  int64_t most = 0;
  for (int64_t i = 0; i < shape.nodes; ++i) {
    const int64_t count = graph.begin[i + 1] - graph.begin[i];
    most = count > most ? count : most;
  }
  return most;
}

// The scores of node i's neighbours under one head.
static inline void scores_of(const NodeRows& rows, const GraphAttentionInput& input, int64_t i,
                             int64_t h, const float* left, const float* right, const float* attn,
                             float* score) {
  const int32_t *first = input.graph.node + input.graph.begin[i],
                *end = input.graph.node + input.graph.begin[i + 1];
  const float* own = right + rows.at(i, h);
  for (const int32_t* j = first; j != end; ++j) {
    const float* other = left + rows.at(*j, h);
    Floats sum = {};
    for (int64_t f = 0; f < rows.pitch; f += kFloatLanes)
      sum += load(attn + f) * leaky(load(other + f) + load(own + f), rows.shape.slope);
    score[j - first] = sum_of(sum);
  }
}

static void graph_attention(const GraphAttentionShape& shape, const GraphAttentionInput& input,
                            float* out, float* norms) {
  if (DenseGraph::fits(shape, input.graph)) return DenseGraph(shape, input).forward(out, norms);
  const NodeRows rows(shape);
  const int64_t most = round_up(most_neighbours(shape, input.graph), kFloatLanes);
  float *left = nullptr, *right = nullptr, *attn = nullptr, *score = nullptr, *mean = nullptr;
  ScratchParts(thread_scratch()).lay_out([&](ScratchParts& p) {
    left = p.take(rows.floats());
    right = p.take(rows.floats());
    attn = p.take(rows.pitch);
    score = p.take(most);
    mean = p.take(rows.pitch);
  });
  rows.fill(input.left, shape.nodes * shape.heads, left);
  rows.fill(input.right, shape.nodes * shape.heads, right);
  rows.fill(input.attn, 1, attn);
  for (int64_t i = 0; i < shape.nodes; ++i) {
    const int32_t* node = input.graph.node + input.graph.begin[i];
    const int64_t count = input.graph.begin[i + 1] - input.graph.begin[i];
    for (int64_t f = 0; f < rows.pitch; ++f) mean[f] = 0;
    for (int64_t h = 0; h < shape.heads; ++h) {
      float* norm = norms + 2 * (i * shape.heads + h);
      scores_of(rows, input, i, h, left, right, attn, score);
      softmax_row(score, count, round_up(count, kFloatLanes), 1.0f, norm);
      const float part = norm[1] / float(shape.heads);
      for (int64_t n = 0; n < count; ++n) {
        const float* read = right + rows.at(node[n], h);
        const Floats weight = Floats{} + score[n] * part;
        for (int64_t f = 0; f < rows.pitch; f += kFloatLanes)
          store(mean + f, load(mean + f) + weight * load(read + f));
      }
    }
    rows.take_back(mean, 1, out + i * shape.features);
  }
}

// e^(score - most) / sum of the neighbours, from what the forward pass kept.
static inline void weights_of(const float* norm, int64_t count, float* score) {
  for (int64_t n = 0; n < round_up(count, kFloatLanes); n += kFloatLanes) {
    // A score that was computed anew may exceed the greatest one by its rounding.
    const Floats below = load(score + n) - norm[0], zero = {};
    store(score + n, exp_negative(below < 0.0f ? below : zero) * norm[1]);
  }
}

static void graph_attention_backward(const GraphAttentionShape& shape,
                                     const GraphAttentionInput& input, const float* norms,
                                     const float* d_out, float* d_left, float* d_right,
                                     float* d_attn) {
  if (DenseGraph::fits(shape, input.graph))
    return DenseGraph(shape, input).backward(norms, d_out, d_left, d_right, d_attn);
  const NodeRows rows(shape);
  const int64_t most = round_up(most_neighbours(shape, input.graph), kFloatLanes);
  float *left = nullptr, *right = nullptr, *attn = nullptr, *weight = nullptr, *d_weight = nullptr,
        *d_mean = nullptr, *to_left = nullptr, *to_right = nullptr, *to_attn = nullptr;
  ScratchParts(thread_scratch()).lay_out([&](ScratchParts& p) {
    left = p.take(rows.floats());
    right = p.take(rows.floats());
    to_left = p.take(rows.floats());
    to_right = p.take(rows.floats());
    attn = p.take(rows.pitch);
    to_attn = p.take(rows.pitch);
    weight = p.take(most);
    d_weight = p.take(most);
    d_mean = p.take(rows.pitch);
  });
  rows.fill(input.left, shape.nodes * shape.heads, left);
  rows.fill(input.right, shape.nodes * shape.heads, right);
  rows.fill(input.attn, 1, attn);
  for (int64_t f = 0; f < rows.floats(); ++f) to_left[f] = to_right[f] = 0;
  for (int64_t f = 0; f < rows.pitch; ++f) to_attn[f] = 0;
  const float slope = shape.slope;
  for (int64_t i = 0; i < shape.nodes; ++i) {
    const int32_t* node = input.graph.node + input.graph.begin[i];
    const int64_t count = input.graph.begin[i + 1] - input.graph.begin[i];
    rows.fill(d_out + i * shape.features, 1, d_mean);
    for (int64_t f = 0; f < rows.pitch; ++f) d_mean[f] /= float(shape.heads);
    for (int64_t h = 0; h < shape.heads; ++h) {
      scores_of(rows, input, i, h, left, right, attn, weight);
      weights_of(norms + 2 * (i * shape.heads + h), count, weight);
      float mean = 0;  // of d_weight under the weights
      for (int64_t n = 0; n < count; ++n) {
        const float* read = right + rows.at(node[n], h);
        float* to = to_right + rows.at(node[n], h);
        Floats sum = {};
        for (int64_t f = 0; f < rows.pitch; f += kFloatLanes) {
          const Floats d = load(d_mean + f);
          sum += d * load(read + f);
          store(to + f, load(to + f) + d * weight[n]);
        }
        d_weight[n] = sum_of(sum);
        mean += weight[n] * d_weight[n];
      }
      const float* own = right + rows.at(i, h);
      float* to_own = to_right + rows.at(i, h);
      for (int64_t n = 0; n < count; ++n) {
        const float d_score = weight[n] * (d_weight[n] - mean);
        const float* other = left + rows.at(node[n], h);
        float* to = to_left + rows.at(node[n], h);
        for (int64_t f = 0; f < rows.pitch; f += kFloatLanes) {
          const Floats u = load(other + f) + load(own + f), low = u * slope;
          const Floats one = Floats{} + 1.0f, less = Floats{} + slope;
          store(to_attn + f, load(to_attn + f) + (u > low ? u : low) * d_score);
          const Floats d = load(attn + f) * (u > low ? one : less) * d_score;
          store(to + f, load(to + f) + d);
          store(to_own + f, load(to_own + f) + d);
        }
      }
    }
  }
  rows.take_back(to_left, shape.nodes * shape.heads, d_left);
  rows.take_back(to_right, shape.nodes * shape.heads, d_right);
  for (int64_t f = 0; f < shape.features; ++f) d_attn[f] += to_attn[f];
}

static void graph_attention_weights(const GraphAttentionShape& shape,
                                    const GraphAttentionInput& input, const float* norms,
                                    float* weight) {
  const NodeRows rows(shape);
  float *left = nullptr, *right = nullptr, *attn = nullptr, *score = nullptr;
  const int64_t most = round_up(most_neighbours(shape, input.graph), kFloatLanes);
  ScratchParts(thread_scratch()).lay_out([&](ScratchParts& p) {
    left = p.take(rows.floats());
    right = p.take(rows.floats());
    attn = p.take(rows.pitch);
    score = p.take(most);
  });
  rows.fill(input.left, shape.nodes * shape.heads, left);
  rows.fill(input.right, shape.nodes * shape.heads, right);
  rows.fill(input.attn, 1, attn);
  for (int64_t i = 0; i < shape.nodes; ++i) {
    const int64_t first = input.graph.begin[i], count = input.graph.begin[i + 1] - first;
    for (int64_t h = 0; h < shape.heads; ++h) {
      scores_of(rows, input, i, h, left, right, attn, score);
      weights_of(norms + 2 * (i * shape.heads + h), count, score);
      for (int64_t n = 0; n < count; ++n) weight[(first + n) * shape.heads + h] = score[n];
    }
  }
}

}  // namespace tenfold::kernels::TENFOLD_ISA
