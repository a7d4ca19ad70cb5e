// The blocks (blocks.h) of edge_tile_cuda.h.
#pragma once

#include "common/kernels/edge_tile_body.h"
#include "common/kernels/segment_sum_body.h"

namespace tenfold::kernels {

// One thread an entry of [tile, width]: the threads of a block are `lanes` columns times a few
// edges. Entry: void operator()(int64_t edge, int64_t column).
template <class Entry>
struct EachEntry {
  static constexpr int kPhases = 1;
  int64_t tile, width;
  int lanes;
  Entry entry;

  int64_t blocks() const { return divide_up(tile, kMaxThreads / lanes) * divide_up(width, lanes); }
  int threads() const { return kMaxThreads; }
  int64_t shared_bytes() const { return 0; }

  TENFOLD_HOST_DEVICE void operator()(int, const Place& at, void*) const {
    const BlockTile own(at.block, width, lanes);
    const int64_t edge = own.row * (kMaxThreads / lanes) + at.thread / lanes;
    const int64_t column = own.column + at.thread % lanes;
    if (edge < tile && column < width) entry(edge, column);
  }
};

struct GatherAddSilu {
  int64_t width;
  float* hidden;
  const float *source_term, *target_term;
  const int32_t *source, *target;

  TENFOLD_HOST_DEVICE void operator()(int64_t e, int64_t i) const {
    float& h = hidden[e * width + i];
    h = TENFOLD_ISA::silu<float, uint32_t>(
        h + constant(source_term + constant(source + e) * width + i) +
        constant(target_term + constant(target + e) * width + i));
  }
};

struct BiasSilu {
  int64_t width;
  float* value;
  const float* bias;

  TENFOLD_HOST_DEVICE void operator()(int64_t e, int64_t i) const {
    float& v = value[e * width + i];
    v = TENFOLD_ISA::silu<float, uint32_t>(v + constant(bias + i));
  }
};

struct AddToSegment {
  int64_t width;
  const int64_t* offsets;
  float* sum;

  TENFOLD_HOST_DEVICE int64_t begin(int64_t node) const { return constant(offsets + node); }
  TENFOLD_HOST_DEVICE int64_t end(int64_t node) const { return constant(offsets + node + 1); }
  TENFOLD_HOST_DEVICE void finish(int64_t node, int64_t i, float total) const {
    sum[node * width + i] += total;
  }
};

struct ModulatedTerm : AddToSegment {
  const float *scale, *scale_bias, *source_term;
  const int32_t* source;

  TENFOLD_HOST_DEVICE float entry(int64_t e, int64_t, int64_t i) const {
    return TENFOLD_ISA::modulated(constant(scale + e * width + i), constant(scale_bias + i),
                                  constant(source_term + constant(source + e) * width + i));
  }
};

struct ValueTerm : AddToSegment {
  const float* value;

  TENFOLD_HOST_DEVICE float entry(int64_t e, int64_t, int64_t i) const {
    return constant(value + e * width + i);
  }
};

inline EachEntry<GatherAddSilu> gather_add_silu_blocks(float* hidden, const float* source_term,
                                                       const float* target_term,
                                                       const int32_t* source, const int32_t* target,
                                                       int64_t tile, int64_t width) {
  return {tile, width, lanes_for(width), {width, hidden, source_term, target_term, source, target}};
}

inline EachEntry<BiasSilu> bias_silu_blocks(float* value, const float* bias, int64_t tile,
                                            int64_t width) {
  return {tile, width, lanes_for(width), {width, value, bias}};
}

inline SegmentSum<float, ModulatedTerm> gather_modulate_sum_blocks(
    const float* scale, const float* scale_bias, const float* source_term, const int32_t* source,
    const int64_t* offsets, float* sum, int64_t nodes, int64_t tile, int64_t width) {
  return {segment_shape(nodes, tile, width),
          {{width, offsets, sum}, scale, scale_bias, source_term, source}};
}

inline SegmentSum<float, ValueTerm> segment_sum_blocks(const float* value, const int64_t* offsets,
                                                       float* sum, int64_t nodes, int64_t tile,
                                                       int64_t width) {
  return {segment_shape(nodes, tile, width), {{width, offsets, sum}, value}};
}

}  // namespace tenfold::kernels
