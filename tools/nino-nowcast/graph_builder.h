// Laying nodes and edges of a neural graph in order. Internal to graph*.cc.
#pragma once

#include <string>
#include <vector>

#include "tools/nino-nowcast/graph.h"

namespace tenfold::nino_nowcast {

// A parameter tensor and where its entries begin in the flat parameter vector.
struct Param {
  const ParamSpec* spec = nullptr;
  int64_t offset = 0;

  const std::string& name() const { return spec->name; }
  const std::vector<int64_t>& shape() const { return spec->shape; }
};

std::vector<Param> params_with_offsets(const Architecture& arch);

// "[8, 3, 3]"
std::string shape_text(const std::vector<int64_t>& shape);

// Throws DataError naming the parameter.
[[noreturn]] void refuse(const std::string& parameter, const std::string& what);
void expect_shape(const Param& param, const std::vector<int64_t>& shape);

// Consecutive nodes.
struct Nodes {
  int64_t first = 0, count = 0;
};

// Where the entries of a weight lie in the parameter vector: input i, output o, kernel entry f is
// at offset + i * input_stride + o * output_stride + f.
struct WeightLayout {
  int64_t offset = 0, input_stride = 1, output_stride = 1, kernel = 1;
};

class GraphBuilder {
 public:
  // `edges` weights-on-edges and constants to come (self-loops apart): what to reserve.
  GraphBuilder(int64_t feature_size, int64_t edges);

  Nodes add_nodes(int64_t count);
  void mark_words(Nodes words);

  // All inputs to all outputs, listed input-major; `reversed` edges run from output to input.
  void dense(const std::string& name, const std::vector<int64_t>& shape, int32_t type, Nodes inputs,
             Nodes outputs, const WeightLayout& layout, bool reversed = false);
  // A 1-D parameter (`count` = outputs entries from `offset`) from its auxiliary node.
  void vector(const std::string& name, int64_t offset, int64_t node, Nodes outputs);
  void head(const std::string& name, int64_t node, Nodes outputs);
  void residual(const std::string& name, Nodes inputs, Nodes outputs);

  // Slots of the last block, [edges] (feature size 1), for an order that is no WeightLayout.
  int64_t* last_slots();

  // Appends the self-loops.
  NeuralGraph finish();

 private:
  void edge(int64_t source, int64_t target, int32_t type);
  void begin_block(const std::string& name, std::vector<int64_t> shape, int32_t type);
  void end_block() { graph_.layout.back().end = graph_.num_edges(); }

  NeuralGraph graph_;
};

// 4 for norm weights, 2 for the other 1-D parameters.
int32_t vector_type(const std::string& name);

NeuralGraph build_feed_forward(const Architecture& arch);

// One graph of the whole model, or (`pieces`) one a block.
std::vector<NeuralGraph> build_gpt2(const Architecture& arch, const GraphOptions& options,
                                    bool pieces);
std::vector<NeuralGraph> build_llama(const Architecture& arch, const GraphOptions& options,
                                     bool pieces);

// Takes parameters in registration order by the ends of their names; what stands before is free.
class ParamCursor {
 public:
  explicit ParamCursor(std::vector<Param> params) : params_(std::move(params)) {}

  bool next_is(const std::string& suffix) const;
  // Throws DataError unless the next parameter is `suffix` of `shape` (-1: any size).
  Param take(const std::string& suffix, const std::vector<int64_t>& shape);
  void expect_end() const;  // throws DataError naming the first parameter that is left

 private:
  std::vector<Param> params_;
  size_t next_ = 0;
};

}  // namespace tenfold::nino_nowcast
