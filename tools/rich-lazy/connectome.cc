#include "tools/rich-lazy/connectome.h"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <cmath>
#include <optional>
#include <string_view>

#include "common/core/error.h"
#include "common/io/array_file.h"
#include "common/io/csv.h"
#include "common/io/file.h"
#include "common/io/graphml.h"

namespace tenfold::rich_lazy {
namespace {

struct EmbeddedFile {
  const char* name;
  std::string_view text;
};

const EmbeddedFile kEmbeddedFiles[] = {
#include "tools/rich-lazy/embedded_files.inc"
};

// A matrix of 20,000 units takes 3.2 GB.
constexpr int64_t kMostUnits = 20000;

io::Bytes embedded(const std::string& name) {
  const auto found = std::find_if(std::begin(kEmbeddedFiles), std::end(kEmbeddedFiles),
                                  [&](const EmbeddedFile& f) { return name == f.name; });
  if (found == std::end(kEmbeddedFiles)) throw Unavailable("no embedded file " + name);
  return io::Bytes(found->text.begin(), found->text.end());
}

struct Nodes {
  std::vector<std::string> names;
  std::vector<double> signs;
};

Nodes parse_nodes(const io::CsvTable& table, const std::string& path) {
  Nodes nodes;
  const int64_t sign = table.find("sign"), name = table.find("neuron"), index = table.find("index");
  if (sign < 0) {
    throw DataError(fmt::format("{}: found columns {}, expected one called sign", path,
                                fmt::join(table.columns(), ",")));
  }
  for (int64_t r = 0; r < table.rows(); ++r) {
    const double s = table.number(r, sign);
    if (s != 1 && s != -1) {
      throw DataError(
          fmt::format("{}:{}: sign: found {}, expected 1 or -1", path, table.line(r), s));
    }
    if (index >= 0 && table.number(r, index) != double(r)) {
      throw DataError(fmt::format("{}:{}: index: found {}, expected {}", path, table.line(r),
                                  table.text(r, index), r));
    }
    nodes.signs.push_back(s);
    nodes.names.push_back(name < 0 ? std::to_string(r) : table.text(r, name));
  }
  return nodes;
}

int64_t unit(const io::CsvTable& edges, int64_t row, int64_t column, int64_t units,
             const std::string& path) {
  const double value = edges.number(row, column);
  if (value < 0 || value != std::floor(value) || value >= double(units)) {
    throw DataError(fmt::format("{}:{}: found edge index {}, expected 0..{}", path, edges.line(row),
                                edges.text(row, column), units - 1));
  }
  return int64_t(value);
}

void refuse_kinds(const ConnectomeOptions& options, const std::string& what) {
  if (options.edges == "chemical") return;
  throw UsageError(
      fmt::format("--edges {}: found {}, expected a list with a column kind", options.edges, what));
}

struct EdgeMatrix {
  Matrix weights;
  bool negative = false;  // a weight was, before any sign
};

EdgeMatrix from_edges(const io::CsvTable& table, const std::string& path,
                      const std::optional<Nodes>& nodes, const ConnectomeOptions& options) {
  const int64_t pre = table.find("pre"), post = table.find("post"), kind = table.find("kind");
  const int64_t weight = std::max(table.find("weight"), table.find("synapses"));
  if (pre < 0 || post < 0 || weight < 0) {
    throw DataError(fmt::format("{}: found columns {}, expected pre,post[,kind],weight|synapses",
                                path, fmt::join(table.columns(), ",")));
  }
  if (kind < 0) refuse_kinds(options, "a list without a column kind");
  int64_t units = nodes ? int64_t(nodes->signs.size()) : 0;
  for (int64_t r = 0; !nodes && r < table.rows(); ++r) {
    units = std::max({units, unit(table, r, pre, kMostUnits, path) + 1,
                      unit(table, r, post, kMostUnits, path) + 1});
  }
  EdgeMatrix out{Matrix::Zero(units, units)};
  int64_t used = 0;
  for (int64_t r = 0; r < table.rows(); ++r) {
    const int64_t from = unit(table, r, pre, units, path), to = unit(table, r, post, units, path);
    const std::string of = kind < 0 ? "chemical" : table.text(r, kind);
    if (of != "chemical" && of != "electrical") {
      throw DataError(fmt::format("{}:{}: kind: found {}, expected chemical or electrical", path,
                                  table.line(r), of));
    }
    if (options.edges != "both" && of != options.edges) continue;
    const double value = table.number(r, weight);
    const bool negated = options.signs && nodes && of == "chemical" && nodes->signs[from] < 0;
    out.weights(to, from) += negated ? -value : value;
    out.negative = out.negative || (value < 0 && of == "chemical");
    ++used;
  }
  if (used == 0) throw DataError(fmt::format("{}: found no edge of kind {}", path, options.edges));
  return out;
}

Matrix from_dense(const std::string& path) {
  const io::PlainMatrix plain = io::read_matrix(path);
  if (plain.rows != plain.columns) {
    throw DataError(fmt::format("{}: found {} rows of {} numbers, expected a square matrix", path,
                                plain.rows, plain.columns));
  }
  Matrix w(plain.rows, plain.columns);
  for (int64_t i = 0; i < plain.rows; ++i) {
    for (int64_t j = 0; j < plain.columns; ++j) {
      w(i, j) = plain.values[size_t(i * plain.columns + j)];
      if (!std::isfinite(w(i, j))) {
        throw DataError(fmt::format("{}: row {}, column {}: found {}, expected a finite number",
                                    path, i + 1, j + 1, w(i, j)));
      }
    }
  }
  return w;
}

// Columns are multiplied by the signs of their units.
void apply_signs(Matrix& w, const Nodes& nodes, const std::string& path) {
  if (int64_t(nodes.signs.size()) != w.cols()) {
    throw DataError(fmt::format("{}: found {} units, expected {} as in the matrix", path,
                                nodes.signs.size(), w.cols()));
  }
  for (int64_t j = 0; j < w.cols(); ++j) w.col(j) *= nodes.signs[size_t(j)];
}

bool has_inhibitory(const Nodes& nodes) {
  return std::find(nodes.signs.begin(), nodes.signs.end(), -1) != nodes.signs.end();
}

bool ends_in(const std::string& path, const std::string& end) {
  return path.size() >= end.size() && path.compare(path.size() - end.size(), end.size(), end) == 0;
}

bool is_edge_list(const std::string& path) {
  const io::Bytes file = io::read_file(path);
  const auto end = std::find(file.begin(), file.end(), uint8_t('\n'));
  const std::string header(file.begin(), end);
  return header.find("pre") != std::string::npos && header.find("post") != std::string::npos;
}

}  // namespace

Connectome read_connectome(const ConnectomeOptions& options) {
  const std::string& path = options.matrix;
  Connectome found;
  std::optional<Nodes> nodes;
  if (path == "celegans") {
    nodes = parse_nodes(io::CsvTable::parse(embedded("celegans_nodes.csv"), "nodes"), "nodes");
    const io::CsvTable edges = io::CsvTable::parse(embedded("celegans_edges.csv"), "edges");
    return {"C. elegans (Cook et al. 2019)",
            "embedded",
            from_edges(edges, "celegans_edges.csv", nodes, options).weights,
            nodes->names,
            {},
            {}};
  }
  bool negative = false;
  found.source = path;
  found.files = {path};
  if (!options.nodes.empty()) {
    nodes = parse_nodes(io::CsvTable::read(options.nodes), options.nodes);
    found.files.push_back(options.nodes);
  }
  if (ends_in(path, ".graphml")) {
    const io::GraphMl graph = io::read_graphml(path);
    found.format = "GraphML";
    found.names = graph.nodes;
    const int64_t units = int64_t(graph.nodes.size());
    if (units > kMostUnits) {
      throw DataError(
          fmt::format("{}: found {} nodes, expected at most {}", path, units, kMostUnits));
    }
    found.weights = Matrix::Zero(units, units);
    for (const io::GraphMlEdge& e : graph.edges) found.weights(e.target, e.source) += e.weight;
  } else if (is_edge_list(path)) {
    found.format = "edge list";
    EdgeMatrix list = from_edges(io::CsvTable::read(path), path, nodes, options);
    found.weights = std::move(list.weights);
    negative = list.negative;
    if (nodes) found.names = nodes->names;
  } else {
    refuse_kinds(options, "a matrix");
    found.format = "dense CSV";
    found.weights = from_dense(path);
  }
  const bool signs = nodes && options.signs;
  if (signs && found.format != "edge list") {
    negative = found.weights.minCoeff() < 0;
    apply_signs(found.weights, *nodes, options.nodes);
  }
  if (signs && negative && has_inhibitory(*nodes)) {
    found.notes.push_back(fmt::format(
        "{}: found negative weights, which the signs of {} turn positive where a unit has -1 "
        "(--no-signs leaves them)",
        path, options.nodes));
  }
  return found;
}

}  // namespace tenfold::rich_lazy
