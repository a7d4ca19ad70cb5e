// graph_attention.h where a good part of all pairs are neighbours: neighbours lie in the lanes of
// vectors, and who is none has a score of -infinity. Compiled once for every instruction set.
//
// With low = (1 + slope) / 2 and high = (1 - slope) / 2, leaky(u) = low u + high |u|. Of the
// score's sum the part of low u is one number for every node, and where d is the gradient of a
// score, that of its |u| is d with the sign of u, whose product with u is d |u|.
#pragma once

#include "common/kernels/attention_rows.h"
#include "common/kernels/graph_attention_isa.h"
#include "common/kernels/scratch_parts.h"

namespace tenfold::kernels::TENFOLD_ISA {

class DenseGraph {
 public:
  // Neighbours by lists cost about eight times as much a pair as in lanes.
  static bool fits(const GraphAttentionShape& shape, const Neighbours& graph) {
    return int64_t(graph.begin[shape.nodes]) * 8 >= shape.nodes * shape.nodes;
  }

  DenseGraph(const GraphAttentionShape& shape, const GraphAttentionInput& input)
      : shape_(shape),
        input_(input),
        pitch_(round_up(shape.nodes, kFloatLanes)),
        low_((1 + shape.slope) / 2),
        high_((1 - shape.slope) / 2),
        complete_(int64_t(input.graph.begin[shape.nodes]) == shape.nodes * shape.nodes) {}

  void forward(float* out, float* norms) {
    ScratchParts(thread_scratch()).lay_out([&](ScratchParts& p) { take_forward(p); });
    for (int64_t i = 0; i < shape_.nodes * shape_.features; ++i) out[i] = 0;
    for (int64_t h = 0; h < shape_.heads; ++h) {
      begin_head(h);
      for (int64_t i = 0; i < shape_.nodes; ++i) {
        float* norm = norms + 2 * (i * shape_.heads + h);
        scores(i, h, mask_of(i), weight_);
        softmax_row(weight_, pitch_, pitch_, 1.0f, norm);
        const float part = norm[1] / float(shape_.heads);
        float* to = out + i * shape_.features;
        for (int64_t f = 0; f < shape_.features; ++f)
          to[f] += part * dot_of(weight_, right_ + f * pitch_, pitch_);
      }
    }
  }

  void backward(const float* norms, const float* d_out, float* d_left, float* d_right,
                float* d_attn) {
    ScratchParts(thread_scratch()).lay_out([&](ScratchParts& p) {
      take_forward(p);
      d_score_ = p.take(kRows * pitch_);
      d_mean_ = p.take(kRows * shape_.features);
      d_own_ = p.take(shape_.nodes * shape_.features);
      signed_ = p.take(shape_.features * pitch_);
      to_right_ = p.take(shape_.features * pitch_);
      to_node_ = p.take(pitch_);
      own_sum_ = p.take(shape_.nodes);
    });
    for (int64_t h = 0; h < shape_.heads; ++h) {
      begin_head(h);
      for (int64_t k = 0; k < shape_.features * pitch_; ++k) signed_[k] = to_right_[k] = 0;
      for (int64_t j = 0; j < pitch_; ++j) to_node_[j] = 0;
      for (int64_t i = 0; i < shape_.nodes; i += kRows) backward_rows(i, h, norms, d_out, d_attn);
      finish_head(h, d_left, d_right, d_attn);
    }
  }

 private:
  static constexpr int kRows = 4;  // nodes at once in the backward pass
  static constexpr int kVectors = 4;

  void take_forward(ScratchParts& p) {
    left_ = p.take(shape_.features * pitch_);
    right_ = p.take(shape_.features * pitch_);
    base_ = p.take(pitch_);
    own_ = p.take(shape_.nodes);
    mask_ = p.take(pitch_);
    weight_ = p.take(kRows * pitch_);
  }

  const float* row(const float* of, int64_t node, int64_t h) const {
    return of + (node * shape_.heads + h) * shape_.features;
  }

  // Turns one head's features into rows of nodes, and sums what does not depend on pairs.
  void begin_head(int64_t h) {
    for (int64_t f = 0; f < shape_.features; ++f) {
      for (int64_t j = 0; j < pitch_; ++j) {
        left_[f * pitch_ + j] = j < shape_.nodes ? row(input_.left, j, h)[f] : 0;
        right_[f * pitch_ + j] = j < shape_.nodes ? row(input_.right, j, h)[f] : 0;
      }
    }
    for (int64_t j = 0; j < pitch_; ++j) base_[j] = j < shape_.nodes ? 0 : -INFINITY;
    for (int64_t j = 0; j < shape_.nodes; ++j) {
      base_[j] = low_ * dot_of(input_.attn, row(input_.left, j, h), shape_.features);
      own_[j] = low_ * dot_of(input_.attn, row(input_.right, j, h), shape_.features);
    }
  }

  // 0 for neighbours of node i and -infinity for others; nullptr where all are neighbours.
  const float* mask_of(int64_t i) {
    if (complete_) return nullptr;
    for (int64_t j = 0; j < pitch_; ++j) mask_[j] = -INFINITY;
    for (int32_t e = input_.graph.begin[i]; e < input_.graph.begin[i + 1]; ++e)
      mask_[input_.graph.node[e]] = 0;
    return mask_;
  }

  static Floats magnitude(const Floats& u) { return bits_of(u, 0x7fffffffu); }
  static Floats bits_of(const Floats& u, uint32_t kept) {
    Vector<uint32_t> bits;
    __builtin_memcpy(&bits, &u, sizeof u);
    bits &= kept;
    Floats v;
    __builtin_memcpy(&v, &bits, sizeof v);
    return v;
  }
  // d where u has no sign bit, -d where it has.
  static Floats with_sign_of(const Floats& u, const Floats& d) {
    Vector<uint32_t> sign, bits;
    __builtin_memcpy(&sign, &u, sizeof u);
    __builtin_memcpy(&bits, &d, sizeof d);
    bits ^= sign & 0x80000000u;
    Floats v;
    __builtin_memcpy(&v, &bits, sizeof v);
    return v;
  }

  void scores(int64_t i, int64_t h, const float* mask, float* to) const {
    int64_t j = 0;
    for (; j + kVectors * kFloatLanes <= pitch_; j += kVectors * kFloatLanes)
      scores_at<kVectors>(j, i, h, mask, to);
    for (; j < pitch_; j += kFloatLanes) scores_at<1>(j, i, h, mask, to);
  }

  template <int vectors>
  void scores_at(int64_t j, int64_t i, int64_t h, const float* mask, float* to) const {
    const float* own = row(input_.right, i, h);
    Floats sum[vectors] = {};
    for (int64_t f = 0; f < shape_.features; ++f) {
      const Floats mine = Floats{} + own[f], times = Floats{} + input_.attn[f];
      const float* other = left_ + f * pitch_ + j;
#pragma GCC unroll 4
      for (int v = 0; v < vectors; ++v)
        sum[v] += times * magnitude(load(other + v * kFloatLanes) + mine);
    }
    for (int v = 0; v < vectors; ++v) {
      const int64_t at = j + v * kFloatLanes;
      const Floats score = sum[v] * high_ + (load(base_ + at) + own_[i]);
      store(to + at, mask == nullptr ? score : score + load(mask + at));
    }
  }

  // Nodes i .. i + 3: their weights, the gradients of their scores, and what these bring to all.
  void backward_rows(int64_t i, int64_t h, const float* norms, const float* d_out, float* d_attn) {
    for (int r = 0; r < kRows; ++r) {
      float *weight = weight_ + r * pitch_, *d_score = d_score_ + r * pitch_,
            *d_mean = d_mean_ + r * shape_.features;
      if (i + r >= shape_.nodes) {
        for (int64_t j = 0; j < pitch_; ++j) weight[j] = d_score[j] = 0;
        for (int64_t f = 0; f < shape_.features; ++f) d_mean[f] = 0;
        continue;
      }
      for (int64_t f = 0; f < shape_.features; ++f)
        d_mean[f] = d_out[(i + r) * shape_.features + f] / float(shape_.heads);
      scores(i + r, h, mask_of(i + r), weight);
      own_sum_[i + r] =
          score_gradients(norms + 2 * ((i + r) * shape_.heads + h), d_mean, weight, d_score);
    }
    for (int64_t f = 0; f < shape_.features; ++f) add_feature(f, i, h, d_attn);
    for (int64_t j = 0; j < pitch_; j += kFloatLanes) {
      Floats sum = load(to_node_ + j);
      for (int r = 0; r < kRows; ++r) sum += load(d_score_ + r * pitch_ + j);
      store(to_node_ + j, sum);
    }
  }

  // Scores to weights, and the gradients of the scores; returns these gradients' sum.
  float score_gradients(const float* norm, const float* d_mean, float* weight,
                        float* d_score) const {
    const Floats zero = {};
    Floats mean = {};
    for (int64_t j = 0; j < pitch_; j += kFloatLanes) {
      // A score that was computed anew may exceed the greatest one by its rounding.
      const Floats below = load(weight + j) - norm[0];
      const Floats w = exp_negative(below < 0.0f ? below : zero) * norm[1];
      Floats d = {};
      for (int64_t f = 0; f < shape_.features; ++f) d += load(right_ + f * pitch_ + j) * d_mean[f];
      store(weight + j, w);
      store(d_score + j, d);
      mean += w * d;
    }
    const float all = sum_of(mean);
    Floats sum = {};
    for (int64_t j = 0; j < pitch_; j += kFloatLanes) {
      const Floats d = load(weight + j) * (load(d_score + j) - all);
      store(d_score + j, d);
      sum += d;
    }
    return sum_of(sum);
  }

  void add_feature(int64_t f, int64_t i, int64_t h, float* d_attn) {
    Floats mine[kRows], d_mean[kRows], own[kRows] = {}, attn = {};
    for (int r = 0; r < kRows; ++r) {
      mine[r] = Floats{} + (i + r < shape_.nodes ? row(input_.right, i + r, h)[f] : 0);
      d_mean[r] = Floats{} + d_mean_[r * shape_.features + f];
    }
    const float* left = left_ + f * pitch_;
    float *to_left = signed_ + f * pitch_, *to_right = to_right_ + f * pitch_;
    for (int64_t j = 0; j < pitch_; j += kFloatLanes) {
      const Floats other = load(left + j);
      Floats sum = load(to_left + j);
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) {
        const Floats u = other + mine[r];
        const Floats d = with_sign_of(u, load(d_score_ + r * pitch_ + j));
        sum += d;
        own[r] += d;
        attn += d * u;
      }
      store(to_left + j, sum);
    }
    for (int64_t j = 0; j < pitch_; j += kFloatLanes) {
      Floats read = load(to_right + j);
#pragma GCC unroll 4
      for (int r = 0; r < kRows; ++r) read += d_mean[r] * load(weight_ + r * pitch_ + j);
      store(to_right + j, read);
    }
    for (int r = 0; r < kRows && i + r < shape_.nodes; ++r)
      d_own_[(i + r) * shape_.features + f] = sum_of(own[r]);
    d_attn[f] += high_ * sum_of(attn);
  }

  void finish_head(int64_t h, float* d_left, float* d_right, float* d_attn) const {
    for (int64_t j = 0; j < shape_.nodes; ++j) {
      const float *left = row(input_.left, j, h), *right = row(input_.right, j, h);
      float *to_left = d_left + (left - input_.left), *to_right = d_right + (right - input_.right);
      for (int64_t f = 0; f < shape_.features; ++f) {
        const float a = input_.attn[f];
        to_left[f] = a * (low_ * to_node_[j] + high_ * signed_[f * pitch_ + j]);
        to_right[f] = to_right_[f * pitch_ + j] +
                      a * (low_ * own_sum_[j] + high_ * d_own_[j * shape_.features + f]);
        d_attn[f] += low_ * (to_node_[j] * left[f] + own_sum_[j] * right[f]);
      }
    }
  }

  const GraphAttentionShape& shape_;
  const GraphAttentionInput& input_;
  const int64_t pitch_;
  const float low_, high_;
  const bool complete_;
  // One head's [features][pitch], but own_ [nodes], d_mean_ [rows][features], rows of [pitch].
  float *left_ = nullptr, *right_ = nullptr, *base_ = nullptr, *own_ = nullptr, *mask_ = nullptr,
        *weight_ = nullptr, *d_score_ = nullptr, *d_mean_ = nullptr, *d_own_ = nullptr,
        *signed_ = nullptr, *to_right_ = nullptr, *to_node_ = nullptr, *own_sum_ = nullptr;
};

}  // namespace tenfold::kernels::TENFOLD_ISA
