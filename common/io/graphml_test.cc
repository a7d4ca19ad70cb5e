#include "common/io/graphml.h"

#include <catch2/catch.hpp>

#include "common/io/scratch_for_test.h"

namespace tenfold::io {
namespace {

// As networkx 3.2 writes a DiGraph with edge weights, beside another attribute.
const std::string kDirected =
    "<?xml version='1.0' encoding='utf-8'?>\n"
    "<graphml xmlns=\"http://graphml.graphdrawing.org/xmlns\">\n"
    "<key id=\"d1\" for=\"edge\" attr.name=\"kind\" attr.type=\"string\"/>\n"
    "<key id=\"d0\" for=\"edge\" attr.name=\"weight\" attr.type=\"double\"/>\n"
    "<graph edgedefault=\"directed\"><node id=\"AVAL\"/><node id=\"AVAR\"/><node id=\"RIS\"/>\n"
    "<edge source=\"AVAL\" target=\"AVAR\"><data key=\"d0\">2.5</data>"
    "<data key=\"d1\">chemical</data></edge>\n"
    "<edge source=\"RIS\" target=\"AVAL\"><data key=\"d0\"> -3 </data></edge>\n"
    "<edge source=\"RIS\" target=\"RIS\"/></graph></graphml>\n";

GraphMl graph_of(const std::string& text) { return parse_graphml(bytes_of(text), "x.graphml"); }

Outcome parse(const std::string& text) {
  return outcome_of([&] { graph_of(text); });
}

using Edge = std::vector<double>;
std::vector<Edge> edges_of(const std::string& text) {
  std::vector<Edge> out;
  for (const GraphMlEdge& e : graph_of(text).edges)
    out.push_back({double(e.source), double(e.target), e.weight});
  return out;
}

std::string with_graph(const std::string& inside) {
  return "<graphml><key id=\"w\" for=\"edge\" attr.name=\"weight\"/><graph>" + inside +
         "</graph></graphml>";
}

}  // namespace

TEST_CASE("nodes keep their order, edges their direction and weight") {
  CHECK(graph_of(kDirected).nodes == std::vector<std::string>{"AVAL", "AVAR", "RIS"});
  CHECK(edges_of(kDirected) == std::vector<Edge>{{0, 1, 2.5}, {2, 0, -3}, {2, 2, 1}});
}

TEST_CASE("an undirected edge stands once each way, a loop once, and an edge may say otherwise") {
  const std::string text =
      "<graphml><key id=\"w\" for=\"all\" attr.name=\"weight\"><default>4</default></key>"
      "<graph edgedefault=\"undirected\"><node id=\"a\"/><node id=\"b\"/>"
      "<edge source=\"a\" target=\"b\"/><edge source=\"b\" target=\"b\"/>"
      "<edge source=\"b\" target=\"a\" directed=\"true\"><data key=\"w\">5</data></edge>"
      "</graph></graphml>";
  CHECK(edges_of(text) == std::vector<Edge>{{0, 1, 4}, {1, 0, 4}, {1, 1, 4}, {1, 0, 5}});
}

TEST_CASE("what is no graph of weights is refused with its place") {
  const auto refused = [](const std::string& text, const std::string& words) {
    const Outcome o = parse(text);
    CAPTURE(o.message);
    CHECK(o.code == ExitCode::kBadData);
    CHECK(o.says("x.graphml: " + words));
  };
  refused("<a/>", "found <a> with 0 graphs");
  refused("<graphml><graph/><graph/></graphml>", "found <graphml> with 2 graphs");
  refused(with_graph("<node id=\"a\"/><node id=\"a\"/>"), "node a stands twice");
  refused(with_graph("<node id=\"a\"><graph/></node>"), "node a: found a graph inside");
  refused(with_graph("<hyperedge/>"), "found a hyperedge");
  refused(with_graph("<node id=\"a\"/><edge source=\"a\" target=\"b\"/>"),
          "edge 1: target: found no node 'b'");
  for (const std::string weight : {"", "x", "1 2", "nan", "inf", "1e999"}) {
    refused(with_graph("<node id=\"a\"/><edge source=\"a\" target=\"a\"><data key=\"w\">" + weight +
                       "</data></edge>"),
            "edge 1: weight: found '" + weight + "'");
  }
  refused("<graphml><graph>", "XML, line 1");
}

TEST_CASE("a GraphML file cut at any byte is refused, with any flipped bit refused or read") {
  const size_t whole = kDirected.size() - 1;  // the last byte is the end of the line
  for (size_t size = 0; size < whole; ++size) {
    CAPTURE(size);
    REQUIRE(parse(kDirected.substr(0, size)).code == ExitCode::kBadData);
  }
  for (size_t i = 0; i < kDirected.size(); ++i) {
    for (int bit = 0; bit < 8; ++bit) {
      std::string flipped = kDirected;
      flipped[i] = char(flipped[i] ^ (1 << bit));
      const Outcome o = parse(flipped);
      CAPTURE(i, bit, o.message);
      REQUIRE((o.ok() || o.code == ExitCode::kBadData));
    }
  }
}

}  // namespace tenfold::io
