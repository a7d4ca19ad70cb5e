#include "tools/poyo-decode/gru_decoder.h"

#include <ATen/core/grad_mode.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/mse_loss.h>

#include <algorithm>
#include <cmath>
#include <map>
#include <memory>

#include "common/core/error.h"
#include "common/core/philox.h"

namespace tenfold::poyo_decode {
namespace {

constexpr int64_t kSequencesAtOnce = 64;

int64_t first_from(const std::vector<double>& times, double t) {
  return std::lower_bound(times.begin(), times.end(), t) - times.begin();
}

// The counts of [start, start + window), and the samples in it at their own times.
Sequence window_of(const Session& session, double start, double window, double bin,
                   const Eigen::VectorXd& scale) {
  const Recording& r = session.recording;
  const int64_t units = int64_t(r.units.size());
  Sequence s;
  s.steps = int64_t(std::ceil(window / bin - kFitTolerance));
  s.counts.assign(size_t(s.steps * units), 0.0f);
  const int64_t spikes_end = first_from(r.spike_times, start + window);
  for (int64_t i = first_from(r.spike_times, start); i < spikes_end; ++i) {
    const int64_t step = std::min(s.steps - 1, int64_t((r.spike_times[size_t(i)] - start) / bin));
    const int64_t unit = r.spike_units[size_t(i)];
    s.counts[size_t(step * units + unit)] += float(scale(unit));
  }
  const int64_t samples_end = first_from(r.sample_times, start + window);
  for (int64_t i = first_from(r.sample_times, start); i < samples_end; ++i) {
    s.samples.push_back(i);
    s.place.push_back((r.sample_times[size_t(i)] - start) / bin - 0.5);
  }
  return s;
}

std::vector<Sequence> trials_within(const BinnedRows& rows, const Intervals& where,
                                    const Eigen::VectorXd& scale) {
  std::map<int64_t, Sequence> by_trial;
  const int64_t units = rows.counts.cols();
  for (int64_t row : rows_within(rows, where, false)) {
    Sequence& s = by_trial[rows.group[size_t(row)]];
    for (int64_t u = 0; u < units; ++u) s.counts.push_back(float(rows.counts(row, u) * scale(u)));
    s.samples.push_back(row);
    s.place.push_back(double(s.steps++));
  }
  std::vector<Sequence> out;
  for (auto& [trial, sequence] : by_trial) out.push_back(std::move(sequence));
  return out;
}

}  // namespace

GruSequences window_sequences(const Session& session, const Intervals& training, double window,
                              double bin, const Eigen::VectorXd& scale, uint64_t seed) {
  GruSequences out;
  const auto all = [&](const EvaluationWindows& windows) {
    std::vector<Sequence> sequences;
    for (double start : windows.starts)
      sequences.push_back(window_of(session, start, window, bin, scale));
    return sequences;
  };
  out.valid = all(evaluation_windows(session.recording.valid_domain, window));
  const EvaluationWindows test = evaluation_windows(session.recording.test_domain, window);
  out.test = all(test);
  out.skipped = test.skipped;
  const auto sampler = std::make_shared<WindowSampler>(std::vector<Intervals>{training}, window,
                                                       Sampling::kTrials, kGruBatch, seed);
  out.steps_per_epoch = sampler->steps_per_epoch();
  out.batch = [sampler, &session, window, bin, scale](int64_t step) {
    std::vector<Sequence> sequences;
    for (const Window& w : sampler->batch(step))
      sequences.push_back(window_of(session, w.start, window, bin, scale));
    return sequences;
  };
  return out;
}

GruSequences trial_sequences(const Session& session, const BinnedRows& rows,
                             const Intervals& training, const Eigen::VectorXd& scale,
                             uint64_t seed) {
  GruSequences out;
  out.valid = trials_within(rows, session.recording.valid_domain, scale);
  out.test = trials_within(rows, session.recording.test_domain, scale);
  const auto train =
      std::make_shared<const std::vector<Sequence>>(trials_within(rows, training, scale));
  if (train->empty()) throw DataError("no training trial has samples");
  const int64_t n = int64_t(train->size()), steps = (n + kGruBatch - 1) / kGruBatch;
  out.steps_per_epoch = steps;
  out.batch = [train, n, steps, seed](int64_t step) {
    const std::vector<int64_t> order =
        Stream(seed, "trial-order", uint64_t(step / steps)).permutation(n);
    std::vector<Sequence> sequences;
    const int64_t first = step % steps * kGruBatch;
    for (int64_t i = first; i < std::min(n, first + kGruBatch); ++i)
      sequences.push_back((*train)[size_t(order[size_t(i)])]);
    return sequences;
  };
  return out;
}

GruDecoder::GruDecoder(const Session& session, GruSequences sequences, int64_t hidden,
                       uint64_t seed)
    : session_(session),
      sequences_(std::move(sequences)),
      seed_(seed),
      parameters_(seed),
      network_(parameters_, int64_t(session.recording.units.size()), hidden) {
  parameters_.flatten(at::kCPU);
}

at::Tensor GruDecoder::loss(int64_t step) {
  const std::vector<Sequence> sequences = sequences_.batch(step);
  std::vector<const Sequence*> pointers;
  for (const Sequence& s : sequences) pointers.push_back(&s);
  const SequenceBatch batch = packed(pointers, int64_t(session_.recording.units.size()));
  if (batch.samples.empty()) return {};
  std::vector<float> target;
  for (int64_t sample : batch.samples)
    for (int64_t c = 0; c < 2; ++c) target.push_back(session_.target[size_t(2 * sample + c)]);
  const at::Tensor expected = at::from_blob(target.data(), {int64_t(batch.samples.size()), 2},
                                            at::TensorOptions().dtype(at::kFloat))
                                  .clone();
  return at::mse_loss(network_(batch, GruNetwork::DropoutStep{seed_, step}), expected);
}

SessionScore GruDecoder::decoded(const std::vector<Sequence>& sequences,
                                 const Intervals& where) const {
  const at::NoGradGuard guard;
  Stitch stitch(session_.recording.samples());
  for (size_t i = 0; i < sequences.size(); i += size_t(kSequencesAtOnce)) {
    std::vector<const Sequence*> group;
    const size_t end = std::min(sequences.size(), i + size_t(kSequencesAtOnce));
    for (size_t k = i; k < end; ++k) group.push_back(&sequences[k]);
    const SequenceBatch batch = packed(group, int64_t(session_.recording.units.size()));
    if (batch.samples.empty()) continue;
    const at::Tensor out = network_(batch, std::nullopt).contiguous();
    for (size_t q = 0; q < batch.samples.size(); ++q)
      stitch.add(batch.samples[q], out.data_ptr<float>() + 2 * q);
  }
  SessionScore score;
  score.session = session_.recording.session;
  score.task = session_.recording.task;
  score.windows = int64_t(sequences.size());
  score_stitched(session_, where, stitch, score);
  return score;
}

std::optional<double> GruDecoder::valid_r2() const {
  return decoded(sequences_.valid, session_.recording.valid_domain).r2;
}

RowScore GruDecoder::score() const {
  RowScore out;
  out.valid_r2 = valid_r2();
  out.test = decoded(sequences_.test, session_.recording.test_domain);
  out.test.skipped_intervals = sequences_.skipped;
  return out;
}

}  // namespace tenfold::poyo_decode
