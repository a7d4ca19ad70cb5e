// Sums over the segments of a list, in blocks (blocks.h). A block owns one segment and one tile of
// columns; its threads are `lanes` columns times `groups`. Group g adds entries g, g + groups, ...
// of the segment, then one thread a column adds the groups in order: no atomics, the same bytes
// every time.
#pragma once

#include "common/kernels/blocks.h"

namespace tenfold::kernels {

struct SegmentShape {
  int64_t segments, width;
  int lanes, groups;
};

// Lanes for the width, groups for the mean length of a segment (at least eight entries a group).
inline SegmentShape segment_shape(int64_t segments, int64_t entries, int64_t width) {
  SegmentShape shape{segments, width, lanes_for(width), 1};
  while (shape.lanes * shape.groups * 2 <= kMaxThreads && segments * shape.groups * 16 <= entries) {
    shape.groups *= 2;
  }
  return shape;
}

// Term:
//   int64_t begin(int64_t segment), end(int64_t segment)
//   T entry(int64_t k, int64_t segment, int64_t column)      called once an entry and column
//   void finish(int64_t segment, int64_t column, T sum)
template <class T, class Term>
struct SegmentSum {
  static constexpr int kPhases = 2;
  SegmentShape shape;
  Term term;

  int64_t blocks() const { return shape.segments * divide_up(shape.width, shape.lanes); }
  int threads() const { return shape.lanes * shape.groups; }
  int64_t shared_bytes() const { return static_cast<int64_t>(sizeof(T)) * threads(); }

  TENFOLD_HOST_DEVICE void operator()(int phase, const Place& at, void* memory) const {
    T* partial = static_cast<T*>(memory);
    const int lane = at.thread % shape.lanes, group = at.thread / shape.lanes;
    const BlockTile own(at.block, shape.width, shape.lanes);
    const int64_t segment = own.row, column = own.column + lane;
    if (column >= shape.width) return;
    if (phase == 0) {
      T sum = 0;
      const int64_t end = term.end(segment);
#pragma unroll 4
      for (int64_t k = term.begin(segment) + group; k < end; k += shape.groups) {
        sum += term.entry(k, segment, column);
      }
      partial[at.thread] = sum;
    } else if (group == 0) {
      T sum = 0;
      for (int g = 0; g < shape.groups; ++g) sum += partial[g * shape.lanes + lane];
      term.finish(segment, column, sum);
    }
  }
};

}  // namespace tenfold::kernels
