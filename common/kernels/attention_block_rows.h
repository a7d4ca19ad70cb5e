// The arithmetic of attention_block.h, compiled once for every instruction set.
#pragma once

#include "common/kernels/attention_block_isa.h"
#include "common/kernels/rotary_head.h"

namespace tenfold::kernels::TENFOLD_ISA {

// Where the packed weights and the sums of their gradients lie. Part 0 of a head are its queries,
// 1 its keys, 2 its values.
struct BlockLayout {
  int64_t dim, heads, width, dim_pitch, width_pitch;

  explicit BlockLayout(const AttentionBlock& b)
      : dim(b.dim),
        heads(b.heads),
        width(b.head_dim),
        dim_pitch(round_up(dim, kPanel)),
        width_pitch(round_up(width, kPanel)) {}

  // x -> part [dim, width] and its gradient's way back [width, dim]; the same for the way out.
  Panels in(const float* packed, int64_t part, int64_t head) const {
    return at(packed, 2 * (part * heads + head), dim, width);
  }
  Panels in_back(const float* packed, int64_t part, int64_t head) const {
    return at(packed, 2 * (part * heads + head) + 1, width, dim);
  }
  Panels out(const float* packed, int64_t head) const {
    return at(packed, 2 * (3 * heads + head) + 1, width, dim);
  }
  Panels out_back(const float* packed, int64_t head) const {
    return at(packed, 2 * (3 * heads + head), dim, width);
  }
  int64_t pack_floats() const { return 4 * heads * pair(); }

  float* sum_in(float* sums, int64_t part, int64_t head) const {  // [width][dim_pitch]
    return sums + (part * heads + head) * width * dim_pitch;
  }
  float* sum_out(float* sums, int64_t head) const {  // [dim][width_pitch]
    return sums + 3 * heads * width * dim_pitch + head * dim * width_pitch;
  }
  int64_t sums_floats() const { return heads * (3 * width * dim_pitch + dim * width_pitch); }

 private:
  // One matrix from x to a head and one back.
  int64_t pair() const { return dim * width_pitch + width * dim_pitch; }
  Panels at(const float* packed, int64_t number, int64_t depth, int64_t columns) const {
    const int64_t first = number / 2 * pair() + (number % 2 == 0 ? 0 : dim * width_pitch);
    return {const_cast<float*>(packed) + first, depth, columns};
  }
};

static int64_t attention_block_pack_floats(const AttentionBlock& block) {
  return BlockLayout(block).pack_floats();
}

static void attention_block_pack(const AttentionBlock& block, float* packed) {
  const BlockLayout layout(block);
  const int64_t heads = block.heads, width = block.head_dim;
  for (int64_t h = 0; h < heads; ++h) {
    for (int64_t part = 0; part < 3; ++part) {
      const float* from = block.qkv + (part * heads + h) * width * block.dim;
      layout.in(packed, part, h).fill_transposed(from, block.dim);
      layout.in_back(packed, part, h).fill(from, block.dim);
    }
    layout.out(packed, h).fill_transposed(block.out + h * width, block.wide());
    layout.out_back(packed, h).fill(block.out + h * width, block.wide());
  }
}

// One sequence of a call.
struct BlockSequence {
  const AttentionBlockCall& call;
  BlockLayout layout;
  int64_t token, count;  // first token and number of tokens

  explicit BlockSequence(const AttentionBlockCall& c)
      : call(c),
        layout(c.block),
        token(c.tokens.begin[c.sequence]),
        count(c.tokens.count[c.sequence]) {}

  Left rows_of_x() const { return {call.x + token * layout.dim, count, layout.dim}; }
  HeadNorms norms(const float* all, int64_t head) const {
    return {const_cast<float*>(all) + 2 * (token * layout.heads + head), 2 * layout.heads};
  }
  DropoutRows mask(int64_t head) const {
    const int64_t words = DropoutRows::words(call.longest), step = layout.heads * words;
    uint32_t* kept = call.kept == nullptr ? nullptr : call.kept + token * step + head * words;
    return {{call.dropout.rate, call.dropout.key}, token, head, layout.heads, count, kept, step};
  }
  // Where a part of a head goes, [tokens][width_pitch].
  float* part_rows(int64_t part, int64_t head, float* otherwise) const {
    if (call.parts == nullptr) return otherwise;
    const int64_t before = token * layout.heads * 3 + (head * 3 + part) * count;
    return call.parts + before * layout.width_pitch;
  }
  int64_t mixed_at(int64_t head) const { return token * call.block.wide() + head * layout.width; }

  // Rows of a head, [tokens][width_pitch].
  void turn(float* rows, bool backwards) const {
    for (int64_t i = 0; i < count; ++i, rows += layout.width_pitch) {
      const float* by = call.tokens.turn_of(token + i, layout.width);
      turn_row(rows, by, layout.width, backwards, rows);
    }
  }
  const float* make_part(int64_t part, int64_t head, float* scratch) const {
    float* rows = part_rows(part, head, scratch);
    product<false>(rows_of_x(), layout.in(call.packed, part, head), rows, layout.width_pitch);
    turn(rows, false);
    return rows;
  }
};

static void attention_block_heads(const AttentionBlockCall& call, int64_t first, int64_t end,
                                  float* mixed, float* norms) {
  const BlockSequence s(call);
  const BlockLayout& layout = s.layout;
  HeadForward core;
  float *rows = nullptr, *q = nullptr;
  ScratchParts(thread_scratch()).lay_out([&](ScratchParts& p) {
    core = HeadForward(p, s.count, layout.width);
    rows = p.take(s.count * layout.width_pitch);
    q = p.take(s.count * layout.width_pitch);
  });
  for (int64_t h = first; h < end; ++h) {
    core.keys_t.fill_transposed(s.make_part(1, h, rows), layout.width_pitch);
    core.values.fill(s.make_part(2, h, rows), layout.width_pitch);
    const float* queries = s.make_part(0, h, q);
    core.run({queries, s.count, layout.width_pitch}, s.mask(h), s.norms(norms, h), rows,
             layout.width_pitch);
    s.turn(rows, true);
    float* to = mixed + s.mixed_at(h);
    for (int64_t i = 0; i < s.count; ++i)
      copy_row(rows + i * layout.width_pitch, layout.width, to + i * call.block.wide());
  }
}

static void attention_block_project(const AttentionBlockCall& call, const float* mixed,
                                    const float* bias, float* y) {
  const BlockSequence s(call);
  const BlockLayout& layout = s.layout;
  float* rows = nullptr;
  ScratchParts(thread_scratch()).lay_out([&](ScratchParts& p) {
    rows = p.take(s.count * layout.dim_pitch);
  });
  for (int64_t h = 0; h < layout.heads; ++h) {
    const Left from{mixed + s.mixed_at(h), s.count, call.block.wide()};
    const Panels out = layout.out(call.packed, h);
    if (h == 0) {
      product<false>(from, out, rows, layout.dim_pitch);
    } else {
      product<true>(from, out, rows, layout.dim_pitch);
    }
  }
  y += s.token * layout.dim;
  for (int64_t i = 0; i < s.count; ++i, y += layout.dim, rows += layout.dim_pitch) {
    for_columns<float>(
        layout.dim, [&](int64_t c, auto at) { at.set(y + c, load(rows + c) + at.get(bias + c)); });
  }
}

static void attention_block_backward(const AttentionBlockCall& call, const float* mixed,
                                     const float* norms, const float* d_y, bool add, float* d_x,
                                     float* sums) {
  const BlockSequence s(call);
  const BlockLayout& layout = s.layout;
  const int64_t dim = layout.dim, width = layout.width, pitch = layout.width_pitch,
                wide = call.block.wide();
  HeadBackward core;
  Panels x{}, o{};
  float *d_o = nullptr, *d_rows = nullptr, *dots = nullptr;
  ScratchParts(thread_scratch()).lay_out([&](ScratchParts& p) {
    core = HeadBackward(p, s.count, width);
    x = p.panels(s.count, dim);
    o = p.panels(s.count, width);
    d_o = p.take(s.count * pitch);
    d_rows = p.take(s.count * layout.dim_pitch);
    dots = p.take(s.count);
  });
  x.fill(s.rows_of_x().data, dim);
  d_y += s.token * dim;
  for (int64_t h = 0; h < layout.heads; ++h) {
    const float *q = s.part_rows(0, h, nullptr), *k = s.part_rows(1, h, nullptr);
    core.values_t.fill_transposed(s.part_rows(2, h, nullptr), pitch);
    core.keys_t.fill_transposed(k, pitch);
    core.keys.fill(k, pitch);
    const float* read = mixed + s.mixed_at(h);
    o.fill(read, wide);
    product<false>({d_y, s.count, dim}, layout.out_back(call.packed, h), d_o, pitch);
    sum_product(add, {d_y, dim, dim}, o, layout.sum_out(sums, h), pitch);
    for (int64_t i = 0; i < s.count; ++i) dots[i] = dot_of(read + i * wide, d_o + i * pitch, width);
    s.turn(d_o, false);
    core.run(q, d_o, dots, s.count, s.mask(h), s.norms(norms, h), d_o);
    float* const gradients[] = {d_o, core.d_key, core.d_value};
    for (int64_t part = 0; part < 3; ++part) {
      float* d = gradients[part];
      s.turn(d, true);
      const Panels back = layout.in_back(call.packed, part, h);
      if (h == 0 && part == 0) {
        product<false>({d, s.count, pitch}, back, d_rows, layout.dim_pitch);
      } else {
        product<true>({d, s.count, pitch}, back, d_rows, layout.dim_pitch);
      }
      sum_product(add, {d, width, pitch}, x, layout.sum_in(sums, part, h), layout.dim_pitch);
    }
  }
  d_x += s.token * dim;
  for (int64_t i = 0; i < s.count; ++i) copy_row(d_rows + i * layout.dim_pitch, dim, d_x + i * dim);
}

static int64_t attention_block_sums_floats(const AttentionBlock& block) {
  return BlockLayout(block).sums_floats();
}

static void attention_block_unpack(const AttentionBlock& block, const float* sums, float* d_qkv,
                                   float* d_out) {
  const BlockLayout layout(block);
  float* from = const_cast<float*>(sums);
  for (int64_t h = 0; h < block.heads; ++h) {
    for (int64_t part = 0; part < 3; ++part) {
      const float* rows = layout.sum_in(from, part, h);
      float* to = d_qkv + (part * block.heads + h) * block.head_dim * block.dim;
      for (int64_t r = 0; r < block.head_dim; ++r)
        copy_row(rows + r * layout.dim_pitch, block.dim, to + r * block.dim);
    }
    const float* rows = layout.sum_out(from, h);
    for (int64_t r = 0; r < block.dim; ++r) {
      copy_row(rows + r * layout.width_pitch, block.head_dim,
               d_out + r * block.wide() + h * block.head_dim);
    }
  }
}

}  // namespace tenfold::kernels::TENFOLD_ISA
