// GraphML graphs (graphml.graphdrawing.org) with one number an edge, by expat.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "common/io/file.h"

namespace tenfold::io {

struct GraphMlEdge {
  int64_t source = 0, target = 0;  // places in `nodes`
  double weight = 1;
};

struct GraphMl {
  std::vector<std::string> nodes;  // their ids, in the file's order
  std::vector<GraphMlEdge> edges;  // an undirected edge stands twice, once each way
};

// The weight of an edge is its <data> under the edge key whose attr.name is `weight`, else that
// key's default, else 1. Throws DataError: not well formed, no graph or several, nested graphs,
// hyperedges, an edge to a node that is not there, a node that stands twice, a weight that is no
// finite number.
GraphMl parse_graphml(const Bytes& file, const std::string& name);
GraphMl read_graphml(const std::string& path);

}  // namespace tenfold::io
