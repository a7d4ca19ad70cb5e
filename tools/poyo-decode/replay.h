// A recording played back to a streaming decoder, step by step (specification, section 7, decode).
#pragma once

#include <optional>

#include "tools/poyo-decode/dataset.h"
#include "tools/poyo-decode/streaming_decoder.h"
#include "tools/poyo-decode/trajectory.h"

namespace tenfold::poyo_decode {

struct ReplayOptions {
  double step = 0.01, query_offset = 0.01;  // seconds
  std::optional<double> start, duration;    // of the part that is played; the whole recording
  double normalize_std = 20;
};

// Output times: in every contiguous piece [a, b) of the recording's domain a + W, a + W + step, ...
// up to b; `times` of the result are those of the queries, query_offset earlier, and `truth` is the
// movement interpolated there between two samples of the piece. A step is scored where both samples
// are. `skipped`: pieces shorter than a window. The decoder must be fresh.
struct Replay {
  Trajectory trajectory;
  int64_t skipped = 0;
};
Replay replay(const Session& session, const ReplayOptions& options, StreamingDecoder& decoder);

// R2 over the scored steps whose query lies in `where`.
SessionScore score_of(const Session& session, const Replay& replay, const Intervals& where);

}  // namespace tenfold::poyo_decode
