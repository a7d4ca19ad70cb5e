#include "tools/samba-align/dataset.h"

#include <ATen/TensorOperators.h>
#include <ATen/ops/from_blob.h>
#include <ATen/ops/stack.h>
#include <fmt/format.h>

#include <cmath>

#include "common/core/error.h"
#include "tools/samba-align/normalisation.h"

namespace tenfold::samba_align {
namespace {

at::Tensor tensor_of(const std::vector<float>& values, int64_t rows, int64_t columns) {
  return at::from_blob(const_cast<float*>(values.data()), {rows, columns}, at::kFloat).clone();
}

GraphPtr graph_of(const at::Tensor& series, const Frames& used, const DatasetOptions& o) {
  const int64_t nodes = series.size(0);
  if (o.no_graph) return graph_of_selves(nodes);
  const std::vector<double> r =
      correlations(series.data_ptr<float>() + used.first, nodes, used.count(), series.size(1));
  return o.graph_degree > 0 ? graph_of_degree(r, nodes, o.graph_degree)
                            : graph_of_density(r, nodes, o.graph_density);
}

}  // namespace

Dataset::Dataset(const RecordingSet& recordings, const DatasetOptions& options)
    : options_(options), block_(recordings.block) {
  int64_t frames = recordings.subjects[0].frames;
  for (const Recording& r : recordings.subjects) frames = std::min(frames, r.frames);
  const auto gap = int64_t(std::ceil(options.gap_s / recordings.tr - 1e-9));
  parts_ = blocked_parts(frames, gap);
  const auto in_samples = [&](const Frames& f) { return Frames{f.first * block_, f.end * block_}; };
  for (const Recording& r : recordings.subjects) {
    const std::string where = recordings.path + "/" + r.subject;
    at::Tensor ele = tensor_of(r.ele, r.parcels, r.samples),
               hemo = tensor_of(r.hemo, r.targets, r.frames);
    const bool all = options.graph_from == "all";
    const Frames used = all ? Frames{0, r.frames} : parts_.train;
    source_.push_back(graph_of(ele, in_samples(used), options));
    target_.push_back(graph_of(hemo, used, options));
    if (options.normalise == "recording") {
      const Frames t = parts_.train, s = in_samples(t);
      ele = Moments(ele.narrow(1, s.first, s.count()), where + "/ele.npy").normalised(ele);
      hemo = Moments(hemo.narrow(1, t.first, t.count()), where + "/hemo.npy").normalised(hemo);
    }
    ele_.push_back(ele.contiguous());
    hemo_.push_back(hemo.contiguous());
    folders_.push_back(where);
  }
  training_starts_ = options.windows_anywhere
                         ? all_windows(parts_.train, options.frames, options.context_frames)
                         : grid_windows(parts_.train, options.frames, options.context_frames);
  for (const char* part : {"train", "valid", "test"}) {
    if (!windows(part).empty()) continue;
    throw DataError(
        fmt::format("{}: the {} part holds no window of {} frames (of {} frames in all)",
                    recordings.path, part, options.frames, frames));
  }
}

std::vector<WindowPlace> Dataset::windows(const std::string& part) const {
  const Frames& f = part == "train" ? parts_.train : (part == "valid" ? parts_.valid : parts_.test);
  std::vector<WindowPlace> places;
  for (size_t s = 0; s < ele_.size(); ++s)
    for (const int64_t start : grid_windows(f, options_.frames, options_.context_frames))
      places.push_back({s, s, start});
  return places;
}

std::vector<WindowPlace> Dataset::drawn(const Stream& stream, uint64_t first, int64_t count) const {
  std::vector<WindowPlace> places;
  const auto below = [&](uint64_t draw, size_t n) {
    return std::min(n - 1, size_t(stream.uniform(draw) * double(n)));
  };
  for (int64_t k = 0; k < count; ++k) {
    const uint64_t draw = 3 * (first + uint64_t(k));
    WindowPlace p;
    p.start = training_starts_[below(draw, training_starts_.size())];
    p.ele = p.hemo = below(draw + 1, ele_.size());
    if (options_.pairing == "cross") p.hemo = below(draw + 2, ele_.size());
    places.push_back(p);
  }
  return places;
}

at::Tensor Dataset::window_of(const at::Tensor& series, int64_t first, int64_t context,
                              int64_t length, const std::string& what) const {
  const at::Tensor whole = series.narrow(1, first - context, context + length);
  if (options_.normalise == "recording") return whole;
  return Moments(series.narrow(1, first, length), what).normalised(whole);
}

Batch Dataset::batch(const std::vector<WindowPlace>& places) const {
  Batch b;
  std::vector<at::Tensor> x, y;
  for (const WindowPlace& p : places) {
    const auto named = [&](size_t subject, const char* file) {
      return fmt::format("{}/{}: window at frame {}", folders_[subject], file, p.start);
    };
    x.push_back(window_of(ele_[p.ele], p.start * block_, options_.context_frames * block_,
                          options_.frames * block_, named(p.ele, "ele.npy")));
    y.push_back(window_of(hemo_[p.hemo], p.start, 0, options_.frames, named(p.hemo, "hemo.npy")));
    b.source.push_back(source_[p.ele]);
    b.target.push_back(target_[p.hemo]);
  }
  b.x = at::stack(x);
  b.y = at::stack(y);
  return b;
}

}  // namespace tenfold::samba_align
