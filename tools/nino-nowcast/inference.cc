#include "tools/nino-nowcast/inference.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/addmm.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/mm.h>
#include <ATen/ops/mv.h>
#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>

#include "common/core/error.h"
#include "common/core/philox.h"
#include "common/kernels/edge_tile.h"
#include "tools/nino-nowcast/inference_maps.h"

namespace tenfold::nino_nowcast {
namespace {

constexpr int64_t kTile = 512;  // edges: a [512, 128] tile is 256 KiB, a quarter of the L2 cache

at::Tensor affine(const at::Tensor& s, const Affine& map) {
  return at::addmm(map.bias, s, map.weight);
}

// Edges that one aggregation sees, by position in the plan; empty `ids` means all.
struct EdgeSubset {
  std::vector<int64_t> ids;
  int64_t size = 0;
  int64_t at(int64_t i) const { return ids.empty() ? i : ids[size_t(i)]; }
};

EdgeSubset choose_edges(int64_t num_edges, const InferenceOptions& options, int64_t layer) {
  if (options.edge_sample_ratio >= 1) return {{}, num_edges};
  const auto count = static_cast<int64_t>(double(num_edges) * options.edge_sample_ratio);
  const Stream stream(options.seed, fmt::format("edge-sample/{}", layer), options.draw);
  return {stream.sample_sorted(num_edges, count), count};
}

// The buffers of one thread.
struct Workspace {
  Workspace(int64_t tile, int64_t input_width, int64_t width)
      : input(at::empty({tile, input_width})),
        even(at::empty({tile, width})),
        odd(at::empty({tile, width})),
        extra(at::empty({tile, width})),
        source(size_t(tile)),
        target(size_t(tile)) {}

  at::Tensor input, even, odd, extra;
  std::vector<int32_t> source, target;
};

// One prediction on one graph.
class Execution {
 public:
  Execution(const NinoMaps& maps, const GraphPlan& graph, const at::Tensor& scaled,
            const InferenceOptions& options)
      : maps_(maps),
        graph_(graph),
        options_(options),
        scaled_(scaled.contiguous()),
        values_(scaled_.data_ptr<float>()),
        ctx_(maps.config.ctx),
        width_(maps.config.hid),
        input_width_(graph.feature_size * ctx_ + maps.config.edge_types),
        tile_(std::min(kTile, options.chunk_size)) {}

  at::Tensor run(int64_t k) {
    at::Tensor x = node_features();
    for (size_t l = 0; l < maps_.convs.size(); ++l) {
      x = pass_messages(l, x);
      const bool activated = int64_t(l) + 1 < maps_.config.layers || maps_.config.final_edge_update;
      if (activated) x = x * x.sigmoid();
      source_terms_.push_back(affine(x, maps_.updates[l].source_term));
      target_terms_.push_back(affine(x, maps_.updates[l].target_term));
    }
    return read_out(k);
  }

 private:
  at::Tensor node_features() const {
    at::Tensor x = affine(graph_.pos, maps_.node_input);
    if (!maps_.word_table.defined()) return x;
    for (int64_t i = 0; i < graph_.num_nodes; ++i) {
      const int64_t row = graph_.word_position[size_t(i)];
      if (row >= maps_.word_table.size(0)) {
        throw DataError(
            fmt::format("word {}: the checkpoint's word table has {} words; use one without a "
                        "table (nino_no_posw)",
                        row, maps_.word_table.size(0) - 1));
      }
      x[i] += maps_.word_table[row];
    }
    return x;
  }

  // Runs `body(first, end, workspace)` over parts of [0, size) that never split the edges of one
  // target, so that every sum is made by one thread in one order.
  template <class Body>
  void parallel_by_target(const EdgeSubset& edges, const Body& body) const {
    const int64_t parts =
        std::max<int64_t>(1, at::in_parallel_region() ? 1 : at::get_num_threads());
    std::vector<int64_t> bound = {0};
    for (int64_t p = 1; p <= parts; ++p) {
      int64_t at = std::max(bound.back(), edges.size * p / parts);
      while (at > 0 && at < edges.size && target(edges, at) == target(edges, at - 1)) ++at;
      bound.push_back(at);
    }
    at::parallel_for(0, parts, 1, [&](int64_t begin, int64_t end) {
      const c10::InferenceMode guard;
      for (int64_t p = begin; p < end; ++p) {
        Workspace w(tile_, input_width_, width_);
        for (int64_t first = bound[size_t(p)]; first < bound[size_t(p) + 1]; first += tile_) {
          body(first, std::min(first + tile_, bound[size_t(p) + 1]), w);
        }
      }
    });
  }

  int32_t target(const EdgeSubset& edges, int64_t i) const {
    return graph_.target[size_t(edges.at(i))];
  }

  // Features and one-hot type of an edge.
  void fill_input_row(int64_t id, float* row) const {
    std::fill_n(row, input_width_, 0.0f);
    const int32_t type = graph_.type[size_t(id)];
    if (is_auxiliary(type)) {
      std::fill_n(row, ctx_, type == kSelfLoop ? 2.0f : 1.0f);
    } else {
      for (int64_t f = 0; f < graph_.feature_size; ++f) {
        const int64_t slot = graph_.slots[size_t(id * graph_.feature_size + f)];
        if (slot >= 0) std::copy_n(values_ + slot * ctx_, ctx_, row + f * ctx_);
      }
    }
    row[graph_.feature_size * ctx_ + type] = 1.0f;
  }

  // The hidden features of a tile after `depth` edge updates: [end - first, width].
  at::Tensor hidden(const EdgeSubset& edges, int64_t first, int64_t end, size_t depth,
                    Workspace& w) const {
    const int64_t n = end - first;
    float* row = w.input.data_ptr<float>();
    for (int64_t i = 0; i < n; ++i, row += input_width_) {
      const int64_t id = edges.at(first + i);
      w.source[size_t(i)] = graph_.source[size_t(id)];
      w.target[size_t(i)] = graph_.target[size_t(id)];
      fill_input_row(id, row);
    }
    at::Tensor s = w.input.narrow(0, 0, n);
    for (size_t l = 0; l < depth; ++l) {
      at::Tensor next = (l % 2 == 0 ? w.even : w.odd).narrow(0, 0, n);
      at::mm_out(next, s, maps_.updates[l].weight);
      kernels::gather_add_silu(next.data_ptr<float>(), source_terms_[l].data_ptr<float>(),
                               target_terms_[l].data_ptr<float>(), w.source.data(), w.target.data(),
                               n, width_);
      s = next;
    }
    return s;
  }

  // One message passing: x [N, h] -> W_o (W_q [x ; mean] + b_q) + b_o.
  at::Tensor pass_messages(size_t l, const at::Tensor& x) const {
    const NinoMaps::Conv& conv = maps_.convs[l];
    const EdgeSubset edges = choose_edges(graph_.num_edges, options_, int64_t(l));
    const at::Tensor target_term = affine(x, conv.target_term),
                     source_term = affine(x, conv.source_term);
    at::Tensor modulated = at::zeros({graph_.num_nodes, width_});
    at::Tensor hidden_sum = at::zeros({graph_.num_nodes, conv.scale.weight.size(0)});
    at::Tensor degree = at::zeros({graph_.num_nodes, 1});
    for (int64_t i = 0; i < edges.size; ++i) degree.data_ptr<float>()[target(edges, i)] += 1;
    parallel_by_target(edges, [&](int64_t first, int64_t end, Workspace& w) {
      const at::Tensor s = hidden(edges, first, end, l, w);
      at::Tensor scale = w.extra.narrow(0, 0, end - first);
      at::mm_out(scale, s, conv.scale.weight);
      kernels::gather_modulate_sum(scale.data_ptr<float>(), conv.scale.bias.data_ptr<float>(),
                                   source_term.data_ptr<float>(), w.source.data(), w.target.data(),
                                   modulated.data_ptr<float>(), end - first, width_);
      kernels::segment_sum(s.data_ptr<float>(), w.target.data(), hidden_sum.data_ptr<float>(),
                           end - first, s.size(1));
    });
    // What is linear in the edge: sum of scales (it multiplies the target's own term) and sum of
    // shifts.
    const at::Tensor scale_sum = at::mm(hidden_sum, conv.scale.weight) + degree * conv.scale.bias;
    const at::Tensor shift_sum = at::mm(hidden_sum, conv.shift.weight) + degree * conv.shift.bias;
    const at::Tensor mean = (modulated + target_term * scale_sum + shift_sum) / degree.clamp_min(1);
    return affine(x, conv.from_node) + at::mm(mean, conv.from_mean.weight);
  }

  at::Tensor read_out(int64_t k) const {
    const int64_t features = graph_.feature_size;
    at::Tensor result = scaled_.select(1, ctx_ - 1).clone();
    float* out = result.data_ptr<float>();
    const at::Tensor weight =
        maps_.output_weight.narrow(0, 0, features).select(1, k - 1).t().contiguous();
    const at::Tensor bias = maps_.output_bias.narrow(0, 0, features).select(1, k - 1).contiguous();
    const float* bias_values = bias.data_ptr<float>();
    const auto upd_scale = static_cast<float>(maps_.config.upd_scale);
    const EdgeSubset edges{{}, graph_.num_edges};
    parallel_by_target(edges, [&](int64_t first, int64_t end, Workspace& w) {
      const int64_t n = end - first;
      at::Tensor r = w.extra.narrow(0, 0, n);
      at::mm_out(r, hidden(edges, first, end, maps_.updates.size(), w), maps_.readout.weight);
      kernels::bias_silu(r.data_ptr<float>(), maps_.readout.bias.data_ptr<float>(), n, width_);
      const at::Tensor change = at::mm(r, weight);
      const float* d = change.data_ptr<float>();
      for (int64_t i = 0; i < n * features; ++i) {
        // Auxiliary edges have no slots.
        const int64_t slot = graph_.slots[size_t(first * features + i)];
        if (slot >= 0) out[slot] += upd_scale * (d[i] + bias_values[i % features]);
      }
    });
    return result;
  }

  const NinoMaps& maps_;
  const GraphPlan& graph_;
  const InferenceOptions& options_;
  const at::Tensor scaled_;
  const float* values_;
  const int64_t ctx_, width_, input_width_, tile_;
  std::vector<at::Tensor> source_terms_, target_terms_;  // [N, h], one per edge update so far
};

}  // namespace

GraphPlan GraphPlan::build(const NeuralGraph& graph, const at::Tensor& pos, int64_t dim) {
  if (pos.dim() != 2 || pos.size(0) != graph.num_nodes || pos.size(1) != dim) {
    throw DataError(fmt::format("pos: found shape [{}], expected [{}, {}] (nodes, eigenvectors)",
                                fmt::join(pos.sizes().vec(), ", "), graph.num_nodes, dim));
  }
  GraphPlan plan;
  plan.num_nodes = graph.num_nodes;
  plan.num_edges = graph.num_edges();
  plan.feature_size = graph.feature_size;
  plan.pos = pos.to(at::kFloat).contiguous();
  plan.word_position = graph.word_position;
  // Counting sort by target, stable.
  std::vector<int64_t> next(size_t(graph.num_nodes) + 1, 0);
  for (int32_t t : graph.target) ++next[size_t(t) + 1];
  for (size_t i = 1; i < next.size(); ++i) next[i] += next[i - 1];
  const size_t e = size_t(plan.num_edges), f = size_t(plan.feature_size);
  plan.source.resize(e);
  plan.target.resize(e);
  plan.type.resize(e);
  plan.slots.resize(e * f);
  for (size_t i = 0; i < e; ++i) {
    const size_t to = size_t(next[size_t(graph.target[i])]++);
    plan.source[to] = graph.source[i];
    plan.target[to] = graph.target[i];
    plan.type[to] = graph.type[i];
    std::copy_n(&graph.slots[i * f], f, &plan.slots[to * f]);
  }
  return plan;
}

NinoInference::NinoInference(const MetaModel& model, int64_t feature_size)
    : maps_(std::make_unique<NinoMaps>(model, feature_size)) {}

NinoInference::~NinoInference() = default;

at::Tensor NinoInference::predict(const GraphPlan& graph, const at::Tensor& scaled, int64_t k,
                                  const InferenceOptions& options) const {
  const c10::InferenceMode guard;
  return Execution(*maps_, graph, scaled, options).run(k);
}

double NinoInference::flops(const GraphPlan& graph) const {
  const double e = double(graph.num_edges), n = double(graph.num_nodes),
               h = double(maps_->config.hid);
  const double input = double(graph.feature_size * maps_->config.ctx + maps_->config.edge_types);
  const auto hidden = [&](size_t depth) {  // multiply-adds an edge
    return depth == 0 ? 0.0 : input * h + double(depth - 1) * h * h;
  };
  double edge = 0, node = double(maps_->config.lpe) * h;
  for (size_t l = 0; l < maps_->convs.size(); ++l) {
    edge += hidden(l) + (l == 0 ? input : h) * h + h;
    node += 8 * h * h;
  }
  edge += hidden(maps_->updates.size()) + h * h + h * double(graph.feature_size);
  return 2 * (e * edge + n * node);
}

struct WnnPlusInference::Maps {
  MetaConfig config;
  Affine input;  // W_0 (W_e s + b_e + E_t[type]) + b_0
  Affine hidden[2];
  at::Tensor output_weight, output_bias;  // [K, h], [K]
};

WnnPlusInference::WnnPlusInference(const MetaModel& model) : maps_(std::make_unique<Maps>()) {
  maps_->config = model.config;
  maps_->input =
      to_affine(compose(linear_of(model, "edge_mlp.fc.0"), input_linear(model, model.config.ctx)));
  maps_->hidden[0] = to_affine(linear_of(model, "edge_mlp.fc.2"));
  maps_->hidden[1] = to_affine(linear_of(model, "edge_mlp.fc.4"));
  maps_->output_weight = model.w("edge_mlp.fc.6.weight");
  maps_->output_bias = model.w("edge_mlp.fc.6.bias");
}

WnnPlusInference::~WnnPlusInference() = default;

at::Tensor WnnPlusInference::predict(const std::vector<int32_t>& type, const at::Tensor& scaled,
                                     int64_t k) const {
  const c10::InferenceMode guard;
  const Maps& m = *maps_;
  const int64_t p = scaled.size(0), ctx = m.config.ctx, h = m.config.hid,
                in = ctx + m.config.edge_types;
  const at::Tensor last = scaled.select(1, ctx - 1).contiguous();
  const at::Tensor states = scaled.contiguous();
  const at::Tensor output = m.output_weight.select(0, k - 1);
  const float bias = m.output_bias.data_ptr<float>()[k - 1];
  at::Tensor result = at::empty({p});
  at::parallel_for(0, (p + kTile - 1) / kTile, 1, [&](int64_t begin, int64_t end) {
    const c10::InferenceMode inner_guard;
    at::Tensor input = at::empty({kTile, in}), even = at::empty({kTile, h}),
               odd = at::empty({kTile, h});
    for (int64_t t = begin; t < end; ++t) {
      const int64_t first = t * kTile, n = std::min(kTile, p - first);
      at::Tensor s = input.narrow(0, 0, n).zero_();
      for (int64_t i = 0; i < n; ++i) {
        float* row = s.data_ptr<float>() + i * in;
        std::copy_n(states.data_ptr<float>() + (first + i) * ctx, ctx, row);
        row[ctx + type[size_t(first + i)]] = 1.0f;
      }
      at::Tensor z = even.narrow(0, 0, n);
      at::mm_out(z, s, m.input.weight);
      kernels::bias_silu(z.data_ptr<float>(), m.input.bias.data_ptr<float>(), n, h);
      for (const Affine& map : m.hidden) {
        at::Tensor next = (&map == &m.hidden[0] ? odd : even).narrow(0, 0, n);
        at::mm_out(next, z, map.weight);
        kernels::bias_silu(next.data_ptr<float>(), map.bias.data_ptr<float>(), n, h);
        z = next;
      }
      at::Tensor out = result.narrow(0, first, n);
      out.copy_(last.narrow(0, first, n) + (at::mv(z, output) + bias) * m.config.upd_scale);
    }
  });
  return result;
}

double WnnPlusInference::flops(int64_t num_params) const {
  const double h = double(maps_->config.hid),
               in = double(maps_->config.ctx + maps_->config.edge_types);
  return 2.0 * double(num_params) * (in * h + 2 * h * h + h);
}

}  // namespace tenfold::nino_nowcast
