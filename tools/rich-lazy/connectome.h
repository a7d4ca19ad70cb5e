// Connectomes as matrices of weights, W[post, pre] (specification, sections 2.4 and 7): dense CSV,
// edge lists, GraphML, and the C. elegans that is compiled in.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "tools/rich-lazy/matrix.h"

namespace tenfold::rich_lazy {

struct ConnectomeOptions {
  std::string matrix = "celegans";  // or a file
  std::string nodes;                // CSV with a column `sign`, one row a unit; "": none
  std::string edges = "chemical";   // of a list with a column `kind`: chemical, electrical or both
  bool signs = true;  // columns of units whose sign is -1 are negative, chemical synapses alone
};

struct Connectome {
  std::string source;  // "C. elegans (Cook et al. 2019)", or the file
  std::string format;  // "embedded", "dense CSV", "edge list", "GraphML"
  Matrix weights;
  std::vector<std::string> names;  // of the units, where they are known
  std::vector<std::string> files;  // that it was read from
  std::vector<std::string> notes;  // what a log should warn of
};

// Edges that stand twice are added up. Throws MissingInput; DataError: not square, an index out of
// range, a weight that is no number, no edge of the kind asked for; UsageError where a kind is
// asked for of a file without kinds.
Connectome read_connectome(const ConnectomeOptions& options);

}  // namespace tenfold::rich_lazy
