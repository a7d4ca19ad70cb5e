#include "tools/poyo-decode/batch_builder.h"

#include <ATen/ops/from_blob.h>

#include <algorithm>

namespace tenfold::poyo_decode {
namespace {

constexpr int64_t kTypes = 3;

int64_t first_from(const std::vector<double>& times, double t) {
  return std::lower_bound(times.begin(), times.end(), t) - times.begin();
}

at::Tensor copied(const std::vector<float>& values, std::vector<int64_t> shape) {
  return at::from_blob(const_cast<float*>(values.data()), shape,
                       at::TensorOptions().dtype(at::kFloat))
      .clone();
}

}  // namespace

BatchBuilder::BatchBuilder(const Dataset& dataset, const BatchOptions& options)
    : dataset_(dataset),
      options_(options),
      pair_(size_t(kTypes * (dataset.units.size() + 1)), -1),
      session_(size_t(dataset.sessions.size() + 1), -1) {}

int32_t BatchBuilder::pair_of(int64_t unit_row, int64_t type, TokenBatch& batch) {
  int32_t& pair = pair_[size_t(unit_row * kTypes + type)];
  if (pair < 0) {
    pair = int32_t(batch.pair_unit.size());
    batch.pair_unit.push_back(unit_row);
    batch.pair_type.push_back(type);
  }
  return pair;
}

int32_t BatchBuilder::session_of(int64_t row, TokenBatch& batch) {
  int32_t& session = session_[size_t(row)];
  if (session < 0) {
    session = int32_t(batch.sessions.size());
    batch.sessions.push_back(row);
  }
  return session;
}

template <class Body>
void BatchBuilder::for_queries(const Session& session, const Window& window,
                               const Body& body) const {
  const std::vector<double>& times = session.recording.sample_times;
  const int64_t end = first_from(times, window.start + options_.window);
  for (int64_t i = first_from(times, window.start); i < end; i += options_.query_stride) body(i);
}

double BatchBuilder::weight_of(const std::vector<Window>& windows) const {
  double sum = 0;
  for (const Window& w : windows) {
    const Session& session = dataset_.parts[size_t(w.recording)];
    for_queries(session, w, [&](int64_t i) { sum += session.weight[size_t(i)]; });
  }
  return sum;
}

void BatchBuilder::add_queries(const Session& session, const Window& window, double scale,
                               TokenBatch& batch) {
  const int32_t number = session_of(session.row, batch);
  batch.query_begin.push_back(batch.queries());
  for_queries(session, window, [&](int64_t i) {
    batch.query_time.push_back(scale * (session.recording.sample_times[size_t(i)] - window.start));
    batch.query_session.push_back(number);
    query_samples_.push_back(i);
    target_.push_back(session.target[size_t(2 * i)]);
    target_.push_back(session.target[size_t(2 * i + 1)]);
    weight_.push_back(session.weight[size_t(i)]);
  });
  batch.query_count.push_back(batch.queries() - batch.query_begin.back());
}

void BatchBuilder::add_window(const Window& window, uint64_t number, TokenBatch& batch) {
  const Session& session = dataset_.parts[size_t(window.recording)];
  const int64_t units = int64_t(session.unit_rows.size());
  const double scale = time_scale(options_.time_scaling, options_.seed, number);
  batch.token_begin.push_back(batch.tokens());
  const auto add = [&](int64_t unit, int64_t type, double time) {
    batch.token_pair.push_back(pair_of(session.unit_rows[size_t(unit)], type, batch));
    batch.token_time.push_back(time);
  };
  kept_.assign(size_t(units), false);
  for (int64_t unit : units_kept(options_.unit_dropout, units, options_.seed, number)) {
    kept_[size_t(unit)] = true;
    if (!options_.delimiters) continue;
    add(unit, kStart, 0);
    add(unit, kEnd, options_.window);
  }
  if (!options_.drop_spikes) {
    const Recording& r = session.recording;
    const int64_t end = first_from(r.spike_times, window.start + options_.window);
    for (int64_t i = first_from(r.spike_times, window.start); i < end; ++i) {
      if (kept_[size_t(r.spike_units[size_t(i)])])
        add(r.spike_units[size_t(i)], kSpike, scale * (r.spike_times[size_t(i)] - window.start));
    }
  }
  batch.token_count.push_back(batch.tokens() - batch.token_begin.back());
  add_queries(session, window, scale, batch);
}

TokenBatch BatchBuilder::build(const std::vector<Window>& windows, uint64_t first) {
  TokenBatch batch;
  target_.clear();
  weight_.clear();
  query_samples_.clear();
  for (size_t w = 0; w < windows.size(); ++w) add_window(windows[w], first + w, batch);
  for (size_t i = 0; i < batch.pair_unit.size(); ++i)
    pair_[size_t(batch.pair_unit[i] * kTypes + batch.pair_type[i])] = -1;
  for (int64_t row : batch.sessions) session_[size_t(row)] = -1;
  batch.target = copied(target_, {batch.queries(), 2});
  batch.weight = copied(weight_, {batch.queries()});
  return batch;
}

}  // namespace tenfold::poyo_decode
