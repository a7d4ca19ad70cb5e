#include "tools/nino-nowcast/graph.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>

#include "common/core/error.h"
#include "tools/nino-nowcast/graph_builder.h"

namespace tenfold::nino_nowcast {
namespace {

constexpr int64_t kMostKernelEntries = 9;

// One weight tensor with the 1-D parameters that follow it; before the first weight: without one.
struct Layer {
  Param weight;
  std::vector<Param> vectors;
  int64_t inputs = 0, outputs = 0, kernel = 1;
};

Layer open_layer(const Param& weight, const Layer& previous) {
  const std::vector<int64_t>& shape = weight.shape();
  Layer layer{weight, {}, shape[1], shape[0], shape.size() == 4 ? shape[2] * shape[3] : 1};
  if (layer.kernel > kMostKernelEntries) {
    refuse(weight.name(), fmt::format("found a kernel of {}x{}, expected at most {} entries (3x3)",
                                      shape[2], shape[3], kMostKernelEntries));
  }
  if (previous.weight.spec != nullptr && layer.inputs != previous.outputs) {
    refuse(weight.name(),
           fmt::format("found {} inputs, expected {}, the outputs of {}; grouped convolutions and "
                       "flattening without global pooling have no graph",
                       layer.inputs, previous.outputs, previous.weight.name()));
  }
  return layer;
}

// The first layer has no weight, only what stands before the first one.
std::vector<Layer> split_layers(const Architecture& arch) {
  std::vector<Layer> layers(1);
  for (const Param& p : params_with_offsets(arch)) {
    switch (p.shape().size()) {
      case 0:  // scalars are no part of the graph
        break;
      case 1:
        layers.back().vectors.push_back(p);
        break;
      case 2:
      case 4:
        layers.push_back(open_layer(p, layers.back()));
        break;
      default:
        refuse(p.name(), fmt::format("found {} dimensions, expected 1, 2 or 4", p.shape().size()));
    }
  }
  if (layers.size() == 1)
    throw DataError("the model has no weight matrix or kernel: there is no graph");
  layers[0].outputs = layers[1].inputs;
  for (const Layer& layer : layers) {
    for (const Param& p : layer.vectors) {
      if (p.shape()[0] == layer.outputs) continue;
      refuse(p.name(), fmt::format("found {} entries, expected {}, the neurons of its layer",
                                   p.shape()[0], layer.outputs));
    }
  }
  return layers;
}

void lay_vectors(GraphBuilder& builder, const Layer& layer, Nodes auxiliary, Nodes outputs) {
  for (size_t i = 0; i < layer.vectors.size(); ++i) {
    const Param& p = layer.vectors[i];
    builder.vector(p.name(), p.offset, auxiliary.first + int64_t(i), outputs);
  }
}

}  // namespace

std::vector<Param> params_with_offsets(const Architecture& arch) {
  std::vector<Param> params;
  int64_t offset = 0;
  for (const ParamSpec& spec : arch.params) {
    params.push_back({&spec, offset});
    offset += spec.numel();
  }
  return params;
}

std::string shape_text(const std::vector<int64_t>& shape) {
  return fmt::format("[{}]", fmt::join(shape, ", "));
}

void refuse(const std::string& parameter, const std::string& what) {
  throw DataError(fmt::format("parameter {}: {}", parameter, what));
}

int32_t vector_type(const std::string& name) {
  const std::string suffix = ".weight";
  const bool weight = name.size() >= suffix.size() &&
                      name.compare(name.size() - suffix.size(), suffix.size(), suffix) == 0;
  return weight ? kNormWeight : kBias;
}

GraphBuilder::GraphBuilder(int64_t feature_size, int64_t edges) {
  graph_.feature_size = feature_size;
  for (std::vector<int32_t>* column : {&graph_.source, &graph_.target, &graph_.type}) {
    column->reserve(static_cast<size_t>(edges));
  }
  graph_.slots.reserve(static_cast<size_t>(edges * feature_size));
}

Nodes GraphBuilder::add_nodes(int64_t count) {
  const Nodes nodes{graph_.num_nodes, count};
  graph_.num_nodes += count;
  if (graph_.num_nodes > std::numeric_limits<int32_t>::max()) {
    throw DataError(
        fmt::format("the graph has {} nodes, expected fewer than 2^31", graph_.num_nodes));
  }
  graph_.word_position.resize(static_cast<size_t>(graph_.num_nodes), 0);
  return nodes;
}

void GraphBuilder::mark_words(Nodes words) {
  for (int64_t i = 0; i < words.count; ++i) {
    graph_.word_position[size_t(words.first + i)] = static_cast<int32_t>(i + 1);
  }
}

void GraphBuilder::edge(int64_t source, int64_t target, int32_t type) {
  graph_.source.push_back(static_cast<int32_t>(source));
  graph_.target.push_back(static_cast<int32_t>(target));
  graph_.type.push_back(type);
}

void GraphBuilder::begin_block(const std::string& name, std::vector<int64_t> shape, int32_t type) {
  graph_.layout.push_back({name, std::move(shape), type, graph_.num_edges(), graph_.num_edges()});
}

void GraphBuilder::dense(const std::string& name, const std::vector<int64_t>& shape, int32_t type,
                         Nodes inputs, Nodes outputs, const WeightLayout& layout, bool reversed) {
  begin_block(name, shape, type);
  for (int64_t i = 0; i < inputs.count; ++i) {
    for (int64_t o = 0; o < outputs.count; ++o) {
      const int64_t input = inputs.first + i, output = outputs.first + o;
      edge(reversed ? output : input, reversed ? input : output, type);
      const int64_t slot = layout.offset + i * layout.input_stride + o * layout.output_stride;
      for (int64_t f = 0; f < graph_.feature_size; ++f) {
        graph_.slots.push_back(f < layout.kernel ? slot + f : -1);
      }
    }
  }
  end_block();
}

void GraphBuilder::vector(const std::string& name, int64_t offset, int64_t node, Nodes outputs) {
  dense(name, {outputs.count}, vector_type(name), {node, 1}, outputs, {offset, 0, 1, 1});
}

void GraphBuilder::head(const std::string& name, int64_t node, Nodes outputs) {
  dense(name, {outputs.count}, kHead, {node, 1}, outputs, {-1, 0, 0, 0});
}

void GraphBuilder::residual(const std::string& name, Nodes inputs, Nodes outputs) {
  begin_block(name, {outputs.count}, kResidual);
  for (int64_t i = 0; i < inputs.count; ++i) edge(inputs.first + i, outputs.first + i, kResidual);
  graph_.slots.resize(static_cast<size_t>(graph_.num_edges() * graph_.feature_size), -1);
  end_block();
}

int64_t* GraphBuilder::last_slots() { return graph_.slots.data() + graph_.layout.back().first; }

NeuralGraph GraphBuilder::finish() {
  graph_.first_self_loop = graph_.num_edges();
  for (int64_t i = 0; i < graph_.num_nodes; ++i) edge(i, i, kSelfLoop);
  graph_.slots.resize(static_cast<size_t>(graph_.num_edges() * graph_.feature_size), -1);
  return std::move(graph_);
}

bool ParamCursor::next_is(const std::string& suffix) const {
  if (next_ == params_.size()) return false;
  const std::string& name = params_[next_].name();
  if (name.size() < suffix.size()) return false;
  const size_t begin = name.size() - suffix.size();
  return name.compare(begin, suffix.size(), suffix) == 0 && (begin == 0 || name[begin - 1] == '.');
}

Param ParamCursor::take(const std::string& suffix, const std::vector<int64_t>& shape) {
  if (next_ == params_.size()) {
    throw DataError(fmt::format("the parameters end where {} is expected", suffix));
  }
  const Param& param = params_[next_];
  if (!next_is(suffix)) {
    refuse(param.name(),
           fmt::format("expected {} here (parameters in registration order)", suffix));
  }
  const std::vector<int64_t>& found = param.shape();
  bool fits = found.size() == shape.size();
  for (size_t i = 0; fits && i < shape.size(); ++i) fits = shape[i] == -1 || shape[i] == found[i];
  if (!fits) {
    refuse(param.name(), fmt::format("found shape {}, expected {} (-1: any)", shape_text(found),
                                     shape_text(shape)));
  }
  ++next_;
  return param;
}

void ParamCursor::expect_end() const {
  if (next_ == params_.size()) return;
  refuse(params_[next_].name(),
         "has no place in a model of this family (a tied head is not a second parameter)");
}

NeuralGraph build_feed_forward(const Architecture& arch) {
  const std::vector<Layer> layers = split_layers(arch);
  int64_t edges = 0, feature_size = 1;
  for (const Layer& l : layers) {
    // Self-loops of the outputs, of the auxiliary nodes, and (in the first layer) of the inputs
    // included.
    edges += l.inputs * l.outputs + l.outputs + int64_t(l.vectors.size()) * (l.outputs + 1);
    feature_size = std::max(feature_size, l.kernel);
  }
  GraphBuilder builder(feature_size, edges);
  Nodes inputs;
  for (const Layer& l : layers) {
    const Nodes auxiliary = builder.add_nodes(static_cast<int64_t>(l.vectors.size()));
    const Nodes outputs = builder.add_nodes(l.outputs);
    if (l.weight.spec != nullptr) {
      const int32_t type = l.weight.shape().size() == 4 ? kConv : kLinear;
      builder.dense(l.weight.name(), l.weight.shape(), type, inputs, outputs,
                    {l.weight.offset, l.kernel, l.inputs * l.kernel, l.kernel});
    }
    lay_vectors(builder, l, auxiliary, outputs);
    inputs = outputs;
  }
  return builder.finish();
}

NeuralGraph build_graph(const Architecture& arch, const GraphOptions& options) {
  switch (arch.family) {
    case Family::kGpt2:
      return std::move(build_gpt2(arch, options, false)[0]);
    case Family::kLlama:
      return std::move(build_llama(arch, options, false)[0]);
    case Family::kFeedForward:
      break;
  }
  return build_feed_forward(arch);
}

std::vector<NeuralGraph> build_subgraphs(const Architecture& arch, const GraphOptions& options) {
  if (arch.family == Family::kGpt2) return build_gpt2(arch, options, true);
  if (arch.family == Family::kLlama) return build_llama(arch, options, true);
  std::vector<NeuralGraph> whole;
  whole.push_back(build_feed_forward(arch));
  return whole;
}

}  // namespace tenfold::nino_nowcast
