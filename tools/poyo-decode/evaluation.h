// R2 of decoded velocities: predictions of overlapping windows averaged by sample, phases masked,
// all samples of a session pooled (specification, section 5).
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "tools/poyo-decode/dataset.h"
#include "tools/poyo-decode/model.h"

namespace tenfold::poyo_decode {

// A decoded trajectory at the samples that were reached.
struct Decoded {
  std::vector<int64_t> samples;   // indices into the recording's samples, ascending
  std::vector<float> prediction;  // [samples, 2] normalised
};

struct SessionScore {
  std::string session, task;
  std::optional<double> r2, r2_x, r2_y;  // none where a target does not vary
  int64_t samples = 0, windows = 0, skipped_intervals = 0;
  Decoded decoded;  // the samples that were asked for, whether they are scored or not
};

// 1 - sum (y - p)^2 / sum (y - mean y)^2 of one column of [n, 2]; none where y does not vary.
std::optional<double> r2_of(const std::vector<float>& target, const std::vector<float>& prediction,
                            int64_t column);

// Sums of predictions by sample, which overlapping windows share.
struct Stitch {
  std::vector<double> sum;     // [samples, 2]
  std::vector<int64_t> count;  // [samples]

  explicit Stitch(int64_t samples) : sum(size_t(2 * samples), 0.0), count(size_t(samples), 0) {}

  void add(int64_t sample, const float* prediction);  // [2]
};

// The scored samples of `where` that were reached, and their R2.
void score_stitched(const Session& session, const Intervals& where, const Stitch& stitch,
                    SessionScore& out);

struct EvaluationOptions {
  int64_t query_stride = 1, batch_size = 64;
  bool drop_spikes = false;
};

// Windows over `where` (the valid or test domain of each recording), samples inside it.
std::vector<SessionScore> evaluate(const Model& model, const Dataset& dataset,
                                   const std::vector<Intervals>& where,
                                   const EvaluationOptions& options);

// Mean over the sessions that have an R2; none without one.
std::optional<double> mean_r2(const std::vector<SessionScore>& scores);

}  // namespace tenfold::poyo_decode
