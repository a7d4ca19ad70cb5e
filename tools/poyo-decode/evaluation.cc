#include "tools/poyo-decode/evaluation.h"

#include <ATen/core/grad_mode.h>

#include <algorithm>

#include "tools/poyo-decode/batch_builder.h"

namespace tenfold::poyo_decode {

void Stitch::add(int64_t sample, const float* prediction) {
  sum[size_t(2 * sample)] += prediction[0];
  sum[size_t(2 * sample + 1)] += prediction[1];
  ++count[size_t(sample)];
}

void score_stitched(const Session& session, const Intervals& where, const Stitch& stitch,
                    SessionScore& out) {
  std::vector<float> target, prediction;
  for (int64_t i = 0; i < session.recording.samples(); ++i) {
    const int64_t count = stitch.count[size_t(i)];
    if (count == 0 || !contains(where, session.recording.sample_times[size_t(i)])) continue;
    out.decoded.samples.push_back(i);
    for (int64_t c = 0; c < 2; ++c) {
      out.decoded.prediction.push_back(float(stitch.sum[size_t(2 * i + c)] / double(count)));
      if (!session.scored[size_t(i)]) continue;
      prediction.push_back(out.decoded.prediction.back());
      target.push_back(session.target[size_t(2 * i + c)]);
    }
  }
  out.samples = int64_t(target.size() / 2);
  out.r2_x = r2_of(target, prediction, 0);
  out.r2_y = r2_of(target, prediction, 1);
  if (out.r2_x && out.r2_y) out.r2 = (*out.r2_x + *out.r2_y) / 2;
}

std::optional<double> r2_of(const std::vector<float>& target, const std::vector<float>& prediction,
                            int64_t column) {
  double mean = 0, error = 0, spread = 0;
  const double n = double(target.size() / 2);
  for (size_t i = size_t(column); i < target.size(); i += 2) mean += target[i] / n;
  for (size_t i = size_t(column); i < target.size(); i += 2) {
    error += (double(target[i]) - prediction[i]) * (double(target[i]) - prediction[i]);
    spread += (target[i] - mean) * (target[i] - mean);
  }
  if (!(spread > 0)) return std::nullopt;
  return 1 - error / spread;
}

std::vector<SessionScore> evaluate(const Model& model, const Dataset& dataset,
                                   const std::vector<Intervals>& where,
                                   const EvaluationOptions& options) {
  const at::NoGradGuard guard;
  BatchOptions batching;
  batching.window = model.spec().window;
  batching.query_stride = options.query_stride;
  batching.drop_spikes = options.drop_spikes;
  batching.delimiters = model.spec().delimiters;
  BatchBuilder builder(dataset, batching);
  std::vector<SessionScore> scores;
  for (size_t r = 0; r < dataset.parts.size(); ++r) {
    const Session& session = dataset.parts[r];
    const EvaluationWindows windows = evaluation_windows(where[r], batching.window);
    Stitch stitch(session.recording.samples());
    for (size_t w = 0; w < windows.starts.size(); w += size_t(options.batch_size)) {
      std::vector<Window> group;
      const size_t end = std::min(windows.starts.size(), w + size_t(options.batch_size));
      for (size_t i = w; i < end; ++i) group.push_back({int64_t(r), windows.starts[i]});
      const TokenBatch batch = builder.build(group, 0);
      if (batch.queries() == 0) continue;
      const at::Tensor out = model.forward(batch, std::nullopt).contiguous().cpu();
      for (int64_t q = 0; q < batch.queries(); ++q)
        stitch.add(builder.query_samples()[size_t(q)], out.data_ptr<float>() + 2 * q);
    }
    SessionScore s;
    s.session = session.recording.session;
    s.task = session.recording.task;
    s.windows = int64_t(windows.starts.size());
    s.skipped_intervals = windows.skipped;
    score_stitched(session, where[r], stitch, s);
    scores.push_back(std::move(s));
  }
  return scores;
}

std::optional<double> mean_r2(const std::vector<SessionScore>& scores) {
  double sum = 0;
  int64_t count = 0;
  for (const SessionScore& s : scores) {
    if (!s.r2) continue;
    sum += *s.r2;
    ++count;
  }
  if (count == 0) return std::nullopt;
  return sum / double(count);
}

}  // namespace tenfold::poyo_decode
