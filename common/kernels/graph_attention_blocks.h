// graph_attention.h in blocks (blocks.h): a block takes one node, head after head, and its threads
// share the neighbours; scores are computed anew where they are needed. Nothing is added up by
// atomics: what a node gets as a neighbour is summed over those who listen to it.
#pragma once

#include <math.h>

#include "common/kernels/blocks.h"
#include "common/kernels/graph_attention.h"

namespace tenfold::kernels {

constexpr int kGraphThreads = 64;

// One head's arithmetic between two nodes.
struct GraphPairs {
  GraphAttentionShape shape;
  GraphAttentionInput input;
  const float *norms, *d_out;  // nullptr in the forward pass

  TENFOLD_HOST_DEVICE int64_t at(int64_t node, int64_t head) const {
    return (node * shape.heads + head) * shape.features;
  }
  // What the score's leaky function sees for a feature, of receiver i and sender j.
  TENFOLD_HOST_DEVICE float sum(int64_t i, int64_t j, int64_t head, int64_t f) const {
    return constant(input.left + at(j, head) + f) + constant(input.right + at(i, head) + f);
  }
  TENFOLD_HOST_DEVICE float slope_at(float u) const { return u > 0 ? 1.0f : shape.slope; }
  TENFOLD_HOST_DEVICE float score(int64_t i, int64_t j, int64_t head) const {
    float total = 0;
    for (int64_t f = 0; f < shape.features; ++f) {
      const float u = sum(i, j, head, f);
      total += constant(input.attn + f) * (slope_at(u) * u);
    }
    return total;
  }
  TENFOLD_HOST_DEVICE float weight(int64_t i, int64_t j, int64_t head) const {
    const float* norm = norms + 2 * (i * shape.heads + head);
    // A score that was computed anew may exceed the greatest one by its rounding.
    return expf(fminf(score(i, j, head) - constant(norm), 0.0f)) * constant(norm + 1);
  }
  TENFOLD_HOST_DEVICE float d_mean(int64_t i, int64_t f) const {
    return constant(d_out + i * shape.features + f) / float(shape.heads);
  }
  TENFOLD_HOST_DEVICE float d_weight(int64_t i, int64_t j, int64_t head) const {
    float total = 0;
    for (int64_t f = 0; f < shape.features; ++f)
      total += d_mean(i, f) * constant(input.right + at(j, head) + f);
    return total;
  }
};

// Memory of a block: some numbers a thread, and sums of features a thread.
struct GraphShared {
  float *number, *other, *features, *more;

  TENFOLD_HOST_DEVICE GraphShared(void* memory, int64_t width)
      : number(static_cast<float*>(memory)),
        other(number + kGraphThreads),
        features(other + kGraphThreads),
        more(features + kGraphThreads * width) {}
  static int64_t bytes(int64_t width) {
    return int64_t{sizeof(float)} * kGraphThreads * (2 + 2 * width);
  }
  TENFOLD_HOST_DEVICE static float total(const float* first, int64_t step) {
    float sum = 0;
    for (int t = 0; t < kGraphThreads; ++t) sum += first[t * step];
    return sum;
  }
};

// Calls body(other) for every kGraphThreads-th of a node's entries in `graph`, from `thread` on.
template <class Body>
TENFOLD_HOST_DEVICE inline void for_own_share(const Neighbours& graph, int64_t node, int thread,
                                              const Body& body) {
  const int32_t end = constant(graph.begin + node + 1);
  for (int32_t e = constant(graph.begin + node) + thread; e < end; e += kGraphThreads)
    body(int64_t{constant(graph.node + e)});
}

// A block a node, a round a head.
struct GraphNodeBlocks {
  GraphPairs pairs;

  int64_t blocks() const { return pairs.shape.nodes; }
  int threads() const { return kGraphThreads; }
  int64_t shared_bytes() const { return GraphShared::bytes(pairs.shape.features); }
  TENFOLD_HOST_DEVICE int64_t rounds(int64_t) const { return pairs.shape.heads; }
};

struct GraphForwardBlocks : GraphNodeBlocks {
  static constexpr int kPhases = 3;
  float *out, *norms;

  TENFOLD_HOST_DEVICE void operator()(int phase, const Place& at, void* memory) const {
    const int64_t width = pairs.shape.features, i = at.block, h = at.round;
    const GraphShared s(memory, width);
    if (phase == 0) {
      float high = -INFINITY;
      for_own_share(pairs.input.graph, i, at.thread,
                    [&](int64_t j) { high = fmaxf(high, pairs.score(i, j, h)); });
      s.number[at.thread] = high;
      return;
    }
    float high = -INFINITY;
    for (int t = 0; t < kGraphThreads; ++t) high = fmaxf(high, s.number[t]);
    if (phase == 1) {
      float sum = 0, *mean = s.features + at.thread * width;
      for (int64_t f = 0; f < width; ++f) mean[f] = 0;
      for_own_share(pairs.input.graph, i, at.thread, [&](int64_t j) {
        const float e = expf(pairs.score(i, j, h) - high);
        sum += e;
        for (int64_t f = 0; f < width; ++f)
          mean[f] += e * constant(pairs.input.right + pairs.at(j, h) + f);
      });
      s.other[at.thread] = sum;
      return;
    }
    const float part = 1.0f / GraphShared::total(s.other, 1);
    for (int64_t f = at.thread; f < width; f += kGraphThreads) {
      const float mean =
          GraphShared::total(s.features + f, width) * part / float(pairs.shape.heads);
      float* to = out + i * width + f;
      *to = h == 0 ? mean : *to + mean;
    }
    if (at.thread == 0) {
      norms[2 * (i * pairs.shape.heads + h)] = high;
      norms[2 * (i * pairs.shape.heads + h) + 1] = part;
    }
  }
};

// What comes to node i as a receiver: its own part of d_right, its part of d_attn, and the mean of
// its weights' gradients.
struct GraphReceiverBlocks : GraphNodeBlocks {
  static constexpr int kPhases = 3;
  float *d_right, *d_attn_of, *mean_of;  // [nodes, heads, features], [nodes, features], [nodes,
                                         // heads]

  TENFOLD_HOST_DEVICE void operator()(int phase, const Place& at, void* memory) const {
    const int64_t width = pairs.shape.features, i = at.block, h = at.round;
    const GraphShared s(memory, width);
    if (phase == 0) {
      float mean = 0;
      for_own_share(pairs.input.graph, i, at.thread,
                    [&](int64_t j) { mean += pairs.weight(i, j, h) * pairs.d_weight(i, j, h); });
      s.number[at.thread] = mean;
      return;
    }
    if (phase == 1) {
      const float mean = GraphShared::total(s.number, 1);
      float *own = s.features + at.thread * width, *attn = s.more + at.thread * width;
      for (int64_t f = 0; f < width; ++f) own[f] = attn[f] = 0;
      for_own_share(pairs.input.graph, i, at.thread, [&](int64_t j) {
        const float d_score = pairs.weight(i, j, h) * (pairs.d_weight(i, j, h) - mean);
        for (int64_t f = 0; f < width; ++f) {
          const float u = pairs.sum(i, j, h, f), d = d_score * pairs.slope_at(u);
          own[f] += d;
          attn[f] += d * u;
        }
      });
      if (at.thread == 0) mean_of[i * pairs.shape.heads + h] = mean;
      return;
    }
    for (int64_t f = at.thread; f < width; f += kGraphThreads) {
      d_right[pairs.at(i, h) + f] =
          constant(pairs.input.attn + f) * GraphShared::total(s.features + f, width);
      const float attn = GraphShared::total(s.more + f, width);
      float* to = d_attn_of + i * width + f;
      *to = h == 0 ? attn : *to + attn;
    }
  }
};

// What comes to node j as a neighbour of those who listen to it: d_left, and more to d_right.
struct GraphSenderBlocks : GraphNodeBlocks {
  static constexpr int kPhases = 2;
  Neighbours listeners;
  const float* mean_of;
  float *d_left, *d_right;

  TENFOLD_HOST_DEVICE void operator()(int phase, const Place& at, void* memory) const {
    const int64_t width = pairs.shape.features, j = at.block, h = at.round;
    const GraphShared s(memory, width);
    if (phase == 0) {
      float *left = s.features + at.thread * width, *right = s.more + at.thread * width;
      for (int64_t f = 0; f < width; ++f) left[f] = right[f] = 0;
      for_own_share(listeners, j, at.thread, [&](int64_t i) {
        const float weight = pairs.weight(i, j, h);
        const float d_score =
            weight * (pairs.d_weight(i, j, h) - constant(mean_of + i * pairs.shape.heads + h));
        for (int64_t f = 0; f < width; ++f) {
          left[f] += d_score * pairs.slope_at(pairs.sum(i, j, h, f));
          right[f] += weight * pairs.d_mean(i, f);
        }
      });
      return;
    }
    for (int64_t f = at.thread; f < width; f += kGraphThreads) {
      d_left[pairs.at(j, h) + f] =
          constant(pairs.input.attn + f) * GraphShared::total(s.features + f, width);
      d_right[pairs.at(j, h) + f] += GraphShared::total(s.more + f, width);
    }
  }
};

// d_attn[f] += the parts of all nodes: a block for every feature.
struct GraphAttnBlocks {
  static constexpr int kPhases = 2;
  int64_t nodes, features;
  const float* d_attn_of;
  float* d_attn;

  int64_t blocks() const { return features; }
  int threads() const { return kGraphThreads; }
  int64_t shared_bytes() const { return int64_t{sizeof(float)} * kGraphThreads; }

  TENFOLD_HOST_DEVICE void operator()(int phase, const Place& at, void* memory) const {
    auto* part = static_cast<float*>(memory);
    if (phase == 0) {
      float sum = 0;
      for (int64_t i = at.thread; i < nodes; i += kGraphThreads)
        sum += constant(d_attn_of + i * features + at.block);
      part[at.thread] = sum;
    } else if (at.thread == 0) {
      d_attn[at.block] += GraphShared::total(part, 1);
    }
  }
};

// `run` takes one body after the other.
template <class Run>
void graph_attention_by_blocks(const GraphAttentionShape& shape, const GraphAttentionInput& input,
                               float* out, float* norms, const Run& run) {
  run(GraphForwardBlocks{{{shape, input, nullptr, nullptr}}, out, norms});
}

template <class Run>
void graph_attention_backward_by_blocks(const GraphAttentionShape& shape,
                                        const GraphAttentionInput& input,
                                        const Neighbours& listeners, const float* norms,
                                        const float* d_out, float* scratch, float* d_left,
                                        float* d_right, float* d_attn, const Run& run) {
  const GraphPairs pairs{shape, input, norms, d_out};
  float *mean_of = scratch, *d_attn_of = scratch + shape.nodes * shape.heads;
  run(GraphReceiverBlocks{{pairs}, d_right, d_attn_of, mean_of});
  run(GraphSenderBlocks{{pairs}, listeners, mean_of, d_left, d_right});
  run(GraphAttnBlocks{shape.nodes, shape.features, d_attn_of, d_attn});
}

}  // namespace tenfold::kernels
