#include "tools/nino-nowcast/inference.h"

#include <ATen/Parallel.h>
#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/zeros.h>
#include <c10/core/InferenceMode.h>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cstring>

#include "common/core/error.h"
#include "common/core/philox.h"
#include "common/kernels/edge_linear.h"
#include "common/kernels/edge_tile.h"
#include "tools/nino-nowcast/inference_maps.h"

namespace tenfold::nino_nowcast {
namespace {

constexpr int64_t kTile = 192;  // edges: two [192, 128] tiles and a matrix fit into the L2 cache
// Hidden features of all edges up to this size are kept for the next pass, not computed again.
constexpr int64_t kKeptBytes = 64 << 20;

bool keeps_hidden(int64_t edges, int64_t width) {
  return edges * width * int64_t(sizeof(float)) <= kKeptBytes;
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
        source(size_t(tile)),
        target(size_t(tile)),
        type(size_t(tile)) {}

  at::Tensor input, even, odd;
  std::vector<int32_t> source, target, type;
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
        input_width_(graph.feature_size * ctx_),
        tile_(std::min(kTile, options.chunk_size)),
        keep_(options.edge_sample_ratio >= 1 && keeps_hidden(graph.num_edges, width_)) {}

  at::Tensor run(int64_t k) {
    at::Tensor x = node_features();
    for (size_t l = 0; l < maps_.convs.size(); ++l) {
      x = pass_messages(l, x);
      const bool activated = int64_t(l) + 1 < maps_.config.layers || maps_.config.final_edge_update;
      if (activated) x = x * x.sigmoid();
      source_terms_.push_back(maps_.updates[l].source_term(x));
      target_terms_.push_back(maps_.updates[l].target_term(x));
    }
    return read_out(k);
  }

 private:
  at::Tensor node_features() const {
    at::Tensor x = maps_.node_input(graph_.pos);
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
        Workspace w(tile_, input_width_, std::max(width_, graph_.feature_size));
        for (int64_t first = bound[size_t(p)]; first < bound[size_t(p) + 1]; first += tile_) {
          body(first, std::min(first + tile_, bound[size_t(p) + 1]), w);
        }
      }
    });
  }

  int32_t target(const EdgeSubset& edges, int64_t i) const {
    return graph_.target[size_t(edges.at(i))];
  }

  // The features of an edge, [F' * c].
  void fill_input_row(int64_t id, float* row) const {
    const int32_t type = graph_.type[size_t(id)];
    if (is_auxiliary(type)) {
      std::fill_n(row, input_width_, 0.0f);
      std::fill_n(row, ctx_, type == kSelfLoop ? 2.0f : 1.0f);
      return;
    }
    const int64_t* slots = &graph_.slots[size_t(id * graph_.feature_size)];
    for (int64_t f = 0; f < graph_.feature_size; ++f, row += ctx_) {
      if (slots[f] < 0) {
        std::fill_n(row, ctx_, 0.0f);
      } else {
        copy_snapshots(values_ + slots[f] * ctx_, row);
      }
    }
  }

  void copy_snapshots(const float* from, float* to) const {
    constexpr int64_t kUsual = 5;  // known to the compiler: two moves instead of a call
    if (ctx_ == kUsual) {
      std::memcpy(to, from, kUsual * sizeof(float));
    } else {
      std::copy_n(from, ctx_, to);
    }
  }

  // Ends and types of a tile's edges.
  void load_edges(const EdgeSubset& edges, int64_t first, int64_t end, Workspace& w) const {
    for (int64_t i = 0; i < end - first; ++i) {
      const auto id = size_t(edges.at(first + i));
      w.source[size_t(i)] = graph_.source[id];
      w.target[size_t(i)] = graph_.target[id];
      w.type[size_t(i)] = graph_.type[id];
    }
  }

  // The features of a tile's edges after `depth` edge updates, [end - first, F' c or width]; valid
  // until the next call with this workspace. Needs load_edges.
  const float* hidden(const EdgeSubset& edges, int64_t first, int64_t end, size_t depth,
                      Workspace& w) const {
    const bool from_kept = keep_ && depth > 0 && kept_depth_ > 0;
    const float* s = from_kept ? kept_[kept_depth_ % 2].data_ptr<float>() + first * width_
                               : input_rows(edges, first, end, w);
    for (size_t l = from_kept ? kept_depth_ : 0; l < depth; ++l) {
      const RowMap& map = maps_.updates[l].edge;
      float* next = (l % 2 == 0 ? w.even : w.odd).data_ptr<float>();
      // Where it will be asked for again.
      if (keep_ && l + 1 == depth && depth < maps_.convs.size()) {
        next = kept_[depth % 2].data_ptr<float>() + first * width_;
      }
      kernels::linear_silu(s, map.weight,
                           {{source_terms_[l].data_ptr<float>(), w.source.data()},
                            {target_terms_[l].data_ptr<float>(), w.target.data()},
                            map.term(w.type.data())},
                           next, end - first);
      s = next;
    }
    return s;
  }

  const float* input_rows(const EdgeSubset& edges, int64_t first, int64_t end, Workspace& w) const {
    float* row = w.input.data_ptr<float>();
    for (int64_t i = first; i < end; ++i, row += input_width_) fill_input_row(edges.at(i), row);
    return w.input.data_ptr<float>();
  }

  // One message passing: x [N, h] -> W_o (W_q [x ; mean] + b_q) + b_o.
  at::Tensor pass_messages(size_t l, const at::Tensor& x) {
    const NinoMaps::Conv& conv = maps_.convs[l];
    const EdgeSubset edges = choose_edges(graph_.num_edges, options_, int64_t(l));
    const at::Tensor target_term = conv.target_term(x), source_term = conv.source_term(x);
    const int64_t inputs = conv.scale.weight.in();
    at::Tensor modulated = at::zeros({graph_.num_nodes, width_});
    at::Tensor hidden_sum = at::zeros({graph_.num_nodes, inputs});
    if (keep_ && l > 0) kept_[l % 2] = at::empty({graph_.num_edges, width_});
    parallel_by_target(edges, [&](int64_t first, int64_t end, Workspace& w) {
      load_edges(edges, first, end, w);
      const float* s = hidden(edges, first, end, l, w);
      kernels::linear_modulate_sum(s, conv.scale.weight, conv.scale.term(w.type.data()),
                                   source_term.data_ptr<float>(), w.source.data(), w.target.data(),
                                   modulated.data_ptr<float>(), end - first);
      kernels::segment_sum(s, w.target.data(), hidden_sum.data_ptr<float>(), end - first, inputs);
    });
    if (keep_) kept_depth_ = l;
    const at::Tensor types = type_counts(edges);
    const at::Tensor degree = types.sum(1, true);
    // What is linear in the edge: sum of scales (it multiplies the target's own term) and sum of
    // shifts.
    const at::Tensor scale_sum = sum_of(conv.scale, hidden_sum, types, degree);
    const at::Tensor shift_sum = sum_of(conv.shift, hidden_sum, types, degree);
    const at::Tensor mean = (modulated + target_term * scale_sum + shift_sum) / degree.clamp_min(1);
    return conv.from_node(x).add_(conv.from_mean(mean));
  }

  // The sum of map(s) over the edges into each node, [N, h]: hidden_sum [N, in] is that of s.
  at::Tensor sum_of(const RowMap& map, const at::Tensor& hidden_sum, const at::Tensor& types,
                    const at::Tensor& degree) const {
    at::Tensor sum = at::empty({graph_.num_nodes, width_});
    kernels::linear(hidden_sum.data_ptr<float>(), map.weight, {}, sum.data_ptr<float>(),
                    graph_.num_nodes);
    return sum.addmm_(map.by_type ? types : degree, map.table);
  }

  // How many of the edges into a node have a type, [N, edge types].
  at::Tensor type_counts(const EdgeSubset& edges) const {
    at::Tensor counts = at::zeros({graph_.num_nodes, maps_.config.edge_types});
    float* out = counts.data_ptr<float>();
    for (int64_t i = 0; i < edges.size; ++i) {
      out[target(edges, i) * maps_.config.edge_types + graph_.type[size_t(edges.at(i))]] += 1;
    }
    return counts;
  }

  at::Tensor read_out(int64_t k) {
    const int64_t features = graph_.feature_size;
    at::Tensor result = scaled_.select(1, ctx_ - 1).clone();
    float* out = result.data_ptr<float>();
    const at::Tensor rows =
        maps_.output_weight.narrow(0, 0, features).select(1, k - 1).t().contiguous();
    const kernels::PackedMatrix weight(rows.data_ptr<float>(), width_, features);
    const at::Tensor bias = maps_.output_bias.narrow(0, 0, features).select(1, k - 1).contiguous();
    const auto upd_scale = static_cast<float>(maps_.config.upd_scale);
    const EdgeSubset edges{{}, graph_.num_edges};
    const size_t depth = maps_.updates.size();
    parallel_by_target(edges, [&](int64_t first, int64_t end, Workspace& w) {
      const int64_t n = end - first;
      load_edges(edges, first, end, w);
      const float* s = hidden(edges, first, end, depth, w);
      // The buffer that does not hold s.
      float* r = (depth % 2 == 0 ? w.even : w.odd).data_ptr<float>();
      float* change = (depth % 2 == 0 ? w.odd : w.even).data_ptr<float>();
      kernels::linear_silu(s, maps_.readout.weight, {maps_.readout.term(w.type.data())}, r, n);
      kernels::linear(r, weight, {{bias.data_ptr<float>(), nullptr}}, change, n);
      for (int64_t i = 0; i < n * features; ++i) {
        // Auxiliary edges have no slots.
        const int64_t slot = graph_.slots[size_t(first * features + i)];
        if (slot >= 0) out[slot] += upd_scale * change[i];
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
  const bool keep_;
  size_t kept_depth_ = 0;  // edge updates behind the rows of kept_[kept_depth_ % 2]; 0: none
  at::Tensor kept_[2];     // [E, h]
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
  const double input = double(graph.feature_size * maps_->config.ctx);
  const bool kept = keeps_hidden(graph.num_edges, maps_->config.hid);
  const auto hidden = [&](size_t depth) {  // multiply-adds an edge
    const double last = depth == 1 ? input * h : h * h;
    if (depth == 0 || kept) return depth == 0 ? 0.0 : last;
    return input * h + double(depth - 1) * h * h;
  };
  double edge = 0, node = double(maps_->config.lpe) * h;
  for (size_t l = 0; l < maps_->convs.size(); ++l) {
    edge += hidden(l) + (l == 0 ? input : h) * h + h;
    node += 2 * (l == 0 ? input : h) * h + 6 * h * h;
  }
  edge += hidden(maps_->updates.size()) + h * h + h * double(graph.feature_size);
  return 2 * (e * edge + n * node);
}

struct WnnPlusInference::Maps {
  MetaConfig config;
  RowMap input;  // W_0 (W_e s + b_e + E_t[type]) + b_0
  RowMap hidden[2];
  at::Tensor output_weight, output_bias;  // [K, h], [K]
};

WnnPlusInference::WnnPlusInference(const MetaModel& model) : maps_(std::make_unique<Maps>()) {
  const int64_t ctx = model.config.ctx, h = model.config.hid;
  maps_->config = model.config;
  maps_->input = RowMap(compose(linear_of(model, "edge_mlp.fc.0"), input_linear(model, ctx)), ctx);
  maps_->hidden[0] = RowMap(linear_of(model, "edge_mlp.fc.2"), h);
  maps_->hidden[1] = RowMap(linear_of(model, "edge_mlp.fc.4"), h);
  maps_->output_weight = model.w("edge_mlp.fc.6.weight");
  maps_->output_bias = model.w("edge_mlp.fc.6.bias");
}

WnnPlusInference::~WnnPlusInference() = default;

at::Tensor WnnPlusInference::predict(const std::vector<int32_t>& type, const at::Tensor& scaled,
                                     int64_t k) const {
  const c10::InferenceMode guard;
  const Maps& m = *maps_;
  const int64_t p = scaled.size(0), ctx = m.config.ctx, h = m.config.hid;
  const at::Tensor states = scaled.contiguous();
  const kernels::PackedMatrix output(m.output_weight.data_ptr<float>() + (k - 1) * h, h, 1);
  const kernels::RowTerm bias{m.output_bias.data_ptr<float>() + k - 1, nullptr};
  const auto upd_scale = static_cast<float>(m.config.upd_scale);
  at::Tensor result = scaled.select(1, ctx - 1).clone();
  at::parallel_for(0, (p + kTile - 1) / kTile, 1, [&](int64_t begin, int64_t end) {
    std::vector<float> even(size_t(kTile * h)), odd(even.size()), change(size_t{kTile});
    std::vector<int32_t> known(size_t{kTile});
    for (int64_t t = begin; t < end; ++t) {
      const int64_t first = t * kTile, n = std::min(kTile, p - first);
      // Entries outside the graph have no type and keep their last value.
      for (int64_t i = 0; i < n; ++i) known[size_t(i)] = std::max(type[size_t(first + i)], 0);
      const float* s = states.data_ptr<float>() + first * ctx;
      kernels::linear_silu(s, m.input.weight, {m.input.term(known.data())}, even.data(), n);
      kernels::linear_silu(even.data(), m.hidden[0].weight, {m.hidden[0].term(nullptr)}, odd.data(),
                           n);
      kernels::linear_silu(odd.data(), m.hidden[1].weight, {m.hidden[1].term(nullptr)}, even.data(),
                           n);
      kernels::linear(even.data(), output, {bias}, change.data(), n);
      float* out = result.data_ptr<float>() + first;
      for (int64_t i = 0; i < n; ++i) {
        if (type[size_t(first + i)] >= 0) out[i] += upd_scale * change[size_t(i)];
      }
    }
  });
  return result;
}

double WnnPlusInference::flops(int64_t num_params) const {
  const double h = double(maps_->config.hid), in = double(maps_->config.ctx);
  return 2.0 * double(num_params) * (in * h + 2 * h * h + h);
}

}  // namespace tenfold::nino_nowcast
