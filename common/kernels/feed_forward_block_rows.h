// The arithmetic of feed_forward_block.h, compiled once for every instruction set.
#pragma once

#include "common/kernels/dropout_factors.h"
#include "common/kernels/feed_forward_block_isa.h"
#include "common/kernels/geglu_gate.h"
#include "common/kernels/panel_product.h"
#include "common/kernels/scratch_parts.h"

namespace tenfold::kernels::TENFOLD_ISA {

constexpr int64_t kHiddenRows = 128, kSlice = 128;  // rows and hidden columns at once

// Where the packed weights and the sums of their gradients lie, by slices of hidden columns.
struct FeedForwardLayout {
  int64_t dim, inner, dim_pitch, slices;

  explicit FeedForwardLayout(const FeedForwardBlock& b)
      : dim(b.dim),
        inner(b.inner),
        dim_pitch(round_up(dim, kPanel)),
        slices((inner + kSlice - 1) / kSlice) {}

  int64_t width(int64_t slice) const {
    return inner - slice * kSlice < kSlice ? inner - slice * kSlice : kSlice;
  }
  // x -> values and gates [dim, width], and their gradients' ways back [width, dim]; the same for
  // the way out.
  Panels value(const float* packed, int64_t s) const { return at(packed, s, 0, dim, width(s)); }
  Panels gate(const float* packed, int64_t s) const { return at(packed, s, 1, dim, width(s)); }
  Panels out_back(const float* packed, int64_t s) const { return at(packed, s, 2, dim, width(s)); }
  Panels value_back(const float* packed, int64_t s) const {
    return at(packed, s, 3, width(s), dim);
  }
  Panels gate_back(const float* packed, int64_t s) const { return at(packed, s, 4, width(s), dim); }
  Panels out(const float* packed, int64_t s) const { return at(packed, s, 5, width(s), dim); }
  // Biases of values and gates, zero beyond the slice's width.
  float* bias(const float* packed, int64_t s, bool gate) const {
    return const_cast<float*>(packed) + 6 * slices * matrix() + (2 * s + gate) * kSlice;
  }
  int64_t pack_floats() const { return 6 * slices * matrix() + 2 * slices * kSlice; }

  // [width][dim_pitch] of values and of gates, [dim][kSlice] of the way out, then the biases.
  float* sum_in(float* sums, int64_t s, bool gate) const {
    return sums + (2 * s + gate) * kSlice * dim_pitch;
  }
  float* sum_out(float* sums, int64_t s) const {
    return sums + (2 * slices * dim_pitch + s * dim) * kSlice;
  }
  float* sum_bias(float* sums, int64_t s, bool gate) const {
    return sums + (2 * slices * dim_pitch + slices * dim + 2 * s + gate) * kSlice;
  }
  int64_t sums_floats() const { return slices * kSlice * (2 * dim_pitch + dim + 2); }

 private:
  int64_t matrix() const { return kSlice * dim_pitch; }
  Panels at(const float* packed, int64_t slice, int64_t which, int64_t depth,
            int64_t columns) const {
    return {const_cast<float*>(packed) + (6 * slice + which) * matrix(), depth, columns};
  }
};

static int64_t feed_forward_pack_floats(const FeedForwardBlock& block) {
  return FeedForwardLayout(block).pack_floats();
}

static void feed_forward_pack(const FeedForwardBlock& block, float* packed) {
  const FeedForwardLayout layout(block);
  for (int64_t s = 0; s < layout.slices; ++s) {
    const float *value = block.in + s * kSlice * block.dim, *gate = value + block.inner * block.dim,
                *out = block.out + s * kSlice;
    layout.value(packed, s).fill_transposed(value, block.dim);
    layout.value_back(packed, s).fill(value, block.dim);
    layout.gate(packed, s).fill_transposed(gate, block.dim);
    layout.gate_back(packed, s).fill(gate, block.dim);
    layout.out(packed, s).fill_transposed(out, block.inner);
    layout.out_back(packed, s).fill(out, block.inner);
    for (int64_t j = 0; j < kSlice; ++j) {
      const bool there = j < layout.width(s);
      layout.bias(packed, s, false)[j] = there ? block.in_bias[s * kSlice + j] : 0;
      layout.bias(packed, s, true)[j] = there ? block.in_bias[block.inner + s * kSlice + j] : 0;
    }
  }
}

// A slice of hidden columns for a block of rows, [rows][kSlice] each.
struct HiddenSlice {
  const FeedForwardCall& call;
  FeedForwardLayout layout;
  DropoutFactors dropout;
  float *value = nullptr, *gate = nullptr, *mixed = nullptr, *room = nullptr;

  explicit HiddenSlice(const FeedForwardCall& c)
      : call(c), layout(c.block), dropout(c.rate, c.key) {}

  void take(ScratchParts& p) {
    value = p.take(kHiddenRows * kSlice);
    gate = p.take(kHiddenRows * kSlice);
    mixed = p.take(kHiddenRows * kSlice);
    room = p.take(DropoutFactors::floats(kSlice));
  }

  // Values and gates of rows x, without their biases.
  void load(const Left& x, int64_t slice) const {
    product<false>(x, layout.value(call.packed, slice), value, kSlice);
    product<false>(x, layout.gate(call.packed, slice), gate, kSlice);
  }

  // body(place in the slice's memory, column, value, gate, what dropout multiplies with) for whole
  // vectors of rows first .. first + rows - 1.
  template <class Body>
  void for_vectors(int64_t first, int64_t rows, int64_t slice, const Body& body) const {
    const int64_t width = layout.width(slice);
    const float *value_bias = layout.bias(call.packed, slice, false),
                *gate_bias = layout.bias(call.packed, slice, true);
    for (int64_t r = 0; r < rows; ++r) {
      const float* kept = room;
      if (dropout.on())
        kept = dropout.fill(uint64_t((first + r) * layout.inner + slice * kSlice), width, room);
      for (int64_t j = 0; j < width; j += kFloatLanes) {
        const int64_t at = r * kSlice + j;
        const Floats factor = dropout.on() ? TENFOLD_ISA::load(kept + j) : Floats{} + 1.0f;
        body(at, j, TENFOLD_ISA::load(value + at) + TENFOLD_ISA::load(value_bias + j),
             TENFOLD_ISA::load(gate + at) + TENFOLD_ISA::load(gate_bias + j), factor);
      }
    }
  }
};

// body(first row, rows) for blocks of rows that fit a slice's memory.
template <class Body>
static void for_row_blocks(const FeedForwardCall& call, const Body& body) {
  for (int64_t r = 0; r < call.rows; r += kHiddenRows)
    body(call.first + r, call.rows - r < kHiddenRows ? call.rows - r : kHiddenRows);
}

static void feed_forward(const FeedForwardCall& call, float* y) {
  HiddenSlice hidden(call);
  const FeedForwardLayout& layout = hidden.layout;
  const int64_t dim = layout.dim, pitch = layout.dim_pitch;
  float* sum = nullptr;
  ScratchParts(thread_scratch()).lay_out([&](ScratchParts& p) {
    hidden.take(p);
    sum = p.take(kHiddenRows * pitch);
  });
  for_row_blocks(call, [&](int64_t first, int64_t rows) {
    for (int64_t s = 0; s < layout.slices; ++s) {
      hidden.load({call.x + first * dim, rows, dim}, s);
      hidden.for_vectors(
          first, rows, s,
          [&](int64_t at, int64_t, const Floats& value, const Floats& gate, const Floats& factor) {
            store(hidden.mixed + at, value * (gate * share_of(gate)) * factor);
          });
      const Left mixed{hidden.mixed, rows, kSlice};
      if (s == 0) {
        product<false>(mixed, layout.out(call.packed, s), sum, pitch);
      } else {
        product<true>(mixed, layout.out(call.packed, s), sum, pitch);
      }
    }
    for (int64_t r = 0; r < rows; ++r) {
      float* to = y + (first + r) * dim;
      for_columns<float>(dim, [&](int64_t c, auto at) {
        at.set(to + c, load(sum + r * pitch + c) + at.get(call.block.out_bias + c));
      });
    }
  });
}

static void feed_forward_backward(const FeedForwardCall& call, const float* d_y, bool add,
                                  float* d_x, float* sums) {
  HiddenSlice hidden(call);
  const FeedForwardLayout& layout = hidden.layout;
  const int64_t dim = layout.dim, pitch = layout.dim_pitch;
  float *d_mixed = nullptr, *d_rows = nullptr;
  Panels x{}, mixed{};
  ScratchParts(thread_scratch()).lay_out([&](ScratchParts& p) {
    hidden.take(p);
    d_mixed = p.take(kHiddenRows * kSlice);
    d_rows = p.take(kHiddenRows * pitch);
    x = p.panels(kHiddenRows, dim);
    mixed = p.panels(kHiddenRows, kSlice);
  });
  for (int64_t s = 0; s < layout.slices && !add; ++s) {
    for (const bool gate : {false, true}) {
      float* bias = layout.sum_bias(sums, s, gate);
      for (int64_t j = 0; j < kSlice; ++j) bias[j] = 0;
    }
  }
  for_row_blocks(call, [&](int64_t first, int64_t rows) {
    const bool more = add || first > call.first;
    const Left x_rows{call.x + first * dim, rows, dim}, d_out{d_y + first * dim, rows, dim};
    const Panels x_panels{x.data, rows, dim};
    x_panels.fill(x_rows.data, dim);
    for (int64_t s = 0; s < layout.slices; ++s) {
      const int64_t width = layout.width(s);
      hidden.load(x_rows, s);
      product<false>(d_out, layout.out_back(call.packed, s), d_mixed, kSlice);
      float *value_bias = layout.sum_bias(sums, s, false),
            *gate_bias = layout.sum_bias(sums, s, true);
      hidden.for_vectors(first, rows, s,
                         [&](int64_t at, int64_t j, const Floats& value, const Floats& gate,
                             const Floats& factor) {
                           const Floats share = share_of(gate), open = gate * share,
                                        d = load(d_mixed + at) * factor, d_value = d * open,
                                        d_gate = d * value * gate_slope(gate, share);
                           store(hidden.mixed + at, value * open * factor);
                           store(hidden.value + at, d_value);
                           store(hidden.gate + at, d_gate);
                           store(value_bias + j, load(value_bias + j) + d_value);
                           store(gate_bias + j, load(gate_bias + j) + d_gate);
                         });
      const Panels mixed_panels{mixed.data, rows, width};
      mixed_panels.fill(hidden.mixed, kSlice);
      const auto sum = [&](const Left& left, const Panels& right, float* to, int64_t to_pitch) {
        sum_product(more, left, right, to, to_pitch);
      };
      sum({d_out.data, dim, dim}, mixed_panels, layout.sum_out(sums, s), kSlice);
      sum({hidden.value, width, kSlice}, x_panels, layout.sum_in(sums, s, false), pitch);
      sum({hidden.gate, width, kSlice}, x_panels, layout.sum_in(sums, s, true), pitch);
      const Left d_value{hidden.value, rows, kSlice}, d_gate{hidden.gate, rows, kSlice};
      if (s == 0) {
        product<false>(d_value, layout.value_back(call.packed, s), d_rows, pitch);
      } else {
        product<true>(d_value, layout.value_back(call.packed, s), d_rows, pitch);
      }
      product<true>(d_gate, layout.gate_back(call.packed, s), d_rows, pitch);
    }
    for (int64_t r = 0; r < rows; ++r) copy_row(d_rows + r * pitch, dim, d_x + (first + r) * dim);
  });
}

static int64_t feed_forward_sums_floats(const FeedForwardBlock& block) {
  return FeedForwardLayout(block).sums_floats();
}

static void feed_forward_unpack(const FeedForwardBlock& block, const float* sums, float* d_in,
                                float* d_in_bias, float* d_out) {
  const FeedForwardLayout layout(block);
  float* from = const_cast<float*>(sums);
  for (int64_t s = 0; s < layout.slices; ++s) {
    const int64_t width = layout.width(s);
    for (const bool gate : {false, true}) {
      const int64_t row = (gate ? block.inner : 0) + s * kSlice;
      for (int64_t r = 0; r < width; ++r) {
        copy_row(layout.sum_in(from, s, gate) + r * layout.dim_pitch, block.dim,
                 d_in + (row + r) * block.dim);
      }
      copy_row(layout.sum_bias(from, s, gate), width, d_in_bias + row);
    }
    for (int64_t r = 0; r < block.dim; ++r) {
      copy_row(layout.sum_out(from, s) + r * kSlice, width, d_out + r * block.inner + s * kSlice);
    }
  }
}

}  // namespace tenfold::kernels::TENFOLD_ISA
