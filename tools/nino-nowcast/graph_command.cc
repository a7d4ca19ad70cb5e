// `graph`: the neural graph of an architecture as a file.

#include <fmt/format.h>

#include "common/io/file.h"
#include "common/io/safetensors.h"
#include "tools/nino-nowcast/commands.h"
#include "tools/nino-nowcast/graph.h"
#include "tools/nino-nowcast/lpe.h"

namespace tenfold::nino_nowcast {
namespace {

void add_graph(io::SafeTensors& out, const NeuralGraph& g, const LaplacianEncoding& lpe,
               int64_t dim, const std::string& suffix) {
  std::vector<int32_t> index = g.source;
  index.insert(index.end(), g.target.begin(), g.target.end());
  out.tensors["edge_index" + suffix] = io::Tensor::from_int32({2, g.num_edges()}, index.data());
  out.tensors["edge_type" + suffix] = io::Tensor::from_int32({g.num_edges()}, g.type.data());
  out.tensors["pos" + suffix] = io::Tensor::from_float32({g.num_nodes, dim}, lpe.pos.data());
  out.tensors["pos_w" + suffix] = io::Tensor::from_int32({g.num_nodes}, g.word_position.data());
}

}  // namespace

int graph(const GraphConfig& config, cli::Run& run) {
  if (!run.options().dry_run) io::require_creatable(config.out);
  const Architecture arch = read_architecture(config.arch, config.graph == "generic");
  const GraphOptions options{config.graph_compat == "corrected", config.graph == "naive"};
  std::vector<NeuralGraph> graphs;
  if (config.subgraph) {
    graphs = build_subgraphs(arch, options);
  } else {
    graphs.push_back(build_graph(arch, options));
  }
  io::SafeTensors out;
  log::Result result;
  log::Table layout{{"graph", "name", "shape", "type", "first", "end"}, {}};
  log::Table eigenvalues{{"graph", "index", "value"}, {}};
  int64_t nodes = 0, edges = 0;
  for (size_t i = 0; i < graphs.size(); ++i) {
    const NeuralGraph& g = graphs[i];
    const LaplacianEncoding lpe =
        laplacian_encoding(g, config.lpe, uint64_t(run.options().seed.at(0)));
    add_graph(out, g, lpe, config.lpe, config.subgraph ? fmt::format(".{}", i) : "");
    for (const EdgeBlock& b : g.layout) {
      layout.rows.push_back({int64_t(i), b.name, b.shape, int64_t(b.type), b.first, b.end});
    }
    for (size_t j = 0; j < lpe.eigenvalues.size(); ++j) {
      eigenvalues.rows.push_back({int64_t(i), int64_t(j) + 2, lpe.eigenvalues[j]});
    }
    nodes += g.num_nodes;
    edges += g.num_edges();
  }
  result.seeds = run.options().seed;
  result.data = {{"name", config.arch}, {"origin", std::string("user")}};
  result.model = {{"family", std::string(family_name(arch.family))},
                  {"num_params", arch.num_params()}};
  for (const auto& [name, value] :
       {std::pair<const char*, int64_t>{"num_params", arch.num_params()},
        {"graphs", int64_t(graphs.size())},
        {"nodes", nodes},
        {"edges", edges}}) {
    result.metrics.emplace_back(name, log::Metric{double(value)});
  }
  result.tables.emplace_back("edge_layout", layout);
  result.tables.emplace_back("eigenvalues", eigenvalues);
  if (!run.options().dry_run) io::write_safetensors(config.out, out);
  run.emit(result, "graph/1");
  return 0;
}

}  // namespace tenfold::nino_nowcast
