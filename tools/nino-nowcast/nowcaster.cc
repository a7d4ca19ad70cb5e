#include "tools/nino-nowcast/nowcaster.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/empty.h>
#include <ATen/ops/empty_like.h>
#include <ATen/ops/index_copy.h>
#include <ATen/ops/index_select.h>
#include <ATen/ops/zeros_like.h>
#include <fmt/format.h>

#include <cmath>

#include "common/core/error.h"
#include "tools/nino-nowcast/graph.h"
#include "tools/nino-nowcast/inference.h"
#include "tools/nino-nowcast/lpe.h"
#include "tools/nino-nowcast/scaling.h"
#include "tools/nino-nowcast/wnn.h"

namespace tenfold::nino_nowcast {
namespace {

class Linefit : public Nowcaster {
 public:
  explicit Linefit(int64_t max_horizon) : max_horizon_(max_horizon) {}
  std::string name() const override { return "linefit"; }
  int64_t max_horizon() const override { return max_horizon_; }
  at::Tensor predict(const at::Tensor& states, int64_t k, uint64_t) const override {
    const int64_t c = states.size(1);
    at::Tensor slope = at::zeros_like(states.select(1, 0));
    double squares = 0;
    for (int64_t t = 0; t < c; ++t) {
      const double centred = double(t) - double(c - 1) / 2;
      squares += centred * centred;
      slope.add_(states.select(1, t), centred);
    }
    return states.select(1, c - 1) + slope * (double(k) / squares);
  }

 private:
  int64_t max_horizon_;
};

class Lawa : public Nowcaster {
 public:
  explicit Lawa(int64_t max_horizon) : max_horizon_(max_horizon) {}
  std::string name() const override { return "lawa"; }
  int64_t max_horizon() const override { return max_horizon_; }
  at::Tensor predict(const at::Tensor& states, int64_t, uint64_t) const override {
    return states.mean(1);
  }

 private:
  int64_t max_horizon_;
};

class Noop : public Nowcaster {
 public:
  explicit Noop(int64_t max_horizon) : max_horizon_(max_horizon) {}
  std::string name() const override { return "noop"; }
  int64_t max_horizon() const override { return max_horizon_; }
  at::Tensor predict(const at::Tensor& states, int64_t, uint64_t) const override {
    return states.select(1, states.size(1) - 1).clone();
  }

 private:
  int64_t max_horizon_;
};

// Scaling around a network that works in scaled space.
class Scaled : public Nowcaster {
 public:
  Scaled(const MetaModel& model, const Architecture& arch, bool corrected)
      : model_(model), params_(arch.params) {
    scale_.method = parse_scale_method(model.config.scale_method);
    scale_.corrected = corrected;
  }
  std::string name() const override { return kind_name(model_.config.kind); }
  int64_t max_horizon() const override { return model_.config.seq_len; }
  at::Tensor predict(const at::Tensor& states, int64_t k, uint64_t draw) const override {
    const at::Tensor raw = states.contiguous();
    const int64_t ctx = raw.size(1);
    const Scales scales = fit_scales(raw.data_ptr<float>(), ctx, params_, scale_);
    at::Tensor scaled = at::empty_like(raw);
    apply_scales(scales, raw.data_ptr<float>(), ctx, scaled.data_ptr<float>());
    at::Tensor out = predict_scaled(scaled, k, draw);
    invert_scales(scales, out.data_ptr<float>(), out.data_ptr<float>());
    return out;
  }

 protected:
  virtual at::Tensor predict_scaled(const at::Tensor& scaled, int64_t k, uint64_t draw) const = 0;

  MetaModel model_;
  std::vector<ParamSpec> params_;
  ScaleOptions scale_;
};

GraphOptions graph_options(const NowcastOptions& options) {
  return {options.graph_corrected, options.graph == "naive"};
}

std::vector<NeuralGraph> graphs_of(const Architecture& arch, const NowcastOptions& options) {
  if (options.subgraph) return build_subgraphs(arch, graph_options(options));
  std::vector<NeuralGraph> one;
  one.push_back(build_graph(arch, graph_options(options)));
  return one;
}

at::Tensor encoding_of(const NeuralGraph& graph, const MetaConfig& config,
                       const NowcastOptions& options, size_t index) {
  if (!options.pos.empty()) return options.pos.at(index);
  const LaplacianEncoding lpe = laplacian_encoding(graph, config.lpe, options.seed);
  at::Tensor pos = at::empty({graph.num_nodes, config.lpe});
  std::copy(lpe.pos.begin(), lpe.pos.end(), pos.data_ptr<float>());
  return pos;
}

class Nino : public Scaled {
 public:
  Nino(const MetaModel& model, const Architecture& arch, const NowcastOptions& options)
      : Scaled(model, arch, options.graph_corrected) {
    run_.chunk_size = options.chunk_size;
    run_.edge_sample_ratio = options.edge_sample_ratio;
    run_.seed = options.seed;
    const std::vector<NeuralGraph> graphs = graphs_of(arch, options);
    if (!options.pos.empty() && options.pos.size() != graphs.size()) {
      throw DataError(fmt::format("pos: found {} tensors, expected {} (one a graph)",
                                  options.pos.size(), graphs.size()));
    }
    for (size_t i = 0; i < graphs.size(); ++i) {
      plans_.push_back(GraphPlan::build(graphs[i], encoding_of(graphs[i], model.config, options, i),
                                        model.config.lpe));
      networks_.push_back(std::make_unique<NinoInference>(model_, graphs[i].feature_size));
    }
  }
  double flops() const override {
    double total = 0;
    for (size_t i = 0; i < plans_.size(); ++i) total += networks_[i]->flops(plans_[i]);
    return total;
  }

 protected:
  // Every parameter lies in one piece, and a piece leaves the others at their last value.
  at::Tensor predict_scaled(const at::Tensor& scaled, int64_t k, uint64_t draw) const override {
    InferenceOptions options = run_;
    options.draw = draw;
    at::Tensor out = networks_[0]->predict(plans_[0], scaled, k, options);
    const at::Tensor last = scaled.select(1, scaled.size(1) - 1);
    for (size_t i = 1; i < plans_.size(); ++i) {
      out.add_(networks_[i]->predict(plans_[i], scaled, k, options)).sub_(last);
    }
    return out;
  }

 private:
  InferenceOptions run_;
  std::vector<GraphPlan> plans_;
  std::vector<std::unique_ptr<NinoInference>> networks_;
};

class WnnPlus : public Scaled {
 public:
  WnnPlus(const MetaModel& model, const Architecture& arch, const NowcastOptions& options)
      : Scaled(model, arch, options.graph_corrected),
        types_(parameter_types(arch, options)),
        network_(model) {}
  double flops() const override { return network_.flops(int64_t(types_.size())); }

 protected:
  at::Tensor predict_scaled(const at::Tensor& scaled, int64_t k, uint64_t) const override {
    return network_.predict(types_, scaled, k);
  }

 private:
  std::vector<int32_t> types_;
  WnnPlusInference network_;
};

// Three networks by kind of parameter; raw values go in, each scalar normalised by itself.
class Wnn : public Nowcaster {
 public:
  Wnn(const MetaModel& model, const Architecture& arch, const NowcastOptions& options)
      : model_(model) {
    const std::vector<int32_t> types = parameter_types(arch, options);
    for (const char* kind : {"conv", "linear", "bias"}) {
      std::vector<int64_t> rows;
      for (size_t i = 0; i < types.size(); ++i) {
        if (types[i] >= 0 && wnn_kind(types[i]) == kind) rows.push_back(int64_t(i));
      }
      if (rows.empty()) continue;
      at::Tensor index = at::empty({int64_t(rows.size())}, at::TensorOptions().dtype(at::kLong));
      std::copy(rows.begin(), rows.end(), index.data_ptr<int64_t>());
      rows_.emplace_back(kind, index);
    }
  }
  std::string name() const override { return "wnn"; }
  int64_t max_horizon() const override { return model_.config.seq_len; }
  at::Tensor predict(const at::Tensor& states, int64_t, uint64_t) const override {
    at::Tensor out = states.select(1, states.size(1) - 1).clone();
    for (const auto& [kind, index] : rows_) {
      out.index_copy_(0, index, wnn_predict(model_, kind, states.index_select(0, index)));
    }
    return out;
  }

 private:
  MetaModel model_;
  std::vector<std::pair<std::string, at::Tensor>> rows_;
};

struct BadEntry {
  std::string param;
  int64_t entry;
  float value;
};

std::optional<BadEntry> first_bad(const at::Tensor& flat, const Architecture& arch) {
  const float* values = flat.data_ptr<float>();
  for (const ParamSpec& p : arch.params) {
    for (int64_t i = 0; i < p.numel(); ++i) {
      if (!std::isfinite(values[i])) return BadEntry{p.name, i, values[i]};
    }
    values += p.numel();
  }
  return std::nullopt;
}

}  // namespace

std::unique_ptr<Nowcaster> make_linefit(int64_t max_horizon) {
  return std::make_unique<Linefit>(max_horizon);
}
std::unique_ptr<Nowcaster> make_lawa(int64_t max_horizon) {
  return std::make_unique<Lawa>(max_horizon);
}
std::unique_ptr<Nowcaster> make_noop(int64_t max_horizon) {
  return std::make_unique<Noop>(max_horizon);
}

std::unique_ptr<Nowcaster> make_nowcaster(const MetaModel& model, const Architecture& arch,
                                          const NowcastOptions& options) {
  MetaModel used = model;
  if (options.upd_scale) used.config.upd_scale = *options.upd_scale;
  if (options.scale_method) used.config.scale_method = *options.scale_method;
  switch (model.config.kind) {
    case MetaKind::kNino:
      return std::make_unique<Nino>(used, arch, options);
    case MetaKind::kWnnPlus:
      return std::make_unique<WnnPlus>(used, arch, options);
    default:
      return std::make_unique<Wnn>(used, arch, options);
  }
}

std::vector<int32_t> parameter_types(const Architecture& arch, const NowcastOptions& options) {
  const NeuralGraph graph = build_graph(arch, graph_options(options));
  std::vector<int32_t> types(size_t(arch.num_params()), -1);
  for (int64_t e = 0; e < graph.num_edges(); ++e) {
    for (int64_t f = 0; f < graph.feature_size; ++f) {
      const int64_t slot = graph.slots[size_t(e * graph.feature_size + f)];
      if (slot >= 0) types[size_t(slot)] = graph.type[size_t(e)];
    }
  }
  return types;
}

void require_finite(const at::Tensor& flat, const Architecture& arch, const std::string& what) {
  const at::Tensor host = flat.contiguous();
  if (const auto bad = first_bad(host, arch)) {
    throw NumericError(fmt::format("{}: parameter '{}' has {} at entry {}, expected finite values",
                                   what, bad->param, bad->value, bad->entry));
  }
}

void require_finite_states(const at::Tensor& states, const Architecture& arch,
                           const std::string& what) {
  for (int64_t t = 0; t < states.size(1); ++t) {
    if (const auto bad = first_bad(states.select(1, t).contiguous(), arch)) {
      throw DataError(
          fmt::format("{}: snapshot {}: parameter '{}' has {} at entry {}, expected finite values",
                      what, t, bad->param, bad->value, bad->entry));
    }
  }
}

}  // namespace tenfold::nino_nowcast
