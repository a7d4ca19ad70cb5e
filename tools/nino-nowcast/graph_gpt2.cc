// The GPT-2 graph (specification, section 3.4).
#include <fmt/format.h>

#include "tools/nino-nowcast/graph_builder.h"

namespace tenfold::nino_nowcast {
namespace {

struct Block {
  Param ln_1_w, ln_1_b, attn_w, attn_b, proj_w, proj_b, ln_2_w, ln_2_b, fc_w, fc_b, mlp_w, mlp_b;
};

struct Model {
  Param wte, wpe, ln_f_w, ln_f_b;
  std::vector<Block> blocks;
  int64_t words = 0, positions = 0, width = 0, heads = 0;
};

Block take_block(ParamCursor& cursor, int64_t index, int64_t d) {
  const auto take = [&](const char* name, const std::vector<int64_t>& shape) {
    return cursor.take(fmt::format("h.{}.{}", index, name), shape);
  };
  Block b;
  b.ln_1_w = take("ln_1.weight", {d});
  b.ln_1_b = take("ln_1.bias", {d});
  b.attn_w = take("attn.c_attn.weight", {d, 3 * d});
  b.attn_b = take("attn.c_attn.bias", {3 * d});
  b.proj_w = take("attn.c_proj.weight", {d, d});
  b.proj_b = take("attn.c_proj.bias", {d});
  b.ln_2_w = take("ln_2.weight", {d});
  b.ln_2_b = take("ln_2.bias", {d});
  b.fc_w = take("mlp.c_fc.weight", {d, -1});
  const int64_t f = b.fc_w.shape()[1];
  b.fc_b = take("mlp.c_fc.bias", {f});
  b.mlp_w = take("mlp.c_proj.weight", {f, d});
  b.mlp_b = take("mlp.c_proj.bias", {d});
  return b;
}

Model read_model(const Architecture& arch) {
  ParamCursor cursor(params_with_offsets(arch));
  Model m;
  m.heads = arch.num_heads;
  m.wte = cursor.take("wte.weight", {-1, -1});
  m.words = m.wte.shape()[0];
  m.width = m.wte.shape()[1];
  m.wpe = cursor.take("wpe.weight", {-1, m.width});
  m.positions = m.wpe.shape()[0];
  if (m.heads < 1 || m.width % m.heads != 0) {
    refuse(m.wte.name(),
           fmt::format("found width {}, expected a multiple of num_heads {}", m.width, m.heads));
  }
  do {
    m.blocks.push_back(take_block(cursor, int64_t(m.blocks.size()), m.width));
  } while (cursor.next_is(fmt::format("h.{}.ln_1.weight", m.blocks.size())));
  m.ln_f_w = cursor.take("ln_f.weight", {m.width});
  m.ln_f_b = cursor.take("ln_f.bias", {m.width});
  cursor.expect_end();
  return m;
}

// Residual neurons with the auxiliary nodes of the normalisation that reads them (and of the key
// bias).
struct Residual {
  int64_t norm_w = 0, norm_b = 0, key_b = 0;
  Nodes x;
};

class Piece {
 public:
  Piece(const Model& model, bool naive, size_t first, size_t last)
      : m_(model), naive_(naive), first_(first), last_(last), b_(1, edge_bound()) {}

  NeuralGraph build() {
    Nodes words, positions;
    if (first_ == 0) {
      words = b_.add_nodes(m_.words);
      positions = b_.add_nodes(m_.positions);
      b_.mark_words(words);
    }
    Residual stream = add_norm_nodes(true);
    stream.x = b_.add_nodes(m_.width);
    if (first_ == 0) {
      lay_conv1d(m_.wte, kWordEmbedding, words, stream.x);
      lay_conv1d(m_.wpe, kPositionEmbedding, positions, stream.x);
    }
    for (size_t i = first_; i < last_; ++i) stream = lay_block(i, stream);
    if (last_ == m_.blocks.size()) {
      b_.vector(m_.ln_f_w.name(), m_.ln_f_w.offset, stream.norm_w, stream.x);
      b_.vector(m_.ln_f_b.name(), m_.ln_f_b.offset, stream.norm_b, stream.x);
    }
    return b_.finish();
  }

 private:
  // Weights, constants and self-loops, at most.
  int64_t edge_bound() const {
    int64_t n = (m_.words + m_.positions + 3) * (m_.width + 1);
    for (size_t i = first_; i < last_; ++i) {
      const int64_t d = m_.width, f = m_.blocks[i].fc_w.shape()[1];
      n += 4 * d * d + 2 * d * f + 18 * d + 2 * f + m_.heads + 16;
    }
    return n;
  }

  Residual add_norm_nodes(bool before_block) {
    Residual s;
    s.norm_w = b_.add_nodes(1).first;
    s.norm_b = b_.add_nodes(1).first;
    if (before_block && !naive_) s.key_b = b_.add_nodes(1).first;
    return s;
  }

  // Weights stored (in, out).
  void lay_conv1d(const Param& p, int32_t type, Nodes inputs, Nodes outputs) {
    b_.dense(p.name(), p.shape(), type, inputs, outputs, {p.offset, outputs.count, 1, 1});
  }

  // Columns part * D .. of the fused q, k, v weight.
  void lay_attention_weight(const std::string& name, const Block& block, int64_t part, int32_t type,
                            Nodes x, Nodes neurons, bool reversed) {
    const int64_t d = m_.width;
    b_.dense(name + ".weight", {d, d}, type, x, neurons,
             {block.attn_w.offset + part * d, 3 * d, 1, 1}, reversed);
  }

  void lay_heads(const std::string& name, Nodes heads, Nodes neurons) {
    const int64_t size = m_.width / m_.heads;
    for (int64_t j = 0; j < heads.count; ++j) {
      b_.head(fmt::format("{}.head{}", name, j), heads.first + j, {neurons.first + j * size, size});
    }
  }

  // Returns the neurons that attn.c_proj reads.
  Nodes lay_attention(const Block& block, const Residual& in) {
    const int64_t d = m_.width, bias = block.attn_b.offset;
    const Nodes heads = b_.add_nodes(m_.heads);
    const int64_t q_b = b_.add_nodes(1).first, v_b = b_.add_nodes(1).first;
    const Nodes q = b_.add_nodes(d), v = b_.add_nodes(d);
    const std::string base = attention_name(block);
    lay_attention_weight(base + ".q", block, 0, kQuery, in.x, q, false);
    lay_heads(base + ".q", heads, q);
    b_.vector(base + ".q.bias", bias, q_b, q);
    lay_attention_weight(base + ".k", block, 1, kKey, in.x, q, true);
    b_.vector(base + ".k.bias", bias + d, in.key_b, in.x);
    lay_attention_weight(base + ".v", block, 2, kValue, in.x, v, false);
    lay_heads(base + ".v", heads, v);
    b_.vector(base + ".v.bias", bias + 2 * d, v_b, v);
    return v;
  }

  // q, k and v as three plain layers.
  Nodes lay_naive_attention(const Block& block, const Residual& in) {
    const char* const names[] = {".q", ".k", ".v"};
    int64_t bias_nodes[3];
    Nodes neurons[3];
    for (int64_t part = 0; part < 3; ++part) {
      bias_nodes[part] = b_.add_nodes(1).first;
      neurons[part] = b_.add_nodes(m_.width);
    }
    for (int64_t part = 0; part < 3; ++part) {
      const std::string name = attention_name(block) + names[part];
      lay_attention_weight(name, block, part, kLinear, in.x, neurons[part], false);
      b_.vector(name + ".bias", block.attn_b.offset + part * m_.width, bias_nodes[part],
                neurons[part]);
    }
    return neurons[2];
  }

  static std::string attention_name(const Block& block) {
    const std::string& weight = block.attn_w.name();
    return weight.substr(0, weight.rfind('.'));
  }

  Residual lay_block(size_t index, const Residual& in) {
    const Block& block = m_.blocks[index];
    b_.vector(block.ln_1_w.name(), block.ln_1_w.offset, in.norm_w, in.x);
    b_.vector(block.ln_1_b.name(), block.ln_1_b.offset, in.norm_b, in.x);
    const Nodes v = naive_ ? lay_naive_attention(block, in) : lay_attention(block, in);

    const Nodes middle = b_.add_nodes(3);  // attn.c_proj.b, ln_2.w, ln_2.b
    const Nodes x1 = b_.add_nodes(m_.width);
    if (!naive_) b_.residual(attention_name(block) + ".v.res", in.x, x1);
    lay_conv1d(block.proj_w, kLinear, v, x1);
    b_.vector(block.proj_b.name(), block.proj_b.offset, middle.first, x1);
    b_.vector(block.ln_2_w.name(), block.ln_2_w.offset, middle.first + 1, x1);
    b_.vector(block.ln_2_b.name(), block.ln_2_b.offset, middle.first + 2, x1);
    return lay_mlp(index, x1);
  }

  Residual lay_mlp(size_t index, Nodes x1) {
    const Block& block = m_.blocks[index];
    const int64_t fc_b = b_.add_nodes(1).first;
    const Nodes hidden = b_.add_nodes(block.fc_w.shape()[1]);
    const int64_t mlp_b = b_.add_nodes(1).first;
    Residual out;
    // The last block of a piece that is not the model's last one is read by nothing.
    if (index + 1 < last_ || last_ == m_.blocks.size()) out = add_norm_nodes(index + 1 < last_);
    out.x = b_.add_nodes(m_.width);

    lay_conv1d(block.fc_w, kLinear, x1, hidden);
    b_.vector(block.fc_b.name(), block.fc_b.offset, fc_b, hidden);
    if (!naive_) {
      const std::string& name = block.fc_w.name();
      b_.residual(name.substr(0, name.rfind('.')) + ".res", x1, out.x);
    }
    lay_conv1d(block.mlp_w, kLinear, hidden, out.x);
    b_.vector(block.mlp_b.name(), block.mlp_b.offset, mlp_b, out.x);
    return out;
  }

  const Model& m_;
  bool naive_;
  size_t first_, last_;  // blocks
  GraphBuilder b_;
};

}  // namespace

std::vector<NeuralGraph> build_gpt2(const Architecture& arch, const GraphOptions& options,
                                    bool pieces) {
  const Model model = read_model(arch);
  const size_t step = pieces ? 1 : model.blocks.size();
  std::vector<NeuralGraph> graphs;
  for (size_t first = 0; first < model.blocks.size(); first += step) {
    graphs.push_back(Piece(model, options.naive, first, first + step).build());
  }
  return graphs;
}

}  // namespace tenfold::nino_nowcast
