#include "common/io/graphml.h"

#include <fmt/format.h>

#include <cmath>
#include <cstdlib>
#include <map>
#include <optional>
#include <string_view>

#include "common/core/error.h"
#include "common/io/signal_text.h"
#include "common/io/text.h"
#include "common/io/xml.h"

namespace tenfold::io {
namespace {

double weight_of(const std::string& text, const std::string& where) {
  const std::string word(trimmed(text));
  char* end = nullptr;
  const double value = std::strtod(word.c_str(), &end);
  if (word.empty() || *end != '\0' || !std::isfinite(value)) {
    throw DataError(
        fmt::format("{}: weight: found '{}', expected a finite number", where, shown(word)));
  }
  return value;
}

// The id of the edge key called `weight`, and what an edge has that lacks it.
struct WeightKey {
  std::string id;
  double otherwise = 1;
};

WeightKey find_key(const XmlNode& root, const std::string& name) {
  WeightKey key;
  for (const XmlNode* k : root.all("key")) {
    const std::string of = k->attribute("for");
    if (k->attribute("attr.name") != "weight" || (of != "edge" && of != "all" && !of.empty()))
      continue;
    key.id = k->attribute("id");
    if (const XmlNode* value = k->child("default"))
      key.otherwise = weight_of(value->text, name + ": default");
  }
  return key;
}

std::optional<double> stored_weight(const XmlNode& edge, const WeightKey& key,
                                    const std::string& where) {
  for (const XmlNode* data : edge.all("data")) {
    if (!key.id.empty() && data->attribute("key") == key.id) return weight_of(data->text, where);
  }
  return std::nullopt;
}

}  // namespace

GraphMl parse_graphml(const Bytes& file, const std::string& name) {
  const auto root =
      parse_xml(std::string_view(reinterpret_cast<const char*>(file.data()), file.size()), name);
  const std::vector<const XmlNode*> graphs = root->all("graph");
  if (root->name != "graphml" || graphs.size() != 1) {
    throw DataError(fmt::format("{}: found <{}> with {} graphs, expected <graphml> with one", name,
                                shown(root->name), graphs.size()));
  }
  const XmlNode& graph = *graphs[0];
  if (!graph.all("hyperedge").empty())
    throw DataError(name + ": found a hyperedge, expected edges between two nodes");
  GraphMl out;
  std::map<std::string, int64_t> place;
  for (const XmlNode* node : graph.all("node")) {
    const std::string id = node->attribute("id");
    if (node->child("graph") != nullptr)
      throw DataError(fmt::format("{}: node {}: found a graph inside", name, shown(id)));
    if (!place.emplace(id, int64_t(out.nodes.size())).second)
      throw DataError(fmt::format("{}: node {} stands twice", name, shown(id)));
    out.nodes.push_back(id);
  }
  const WeightKey key = find_key(*root, name);
  const auto end = [&](const XmlNode& edge, const std::string& which) {
    const std::string id = edge.attribute(which);
    const auto found = place.find(id);
    if (found == place.end()) {
      throw DataError(fmt::format("{}: edge {}: {}: found no node '{}'", name, out.edges.size() + 1,
                                  which, shown(id)));
    }
    return found->second;
  };
  const bool directed = graph.attribute("edgedefault") != "undirected";
  for (const XmlNode* edge : graph.all("edge")) {
    const std::string where = fmt::format("{}: edge {}", name, out.edges.size() + 1);
    const GraphMlEdge e{end(*edge, "source"), end(*edge, "target"),
                        stored_weight(*edge, key, where).value_or(key.otherwise)};
    out.edges.push_back(e);
    const std::string own = edge->attribute("directed");
    const bool one_way = own.empty() ? directed : own != "false";
    if (!one_way && e.source != e.target) out.edges.push_back({e.target, e.source, e.weight});
  }
  return out;
}

GraphMl read_graphml(const std::string& path) { return parse_graphml(read_file(path), path); }

}  // namespace tenfold::io
