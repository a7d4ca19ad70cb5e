// libFuzzer: whatever the bytes, the parser gives a tenfold::Error, or edges between nodes.
#include <cmath>

#include "common/core/error.h"
#include "common/io/graphml.h"

extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) {
  using namespace tenfold;
  try {
    const io::GraphMl graph = io::parse_graphml(io::Bytes(data, data + size), "x");
    const int64_t nodes = int64_t(graph.nodes.size());
    for (const io::GraphMlEdge& e : graph.edges) {
      if (e.source < 0 || e.source >= nodes || e.target < 0 || e.target >= nodes) __builtin_trap();
      if (!std::isfinite(e.weight)) __builtin_trap();
    }
  } catch (const Error&) {
  }
  return 0;
}
