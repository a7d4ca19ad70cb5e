// The Llama graph (specification, section 3.5).
#include <fmt/format.h>

#include "tools/nino-nowcast/graph_builder.h"

namespace tenfold::nino_nowcast {
namespace {

struct Layer {
  Param q, k, v, o, gate, up, down, input_norm, post_norm;
};

struct Model {
  Param embed, norm, head;
  bool untied = false;  // has a head of its own
  std::vector<Layer> layers;
  int64_t words = 0, width = 0, heads = 0, kv_heads = 0;
};

Layer take_layer(ParamCursor& cursor, int64_t index, const Model& m) {
  const auto take = [&](const char* name, const std::vector<int64_t>& shape) {
    return cursor.take(fmt::format("layers.{}.{}.weight", index, name), shape);
  };
  const int64_t d = m.width;
  Layer l;
  l.q = take("self_attn.q_proj", {-1, d});
  const int64_t queries = l.q.shape()[0];
  if (queries % m.heads != 0) {
    refuse(l.q.name(),
           fmt::format("found {} rows, expected a multiple of num_heads {}", queries, m.heads));
  }
  const int64_t values = queries / m.heads * m.kv_heads;
  l.k = take("self_attn.k_proj", {values, d});
  l.v = take("self_attn.v_proj", {values, d});
  l.o = take("self_attn.o_proj", {d, queries});
  l.gate = take("mlp.gate_proj", {-1, d});
  const int64_t f = l.gate.shape()[0];
  l.up = take("mlp.up_proj", {f, d});
  l.down = take("mlp.down_proj", {d, f});
  l.input_norm = take("input_layernorm", {d});
  l.post_norm = take("post_attention_layernorm", {d});
  return l;
}

Model read_model(const Architecture& arch) {
  ParamCursor cursor(params_with_offsets(arch));
  Model m;
  m.heads = arch.num_heads;
  m.kv_heads = arch.num_key_value_heads;
  m.embed = cursor.take("embed_tokens.weight", {-1, -1});
  m.words = m.embed.shape()[0];
  m.width = m.embed.shape()[1];
  if (m.heads < 1 || m.kv_heads < 1 || m.heads % m.kv_heads != 0) {
    refuse(m.embed.name(),
           fmt::format("found num_heads {} and num_key_value_heads {}, expected a divisor", m.heads,
                       m.kv_heads));
  }
  do {
    m.layers.push_back(take_layer(cursor, int64_t(m.layers.size()), m));
  } while (cursor.next_is(fmt::format("layers.{}.self_attn.q_proj.weight", m.layers.size())));
  m.norm = cursor.take("norm.weight", {m.width});
  m.untied = cursor.next_is("lm_head.weight");
  if (m.untied) m.head = cursor.take("lm_head.weight", {m.words, m.width});
  cursor.expect_end();
  return m;
}

std::string without_weight(const Param& p) { return p.name().substr(0, p.name().rfind('.')); }

class Piece {
 public:
  Piece(const Model& model, const GraphOptions& options, size_t first, size_t last)
      : m_(model), options_(options), first_(first), last_(last), b_(1, edge_bound()) {}

  NeuralGraph build() {
    Nodes words;
    if (first_ == 0) {
      words = b_.add_nodes(m_.words);
      b_.mark_words(words);
    }
    Nodes x = b_.add_nodes(m_.width);
    if (first_ == 0) lay_embedding(words, x);
    for (size_t i = first_; i < last_; ++i) x = lay_layer(i, x);
    if (last_ == m_.layers.size()) {
      b_.vector(m_.norm.name(), m_.norm.offset, final_norm_, x);
      if (m_.untied) lay_linear(m_.head, kLinear, x, b_.add_nodes(m_.words));
    }
    return b_.finish();
  }

 private:
  // Weights, constants and self-loops, at most.
  int64_t edge_bound() const {
    int64_t n = m_.width * 2 + 1;
    if (first_ == 0) n += m_.words * (m_.width + 1);
    if (last_ == m_.layers.size() && m_.untied) n += m_.words * (m_.width + 1);
    for (size_t i = first_; i < last_; ++i) {
      const Layer& l = m_.layers[i];
      const int64_t d = m_.width, q = l.q.shape()[0], v = l.v.shape()[0], f = l.gate.shape()[0];
      n += 2 * d * (q + v) + 3 * d * f + 8 * d + 2 * q + 3 * v + f + m_.heads + 2;
    }
    return n;
  }

  // Weights stored (out, in).
  void lay_linear(const Param& p, int32_t type, Nodes inputs, Nodes outputs,
                  bool reversed = false) {
    b_.dense(p.name(), p.shape(), type, inputs, outputs, {p.offset, 1, inputs.count, 1}, reversed);
  }

  void lay_embedding(Nodes words, Nodes x) {
    const int64_t v = m_.words, d = m_.width, offset = m_.embed.offset;
    b_.dense(m_.embed.name(), m_.embed.shape(), kWordEmbedding, words, x, {offset, d, 1, 1});
    if (options_.corrected) return;
    // The official code transposes the embedding although its edges are listed word-major.
    int64_t* slots = b_.last_slots();
    for (int64_t e = 0; e < v * d; ++e) slots[e] = offset + (e % v) * d + e / v;
  }

  void lay_heads(const std::string& name, Nodes heads, Nodes neurons, int64_t count) {
    const int64_t size = neurons.count / count;
    for (int64_t j = 0; j < count; ++j) {
      b_.head(fmt::format("{}.head{}", name, j), heads.first + j, {neurons.first + j * size, size});
    }
  }

  void lay_attention(const Layer& l, Nodes x) {
    const Nodes heads = b_.add_nodes(m_.heads);
    const Nodes q = b_.add_nodes(l.q.shape()[0]), v = b_.add_nodes(l.v.shape()[0]);
    lay_linear(l.q, kQuery, x, q);
    lay_heads(without_weight(l.q), heads, q, m_.heads);
    lay_linear(l.k, kKey, x, {q.first, l.k.shape()[0]}, true);
    lay_linear(l.v, kValue, x, v);
    lay_heads(without_weight(l.v), heads, v, m_.kv_heads);
  }

  // q, k and v as three plain layers.
  void lay_naive_attention(const Layer& l, Nodes x) {
    const Nodes q = b_.add_nodes(l.q.shape()[0]);
    const Nodes k = b_.add_nodes(l.k.shape()[0]), v = b_.add_nodes(l.v.shape()[0]);
    lay_linear(l.q, kLinear, x, q);
    lay_linear(l.k, kLinear, x, k);
    lay_linear(l.v, kLinear, x, v);
  }

  Nodes lay_layer(size_t index, Nodes x) {
    const Layer& l = m_.layers[index];
    options_.naive ? lay_naive_attention(l, x) : lay_attention(l, x);
    const int64_t d = m_.width, queries = l.q.shape()[0];
    const Nodes x1 = b_.add_nodes(d), up = b_.add_nodes(d),
                hidden = b_.add_nodes(l.gate.shape()[0]);
    const Nodes norms = b_.add_nodes(2);
    if (index + 1 == m_.layers.size()) final_norm_ = b_.add_nodes(1).first;
    const Nodes x2 = b_.add_nodes(d);

    if (!options_.naive) b_.residual(without_weight(l.v) + ".res", x, x1);
    // With fewer kv heads these are the last query neurons and all value neurons: as in the
    // official code.
    lay_linear(l.o, kLinear, {x1.first - queries, queries}, x1);
    lay_linear(l.gate, kLinear, x1, hidden);
    if (!options_.naive) b_.residual(without_weight(l.gate) + ".res", x1, x2);
    lay_linear(l.up, kLinear, up, hidden);
    if (!options_.naive) b_.residual(without_weight(l.up) + ".res", up, x2);
    lay_linear(l.down, kLinear, hidden, x2);
    b_.vector(l.input_norm.name(), l.input_norm.offset, norms.first, x2);
    b_.vector(l.post_norm.name(), l.post_norm.offset, norms.first + 1, x2);
    return x2;
  }

  const Model& m_;
  GraphOptions options_;
  size_t first_, last_;  // layers
  GraphBuilder b_;
  int64_t final_norm_ = 0;
};

}  // namespace

std::vector<NeuralGraph> build_llama(const Architecture& arch, const GraphOptions& options,
                                     bool pieces) {
  const Model model = read_model(arch);
  const size_t step = pieces ? 1 : model.layers.size();
  std::vector<NeuralGraph> graphs;
  for (size_t first = 0; first < model.layers.size(); first += step) {
    graphs.push_back(Piece(model, options, first, first + step).build());
  }
  return graphs;
}

}  // namespace tenfold::nino_nowcast
