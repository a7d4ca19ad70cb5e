#include "tools/nino-nowcast/graph.h"

#include <algorithm>
#include <catch2/catch.hpp>
#include <nlohmann/json.hpp>
#include <set>

#include "common/core/error.h"
#include "common/io/file.h"
#include "common/io/safetensors.h"
#include "common/testing/skip.h"
#include "tools/nino-nowcast/fixtures_for_test.h"
#include "tools/nino-nowcast/sample_architectures_for_test.h"

namespace tenfold::nino_nowcast {
namespace {

// Every entry of the parameter vector lies in exactly one slot of the graphs, 0-dimensional ones in
// none.
void require_bijection(const Architecture& arch, const std::vector<NeuralGraph>& graphs) {
  std::vector<int> seen(static_cast<size_t>(arch.num_params()), 0);
  for (const NeuralGraph& g : graphs) {
    REQUIRE(g.slots.size() == size_t(g.num_edges() * g.feature_size));
    for (int64_t e = 0; e < g.num_edges(); ++e) {
      for (int64_t f = 0; f < g.feature_size; ++f) {
        const int64_t slot = g.slots[size_t(e * g.feature_size + f)];
        const bool weightless = is_auxiliary(g.type[size_t(e)]);
        if (weightless != (slot < 0) && (weightless || f == 0))
          FAIL("edge " << e << " has slot " << slot);
        if (slot >= 0) ++seen.at(size_t(slot));
      }
    }
  }
  size_t at = 0;
  for (const ParamSpec& p : arch.params) {
    const int expected = p.shape.empty() ? 0 : 1;
    for (int64_t i = 0; i < p.numel(); ++i) {
      if (seen[at++] != expected)
        FAIL(p.name << " entry " << i << " is in " << seen[at - 1] << " slots");
    }
  }
}

// Nodes in range, self-loops of all nodes last, no two edges alike, blocks one after the other.
void require_well_formed(const NeuralGraph& g) {
  std::set<std::pair<int32_t, int32_t>> edges;
  for (int64_t e = 0; e < g.num_edges(); ++e) {
    const int32_t s = g.source[size_t(e)], t = g.target[size_t(e)];
    const bool inside = s >= 0 && t >= 0 && s < g.num_nodes && t < g.num_nodes;
    if (!inside || !edges.insert({s, t}).second) FAIL("edge " << e << " from " << s << " to " << t);
    if ((s == t) != (e >= g.first_self_loop)) FAIL("edge " << e << " is a self-loop out of place");
  }
  REQUIRE(g.num_edges() - g.first_self_loop == g.num_nodes);
  REQUIRE(g.word_position.size() == size_t(g.num_nodes));
  int64_t end = 0;
  for (const EdgeBlock& block : g.layout) {
    REQUIRE(block.first == end);
    end = block.end;
    for (int64_t e = block.first; e < end; ++e) {
      if (g.type[size_t(e)] != block.type) FAIL(block.name << " has an edge of another type");
    }
  }
  REQUIRE(end == g.first_self_loop);
}

NeuralGraph checked_graph(const Architecture& arch, const GraphOptions& options = {}) {
  std::vector<NeuralGraph> graphs;
  graphs.push_back(build_graph(arch, options));
  require_well_formed(graphs[0]);
  require_bijection(arch, graphs);
  return std::move(graphs[0]);
}

const EdgeBlock& block_of(const NeuralGraph& g, const std::string& name) {
  for (const EdgeBlock& b : g.layout) {
    if (b.name == name) return b;
  }
  FAIL("no block " << name);
  return g.layout[0];
}

using Pair = std::pair<int32_t, int32_t>;
Pair edge(const NeuralGraph& g, int64_t e) { return {g.source[size_t(e)], g.target[size_t(e)]}; }

std::string refusal(const Architecture& arch) {
  try {
    build_graph(arch, {});
  } catch (const DataError& e) {
    return e.what();
  }
  return "accepted";
}

void check_sample(const std::string& stem) {
  CAPTURE(stem);
  const auto json = nlohmann::json::parse(io::read_text(stem + ".json"));
  const io::SafeTensors file = io::read_safetensors(stem + ".safetensors");
  const NeuralGraph g = checked_graph(read_architecture(stem + ".json"));
  if (file.has("edge_index")) {
    const std::vector<int64_t> index = file.at("edge_index", stem).to_int64("edge_index");
    const size_t e = g.source.size();
    REQUIRE(index.size() == 2 * e);
    REQUIRE(std::equal(g.source.begin(), g.source.end(), index.begin()));
    REQUIRE(std::equal(g.target.begin(), g.target.end(), index.begin() + e));
  }
  if (file.has("edge_type")) {
    const std::vector<int64_t> type = file.at("edge_type", stem).to_int64("edge_type");
    REQUIRE(type.size() == g.type.size());
    REQUIRE(std::equal(g.type.begin(), g.type.end(), type.begin()));
  }
  if (file.has("pos_w")) {
    const std::vector<int64_t> words = file.at("pos_w", stem).to_int64("pos_w");
    REQUIRE(std::equal(g.word_position.begin(), g.word_position.end(), words.begin(), words.end()));
  }
  if (json.contains("num_nodes")) REQUIRE(g.num_nodes == json["num_nodes"]);
  if (json.contains("num_edges")) REQUIRE(g.num_edges() == json["num_edges"]);
  if (json.contains("max_feat_size")) REQUIRE(g.feature_size == json["max_feat_size"]);
  if (json.contains("self_loop_edges")) {
    REQUIRE(json["self_loop_edges"] == nlohmann::json({g.first_self_loop, g.num_edges()}));
  }
  if (!json.contains("edge_layout")) return;
  REQUIRE(json["edge_layout"].size() == g.layout.size());
  for (size_t i = 0; i < g.layout.size(); ++i) {
    const EdgeBlock& b = g.layout[i];
    const auto& expected = json["edge_layout"][i];
    REQUIRE(b.name == expected["name"].get<std::string>());
    REQUIRE(b.shape == expected["shape"].get<std::vector<int64_t>>());
    REQUIRE(b.type == expected["type"]);
    REQUIRE(expected["edges"] == nlohmann::json({b.first, b.end}));
  }
}

}  // namespace

TEST_CASE("graphs of the parity samples are equal to the official ones") {
  const std::vector<std::string> stems = sample_stems();
  if (stems.empty()) TENFOLD_SKIP("no parity samples");
  for (const std::string& stem : stems) check_sample(stem);
}

TEST_CASE("an MLP 4-4-3-2 has its inputs, then per layer the bias node and the neurons") {
  const NeuralGraph g = checked_graph(sample_mlp({4, 4, 3, 2}));
  REQUIRE(g.num_nodes == 16);
  REQUIRE(g.num_edges() == 59);
  REQUIRE(edge(g, 0) == Pair{0, 5});
  REQUIRE(edge(g, 5) == Pair{1, 6});
  REQUIRE(g.slots[5] == 1 * 4 + 1);  // weights are stored (out, in)
  REQUIRE(g.slots[6] == 2 * 4 + 1);
  REQUIRE(edge(g, 16) == Pair{4, 5});
  REQUIRE(edge(g, 20) == Pair{5, 10});
  REQUIRE(edge(g, block_of(g, "fc.4.bias").first) == Pair{13, 14});
  REQUIRE(g.type[16] == kBias);
}

TEST_CASE("the FM-16 net has 95 nodes and 2057 edges with up to nine weights each") {
  const NeuralGraph g = checked_graph(sample_conv({1, 16, 32, 32}, 10, false, true));
  REQUIRE(g.num_nodes == 95);
  REQUIRE(g.num_edges() == 2057);
  REQUIRE(g.feature_size == 9);
  const int64_t e = block_of(g, "fc.2.weight").first + 3 * 32 + 5;  // from channel 3 to channel 5
  const int64_t kernel = 16 * 9 + 16 + (5 * 16 + 3) * 9;
  for (int64_t f = 0; f < 9; ++f) REQUIRE(g.slots[size_t(e * 9 + f)] == kernel + f);
  REQUIRE(g.slots[size_t(block_of(g, "fc.8.weight").first * 9 + 1)] == -1);
}

TEST_CASE("batch norm gives two further nodes a layer") {
  Architecture arch;
  arch.params = {{"0.weight", {4, 1, 3, 3}}, {"0.bias", {4}}, {"1.weight", {4}}, {"1.bias", {4}},
                 {"3.weight", {4, 4, 3, 3}}, {"3.bias", {4}}, {"4.weight", {4}}, {"4.bias", {4}},
                 {"8.weight", {4, 4}},       {"8.bias", {4}}};
  const NeuralGraph g = checked_graph(arch);
  REQUIRE(g.num_nodes == 20);
  REQUIRE(g.num_edges() == 84);
  REQUIRE(edge(g, block_of(g, "1.weight").first) == Pair{2, 4});
  REQUIRE(block_of(g, "1.weight").type == kNormWeight);
  REQUIRE(block_of(g, "1.bias").type == kBias);
  REQUIRE(edge(g, block_of(g, "3.weight").first) == Pair{4, 11});
  REQUIRE(edge(g, block_of(g, "8.bias").first) == Pair{15, 16});
}

TEST_CASE("a convolution without bias leaves only the two nodes of its norm") {
  const NeuralGraph g = checked_graph(sample_conv({1, 4, 4}, 4, true, false));
  REQUIRE(g.num_nodes == 1 + 2 + 4 + 2 + 4 + 1 + 4);
  REQUIRE(edge(g, 0) == Pair{0, 3});
  REQUIRE(edge(g, block_of(g, "fc.1.weight").first) == Pair{1, 3});
}

TEST_CASE("a layer without 1-D parameters has no auxiliary node") {
  Architecture arch;
  arch.params = {{"a.weight", {3, 2}}, {"b.weight", {2, 3}}};
  const NeuralGraph g = checked_graph(arch);
  REQUIRE(g.num_nodes == 7);
  REQUIRE(edge(g, 6) == Pair{2, 5});
}

TEST_CASE("norm parameters before the first weight hang on the inputs and come before them") {
  Architecture arch;
  arch.params = {{"n.weight", {3}}, {"n.bias", {3}}, {"a.weight", {2, 3}}, {"a.bias", {2}}};
  const NeuralGraph g = checked_graph(arch);
  REQUIRE(g.num_nodes == 2 + 3 + 1 + 2);
  REQUIRE(edge(g, 0) == Pair{0, 2});
  REQUIRE(edge(g, 3) == Pair{1, 2});
  REQUIRE(edge(g, 6) == Pair{2, 6});
  REQUIRE(g.type[0] == kNormWeight);
}

TEST_CASE("scalars are no part of the graph and keep their place in the parameter vector") {
  Architecture arch;
  arch.params = {{"t", {}}, {"a.weight", {2, 3}}, {"scale", {}}, {"a.bias", {2}}};
  const NeuralGraph g = checked_graph(arch);
  REQUIRE(g.slots[0] == 1);
  REQUIRE(g.slots[6] == 8);
}

TEST_CASE("what has no feed-forward graph is refused by the parameter's name") {
  using Catch::Contains;
  const auto with = [](std::vector<ParamSpec> params) {
    Architecture arch;
    arch.params = std::move(params);
    return refusal(arch);
  };
  const ParamSpec conv = {"c.weight", {8, 4, 3, 3}};
  REQUIRE_THAT(with({conv, {"f.weight", {10, 8 * 49}}}),
               Contains("f.weight") && Contains("found 392 inputs"));
  REQUIRE_THAT(with({conv, {"g.weight", {8, 4, 3, 3}}}),
               Contains("g.weight") && Contains("grouped"));
  REQUIRE_THAT(with({conv, {"c.bias", {7}}}),
               Contains("c.bias") && Contains("found 7 entries, expected 8"));
  REQUIRE_THAT(with({{"n.bias", {3}}, conv}), Contains("n.bias") && Contains("expected 4"));
  REQUIRE_THAT(with({{"c1.weight", {8, 4, 3}}}), Contains("c1.weight") && Contains("3 dimensions"));
  REQUIRE_THAT(with({{"c3.weight", {8, 4, 3, 3, 3}}}),
               Contains("c3.weight") && Contains("5 dimensions"));
  REQUIRE_THAT(with({{"k.weight", {8, 4, 5, 5}}}), Contains("k.weight") && Contains("5x5"));
  REQUIRE_THAT(with({{"b", {8}}}), Contains("no weight"));
}

TEST_CASE("GPT-2 graphs have the nodes and edges of the specification") {
  const NeuralGraph small = checked_graph(sample_gpt2(5, 3, 6, 2, 2));
  REQUIRE(small.num_nodes == 136);
  REQUIRE(small.num_edges() == 1264);
  const NeuralGraph g = checked_graph(sample_gpt2(64, 32, 16, 2, 2));
  REQUIRE(g.num_nodes == 394);
  REQUIRE(g.num_edges() == 8650);
  REQUIRE(g.word_position[0] == 1);
  REQUIRE(g.word_position[63] == 64);
  REQUIRE(g.word_position[64] == 0);
}

TEST_CASE("GPT-2 keys run from the query neurons back to the residual stream") {
  const NeuralGraph g = checked_graph(sample_gpt2(5, 3, 6, 2, 1));
  const EdgeBlock& q = block_of(g, "h.0.attn.c_attn.q.weight");
  const EdgeBlock& k = block_of(g, "h.0.attn.c_attn.k.weight");
  const int64_t weight = 5 * 6 + 3 * 6 + 6 + 6;  // c_attn.weight [6, 18]
  for (int64_t e = 0; e < 36; ++e) {
    REQUIRE(edge(g, q.first + e) == Pair{edge(g, k.first + e).second, edge(g, k.first + e).first});
    REQUIRE(g.slots[size_t(q.first + e)] == weight + e / 6 * 18 + e % 6);
    REQUIRE(g.slots[size_t(k.first + e)] == weight + e / 6 * 18 + 6 + e % 6);
  }
}

TEST_CASE("a Llama graph with grouped queries has the nodes and edges of the specification") {
  const NeuralGraph g = checked_graph(sample_llama(15, 12, 6, 2, 2, 24, true));
  REQUIRE(g.num_nodes == 211);
  REQUIRE(g.num_edges() == 3231);
  // words 15, X 12, heads 6, Q 12, V 4, X1: o_proj reads the 12 nodes before X1, eight of Q and all
  // of V.
  REQUIRE(edge(g, block_of(g, "layers.0.self_attn.o_proj.weight").first) == Pair{37, 49});
  const NeuralGraph tied = checked_graph(sample_llama(15, 12, 6, 2, 2, 24, false));
  REQUIRE(tied.num_nodes == 211 - 15);
  REQUIRE(tied.num_edges() == 3231 - 15 - 15 * 12);
}

TEST_CASE("Llama embeddings lie on transposed edges unless corrected") {
  const Architecture arch = sample_llama(15, 12, 6, 2, 1, 24, true);
  const NeuralGraph official = checked_graph(arch), corrected = checked_graph(arch, {true, false});
  REQUIRE(official.source == corrected.source);
  REQUIRE(official.target == corrected.target);
  REQUIRE(official.type == corrected.type);
  for (int64_t e = 0; e < 15 * 12; ++e) {
    REQUIRE(official.slots[size_t(e)] == e % 15 * 12 + e / 15);
    REQUIRE(corrected.slots[size_t(e)] == e);
  }
  REQUIRE(std::equal(official.slots.begin() + 180, official.slots.end(),
                     corrected.slots.begin() + 180));
}

TEST_CASE("naive graphs have no heads and no residuals, and keys of their own") {
  const NeuralGraph gpt2 = checked_graph(sample_gpt2(5, 3, 6, 2, 2), {false, true});
  REQUIRE(gpt2.num_nodes == 136 - 2 * 2 + 2 * 6);
  const NeuralGraph llama = checked_graph(sample_llama(15, 12, 6, 2, 2, 24, true), {false, true});
  REQUIRE(llama.num_nodes == 211 - 2 * 6 + 2 * 4);
  for (const NeuralGraph* g : {&gpt2, &llama}) {
    for (int64_t e = 0; e < g->first_self_loop; ++e) {
      REQUIRE((g->type[size_t(e)] < kQuery || g->type[size_t(e)] == kSelfLoop));
    }
  }
  // words 5, positions 3, [ln_1.w, ln_1.b], X 6, q.b, Q 6, k.b, K 6, v.b, V 6
  REQUIRE(edge(gpt2, block_of(gpt2, "h.0.attn.c_attn.k.weight").first) == Pair{10, 24});
  REQUIRE(edge(gpt2, block_of(gpt2, "h.0.attn.c_attn.k.bias").first) == Pair{23, 24});
}

TEST_CASE(
    "GPT-2 pieces are one block each, with embeddings in the first and the norm in the last") {
  const Architecture arch = sample_gpt2(5, 3, 6, 2, 3);
  const std::vector<NeuralGraph> pieces = build_subgraphs(arch, {});
  REQUIRE(pieces.size() == 3);
  for (const NeuralGraph& g : pieces) require_well_formed(g);
  require_bijection(arch, pieces);
  const int64_t middle = 3 + 6 + 2 + 2 + 6 + 6 + 3 + 6 + 1 + 24 + 1 + 6;
  REQUIRE(pieces[0].num_nodes == middle + 8);
  REQUIRE(pieces[1].num_nodes == middle);
  REQUIRE(pieces[2].num_nodes == middle + 2);
  REQUIRE(pieces[0].word_position[4] == 5);
  REQUIRE(*std::max_element(pieces[1].word_position.begin(), pieces[1].word_position.end()) == 0);
  // A middle piece: [ln_1.w, ln_1.b, k.b], X; and [mlp.c_proj.b] before the last X.
  REQUIRE(edge(pieces[1], block_of(pieces[1], "h.1.ln_1.weight").first) == Pair{0, 3});
  REQUIRE(edge(pieces[1], block_of(pieces[1], "h.1.mlp.c_proj.bias").first) ==
          Pair{int32_t(middle - 7), int32_t(middle - 6)});
}

TEST_CASE("Llama pieces are one layer each") {
  const Architecture arch = sample_llama(15, 12, 6, 2, 3, 24, true);
  const std::vector<NeuralGraph> pieces = build_subgraphs(arch, {});
  REQUIRE(pieces.size() == 3);
  for (const NeuralGraph& g : pieces) require_well_formed(g);
  require_bijection(arch, pieces);
  const int64_t middle = 12 + 6 + 12 + 4 + 12 + 12 + 24 + 2 + 12;
  REQUIRE(pieces[0].num_nodes == middle + 15);
  REQUIRE(pieces[1].num_nodes == middle);
  REQUIRE(pieces[2].num_nodes == middle + 1 + 15);
}

TEST_CASE("a feed-forward net and a transformer of one block are one piece") {
  REQUIRE(build_subgraphs(sample_mlp({4, 3, 2}), {}).size() == 1);
  const Architecture arch = sample_gpt2(5, 3, 6, 2, 1);
  const std::vector<NeuralGraph> pieces = build_subgraphs(arch, {});
  REQUIRE(pieces.size() == 1);
  REQUIRE(pieces[0].source == build_graph(arch, {}).source);
}

TEST_CASE("the prefix of transformer names is free") {
  Architecture arch = sample_gpt2(5, 3, 6, 2, 1);
  for (ParamSpec& p : arch.params) p.name = "model.decoder." + p.name;
  const NeuralGraph g = checked_graph(arch);
  REQUIRE(block_of(g, "model.decoder.h.0.attn.c_attn.v.head1").type == kHead);
}

TEST_CASE(
    "transformers with missing, misplaced, additional or misshapen parameters are refused by "
    "name") {
  using Catch::Contains;
  const Architecture gpt2 = sample_gpt2(5, 3, 6, 2, 2),
                     llama = sample_llama(15, 12, 6, 2, 1, 24, true);
  Architecture arch = gpt2;
  std::swap(arch.params[2], arch.params[3]);
  REQUIRE_THAT(refusal(arch),
               Contains("parameter h.0.ln_1.bias") && Contains("registration order"));
  arch = gpt2;
  arch.params.push_back({"lm_head.weight", {5, 6}});
  REQUIRE_THAT(refusal(arch), Contains("parameter lm_head.weight") && Contains("tied"));
  arch = gpt2;
  arch.params.pop_back();
  REQUIRE_THAT(refusal(arch), Contains("ln_f.bias"));
  arch = gpt2;
  arch.params[4].shape = {6, 12};
  REQUIRE_THAT(refusal(arch), Contains("c_attn.weight: found shape [6, 12], expected [6, 18]"));
  arch = gpt2;
  arch.num_heads = 4;
  REQUIRE_THAT(refusal(arch), Contains("multiple of num_heads 4"));
  arch = llama;
  arch.params[2].shape = {6, 12};
  REQUIRE_THAT(refusal(arch), Contains("k_proj.weight: found shape [6, 12], expected [4, 12]"));
  arch = llama;
  arch.params.insert(arch.params.begin() + 2, {"layers.0.self_attn.q_proj.bias", {12}});
  REQUIRE_THAT(refusal(arch), Contains("parameter layers.0.self_attn.q_proj.bias"));
}

}  // namespace tenfold::nino_nowcast
